"""Self-Instruct: a teacher writes candidates, each is tried for real, a second solver has to agree.

In rounds. All prompts of a round are drawn from the same pool, asked at once, and judged in the order of their
numbers, so the result depends on the replies and not on which came first. Replies come from the journal where they
are paid for already, and so do verdicts, so a run that is started again catches up in no time.

>>> made = self_instruct(config, world, writer=writer, solver=solver, verdicts=verdicts, pool=pool, seed=0)
>>> len(made.records), made.refusals.counts
(100, {'solver_disagrees': 61, 'duplicate': 40})
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from agenttuning.conversation import Conversation
from agenttuning.corpus.construct.config import ConstructConfig
from agenttuning.corpus.construct.refusal import Refusals, Refused
from agenttuning.corpus.construct.similarity import Pool, words
from agenttuning.corpus.construct.topics import TOPICS
from agenttuning.corpus.construct.world import Draft, World
from agenttuning.engines.base import Reply, Sampling
from agenttuning.engines.stored import StoredEngine
from agenttuning.errors import BudgetSpent, ContextFull, EngineError, UserError
from agenttuning.journal import Journal

SHORTEST, LONGEST = 4, 150  # words of an instruction, as in Self-Instruct
SOLVER_TOKENS = 512
MOST_SILENT = 3  # questions in a row without a reply; then the endpoint is taken to have gone


@dataclass
class Made:
    """What came of the candidates; `stopped` says why there are fewer than were asked for."""

    records: list[dict[str, Any]] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    candidates: int = 0
    stopped: str = ""
    silent: int = 0  # questions without a reply, since the last one that had one


def self_instruct(
    config: ConstructConfig,
    world: World,
    *,
    writer: StoredEngine,
    solver: StoredEngine,
    verdicts: Journal,
    pool: Pool,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Made:
    """`progress` is called with the number of tasks that are kept."""
    made = Made()
    topics = config.topics or TOPICS[world.name]
    with ThreadPoolExecutor(config.workers, thread_name_prefix="trial") as threads:
        while len(made.records) < config.tasks and made.candidates < config.most and not made.stopped:
            count = min(config.batch, config.tasks - len(made.records), config.most - made.candidates)
            numbers = range(made.candidates, made.candidates + count)
            asked = list(_asked(numbers, config, world, writer, topics, pool, seed, made))
            drafts = [draft for number, promise in asked if (draft := _read(world, promise, pool, made)) is not None]
            tried = threads.map(lambda draft: _tried(world, draft, verdicts), drafts)
            questions = _solved(_taken(tried, made), world, solver, made)
            solutions = [(draft, _solution(promise, made)) for draft, promise in questions]
            agreed = threads.map(lambda pair: _agreed(world, *pair, verdicts), solutions)
            about = {"teacher": writer.model, "solver": solver.model}
            made.records += [draft.record | {"constructed": about} for draft in _taken(agreed, made)]
            made.candidates += len(asked)
            if progress:
                progress(len(made.records))
    if not made.stopped and len(made.records) < config.tasks:
        made.stopped = f"the teacher has written {made.candidates} candidates; --candidates allows more"
    return made


def first_prompt(config: ConstructConfig, world: World, pool: Pool, seed: int) -> Conversation:
    """What the teacher is asked first."""
    return _prompt(0, config, world, config.topics or TOPICS[world.name], pool, seed)


def _prompt(
    number: int, config: ConstructConfig, world: World, topics: Sequence[str], pool: Pool, seed: int
) -> Conversation:
    dice = random.Random(f"construct/{world.name}/{seed}/{number}")
    return world.prompt(dice.choice(list(topics)), pool.draw(dice, config.shown), dice)


def _asked(
    numbers: range, config: ConstructConfig, world: World, writer: StoredEngine, topics: Sequence[str], pool: Pool,
    seed: int, made: Made,
) -> Iterator[tuple[int, Future[Reply]]]:  # fmt: skip
    for number in numbers:
        conversation = _prompt(number, config, world, topics, pool, seed)
        sampling = Sampling(
            max_tokens=config.max_tokens, temperature=config.temperature, seed=(1_000_003 * seed + number) % 2**31
        )
        try:
            yield number, writer.submit(conversation, sampling)
        except BudgetSpent as error:
            made.stopped = str(error)
            return


def _read(world: World, promise: Future[Reply], pool: Pool, made: Made) -> Draft | None:
    """The draft that a reply holds, if it is a new one; it joins the pool, whatever its trial says."""
    try:
        draft = world.read(arrived(promise, made))
        count = len(words(draft.instruction))
        if not SHORTEST <= count <= LONGEST:
            raise Refused("instruction", f"{count} words: {draft.instruction}")
        if (other := pool.refuses(draft.instruction)) is not None:
            raise Refused("duplicate", f"{draft.instruction} / {other}")
    except Refused as refused:
        made.refusals.add(refused)
        return None
    pool.add(draft.instruction)
    return draft


def _solved(
    drafts: Sequence[Draft], world: World, solver: StoredEngine, made: Made
) -> list[tuple[Draft, Future[Reply]]]:
    sampling = Sampling(max_tokens=SOLVER_TOKENS)
    out = []
    for draft in drafts:
        try:
            out.append((draft, solver.submit(world.solver_prompt(draft), sampling)))
        except BudgetSpent as error:
            made.stopped = str(error)
            break
    return out


def _tried(world: World, draft: Draft, verdicts: Journal) -> Draft | Refused:
    def trial() -> dict[str, Any]:
        whole = world.trial(draft)
        return {"record": whole.record, "about": whole.about}

    verdict = _verdict(verdicts, trial, world.judge, "trial", draft.record, draft.about)
    if isinstance(verdict, Refused):
        return verdict
    return Draft(draft.instruction, verdict["record"], verdict["about"])


def _solution(promise: Future[Reply], made: Made) -> Reply | Refused:
    try:
        return arrived(promise, made)
    except Refused as refused:
        return refused


def _agreed(world: World, draft: Draft, reply: Reply | Refused, verdicts: Journal) -> Draft | Refused:
    if isinstance(reply, Refused):
        return reply

    def solve() -> dict[str, Any]:
        world.solve(draft, reply)
        return {}

    verdict = _verdict(verdicts, solve, world.judge, "solve", draft.record, reply.text)
    return verdict if isinstance(verdict, Refused) else draft


def arrived(promise: Future[Reply], made: Made) -> Reply:
    """The reply. A question that a model cannot be asked is the candidate's fault: Refused; a model that answers
    nothing at all any more raises what it said."""
    try:
        reply = promise.result()
    except ContextFull as error:
        raise Refused("no_reply", str(error)) from None
    except EngineError as error:
        made.silent += 1
        if made.silent >= MOST_SILENT:
            raise
        raise Refused("no_reply", str(error)) from None
    except UserError:
        raise
    except Exception as error:  # an engine's library raises whatever it likes
        raise Refused("no_reply", f"{type(error).__name__}: {error}") from None
    made.silent = 0
    return reply


def _verdict(verdicts: Journal, judge: Callable[[], dict[str, Any]], *question: Any) -> dict[str, Any] | Refused:
    """What `judge` says, from the journal where it was asked before. A broken box says nothing about the draft."""
    key = hashlib.sha256(json.dumps(question, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()
    if (stored := verdicts.find(key)) is not None:
        return stored["found"] if "found" in stored else Refused(stored["reason"], stored["text"])
    try:
        found = judge()
    except Refused as refused:
        if refused.reason != "environment_error":
            verdicts.append({"key": key, "reason": refused.reason, "text": str(refused)})
        return refused
    except UserError:
        raise
    except Exception as error:  # a library's own, on what a model wrote
        return Refused("environment_error", f"{type(error).__name__}: {error}")
    verdicts.append({"key": key, "found": found})
    return found


def _taken(outcomes: Iterable[Draft | Refused], made: Made) -> list[Draft]:
    """The drafts; what was refused is counted."""
    drafts = []
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            made.refusals.add(outcome)
        else:
            drafts.append(outcome)
    return drafts
