"""Agent-FLAN's redesign of a corpus: chat alignment, balanced capabilities, format following, negative samples.

From the trajectories worth learning from to corpus rows (arXiv 2403.12881 §3): most as natural conversations, a share
in the plain dialect they came in; of the capabilities that are learned fast fewer turns keep their loss; some rows only
teach to answer in the form that was asked for, some to do without tools. Rows stream through: what is held in memory
does not grow with the input.

>>> config = RedesignConfig(preset="agent-flan-paper")
>>> redesign(config, [Path("filtered/kept.jsonl")], Path("corpus.jsonl"), dialect="chat", seed=0)["rows"]
312
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Literal

from agenttuning import dialects, engines
from agenttuning.atif import read_trajectories
from agenttuning.conversation import Conversation, to_row
from agenttuning.corpus.answers import Teacher
from agenttuning.corpus.balance import CAPABILITIES, Balance, Tally, is_trained, shares
from agenttuning.corpus.filter import trajectory_files
from agenttuning.corpus.format_following import format_following
from agenttuning.corpus.general import GENERAL, read_general
from agenttuning.corpus.negatives import KINDS, negatives
from agenttuning.corpus.turns import WrongTurns, critical_only, with_wrong_turns
from agenttuning.engines import Sampling
from agenttuning.errors import BadInput
from agenttuning.files import read_json, read_jsonl, write_json, write_jsonl
from agenttuning.progress import Progress
from agenttuning.provenance import PROVENANCE, made_of, marked
from agenttuning.settings import suggest
from agenttuning.tables import aligned
from agenttuning.trajectory import Trajectory

Preset = Literal["none", "agenttuning", "agent-flan-paper", "agent-flan-released"]
_ANSWER = 96  # tokens of a teacher's answer
_QUESTIONS = 5000  # general conversations that negative rows take their ordinary questions from
Count = Callable[[Conversation], Mapping[str | None, int]]

# What a preset sets, where a setting is not given. The paper's weights are 1 : 0.25 : 0.75 for reasoning, retrieval and
# understanding; the released files' name says 1 : 0.5 : 0.7. 10 % stays ReAct, about 2,000 format-following samples and
# 761 negative ones go with 24,703 trajectories.
PRESETS: dict[str, dict[str, Any]] = {
    "none": {"keep": {}, "plain": 0.0, "format_following": 0.0, "negatives": 0.0},
    "agenttuning": {"keep": {}, "plain": 1.0, "format_following": 0.0, "negatives": 0.0},
    "agent-flan-paper": {
        "keep": {"reasoning": 1.0, "retrieval": 0.25, "understanding": 0.75},
        "plain": 0.1,
        "format_following": 0.08,
        "negatives": 0.03,
    },
    "agent-flan-released": {
        "keep": {"reasoning": 1.0, "retrieval": 0.5, "understanding": 0.7},
        "plain": 0.1,
        "format_following": 0.08,
        "negatives": 0.03,
    },
}


@dataclass(frozen=True, kw_only=True)
class RedesignConfig:
    """How trajectories become corpus rows. What is not set comes from the preset."""

    preset: Preset = "none"
    """none (every row in the run's dialect), agenttuning (all ReAct), agent-flan-paper or agent-flan-released."""
    keep: dict[str, float] = field(default_factory=dict)
    """For a capability (reasoning, retrieval, understanding, instruction_following) the share of its trained turns that
    keep their loss, in [0, 1]."""
    plain: float | None = None
    """The share of rows in the plain dialect; the others are in the run's dialect."""
    plain_dialect: str = "react"
    """The plain dialect: react, json or command."""
    format_following: float | None = None
    """Rows that ask for the same content in a stated form, for each trajectory row."""
    negatives: float | None = None
    """Negative rows, for each trajectory row."""
    negative_kinds: dict[str, float] = field(default_factory=dict)
    """Kinds of negative rows by their weights; all of them alike when empty."""
    teacher: str | None = None
    """A model that words the answers of negative rows (built-in name, folder, hub id, URL#MODEL); a grammar when empty,
    and for every answer of the teacher's that is none."""
    wrong_turns: WrongTurns = "mask"
    """Turns that failed: mask (kept in context without loss), drop, or train."""
    critical: bool = False
    """Whether only critical turns carry loss."""

    def __post_init__(self) -> None:
        for name in ("keep", "negative_kinds"):
            known = CAPABILITIES if name == "keep" else KINDS
            for key, value in getattr(self, name).items():
                if key not in known:
                    raise BadInput(f"{name} has no {key!r}; {suggest(key, known)}")
                if not 0 <= value < float("inf") or (name == "keep" and value > 1):
                    raise BadInput(f"{name} must be {'in [0, 1]' if name == 'keep' else 'from 0 up'}, found {value}")
        for name in ("plain", "format_following", "negatives"):
            value = getattr(self, name)
            if value is not None and not (0 <= value < float("inf") and (name != "plain" or value <= 1)):
                raise BadInput(f"{name} is a share{' between 0 and 1' if name == 'plain' else ''}, found {value}")
        dialects.get(self.plain_dialect)

    @property
    def resolved(self) -> dict[str, Any]:
        """All settings, with the preset's where none is given."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        given = {name: value for name, value in own.items() if value is not None and value != {}}
        return {**own, **PRESETS[self.preset], **{k: v for k, v in given.items() if k != "preset"}}


class _Episodes:
    """The trajectories of some files, as often as they are asked for."""

    def __init__(self, files: Sequence[Path]):
        self.files = files

    def __iter__(self) -> Iterator[Trajectory]:
        return (trajectory for file in self.files for trajectory in read_trajectories(file))


def redesign(
    config: RedesignConfig,
    inputs: Sequence[Path],
    out: Path,
    *,
    dialect: str,
    seed: int,
    general: Path = GENERAL,
    count_tokens: Count | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write corpus rows to `out`; returns the rows of each kind, what each capability had before and has now, and the
    share of the trajectories' turns that kept its loss.

    `inputs` are trajectory files or folders of them. `count_tokens` counts a conversation's trained tokens by
    capability; without it segments and characters are counted alone. Negative rows take their ordinary questions from
    `general`.
    """
    episodes = _Episodes(trajectory_files(inputs))
    settings = config.resolved
    before, after, balanced = Tally(count_tokens), Tally(count_tokens), Tally()
    kinds: Counter[str] = Counter()
    writers = dialects.get(dialect), dialects.get(config.plain_dialect)
    done_here = "redesign" if config.preset == "none" else f"redesign {config.preset}"

    def from_trajectories() -> Iterator[tuple[str, str, Conversation]]:
        balance = Balance(settings["keep"], seed)
        for trajectory in episodes:
            episode = with_wrong_turns(trajectory, config.wrong_turns)
            episode = critical_only(episode) if config.critical else episode
            key = "/".join(map(str, trajectory.key))
            plain = Random(f"redesign/{seed}/{key}").random() < settings["plain"]
            talk = writers[plain].write(episode)
            before.add(talk)
            kind, talk = config.plain_dialect if plain else dialect, balance(talk)
            balanced.add(talk)
            yield kind, f"agent/{trajectory.task.environment}", talk

    def all_rows() -> Iterator[tuple[str, str, Conversation]]:
        rows = 0
        for row in from_trajectories():
            rows += 1
            yield row
        if forms := round(rows * settings["format_following"]):
            for kind, talk in format_following(episodes, count=forms, seed=seed):
                yield f"format-following/{kind}", "agent/format-following", talk
        if wanted := round(rows * settings["negatives"]):
            weights = config.negative_kinds or dict.fromkeys(KINDS, 1.0)
            talks = (talk for n, row in read_jsonl(general) if (talk := read_general(row, f"{general}:{n}")))
            questions = list(islice(talks, _QUESTIONS))
            with _teacher(config.teacher) as teacher:
                made = negatives(
                    episodes, questions, kinds=weights, count=wanted, dialect=writers[0], seed=seed, teacher=teacher
                )
                for kind, talk in made:
                    if talk.meta.get("answer") == "teacher":
                        talk = replace(talk, meta={**talk.meta, PROVENANCE: made_of(talk, _worded(config.teacher))})
                    yield f"negative/{kind}", "agent/negatives", talk

    def written() -> Iterator[dict[str, Any]]:
        for done, (kind, source, talk) in enumerate(all_rows(), start=1):
            if progress and done % 50 == 0:
                progress(done, None, kind)
            if not is_trained(talk):
                kinds["dropped: no turn is trained"] += 1
                continue
            kinds[kind] += 1
            after.add(talk)
            row = to_row(marked(talk, done_here))
            yield {"id": row.pop("id"), "source": source, **row}
        if not after.segments:
            raise BadInput(f"{', '.join(map(str, inputs))}: no row with a trained turn comes of it; keep more")

    total = write_jsonl(out, written())
    if (funnel := inputs[0].with_name("funnel.json")).is_file():  # the filter's, which travels to the report
        write_json(out.with_name("funnel.json"), read_json(funnel))
    return {
        "rows": total,
        "kinds": dict(sorted(kinds.items())),
        "capabilities": {"before": before.table(), "after": after.table()},
        "kept": shares(before.table(), balanced.table()),
        "settings": settings,
    }


def _worded(teacher: str | None) -> Conversation:
    return Conversation((), meta={PROVENANCE: {"source": "agenttuning redesign", "teacher": teacher}})


@contextmanager
def _teacher(model: str | None) -> Generator[Teacher | None]:
    """Answers conversations greedily, one at a time."""
    if model is None:
        yield None
        return
    sampling = Sampling(max_tokens=_ANSWER)
    with engines.make(model) as engine:
        yield lambda conversation: engine.submit(conversation, sampling).result().text


def capability_table(counts: Mapping[str, Any]) -> str:
    """What each capability had before and has now, to read."""
    before, after = counts["capabilities"]["before"], counts["capabilities"]["after"]
    units = list(next(iter(before.values()), {"segments": 0}))
    rows = [["", *(f"{unit} {when}" for unit in units for when in ("before", "after"))]]
    for name in dict.fromkeys((*before, *after)):
        cells = (side.get(name, {}).get(unit, 0) for unit in units for side in (before, after))
        rows.append([name, *(str(cell) for cell in cells)])
    return aligned(rows)
