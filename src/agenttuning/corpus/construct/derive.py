"""Task derivation: a question of a text-to-SQL set, with the result of its reference SQL, as a task.

Two ways (arXiv 2310.12823 §2.1.1). `annotate`: the reference SQL, in MySQL's words, is executed in the environment,
and the teacher writes the thoughts; that is a trajectory at once. `interact`: the question alone becomes a task, which
the teacher then plays; its answer is compared with the reference SQL's.

>>> made, trajectories = annotate(config, SqlSet.find(Path("bird/train")), writer=writer, seed=0)
>>> made = tasks(config, SqlSet.find(Path("spider")), seed=0)
"""

import json
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlglot.errors import SqlglotError

from agenttuning.conversation import Conversation
from agenttuning.corpus.construct import thoughts
from agenttuning.corpus.construct.config import ConstructConfig
from agenttuning.corpus.construct.excerpt import Part, excerpt, parse, run, with_texts
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.self_instruct import Made, arrived
from agenttuning.corpus.construct.similarity import Pool
from agenttuning.corpus.construct.sql_set import Link, SqlQuestion, SqlSet
from agenttuning.corpus.construct.sqlite_file import SqliteFile
from agenttuning.corpus.construct.tables import NONSENSE, Desk, answer_values, loaded, record_id, statement_kind
from agenttuning.engines.base import Sampling
from agenttuning.engines.stored import StoredEngine
from agenttuning.environments.database.answers import same_label
from agenttuning.environments.database.environment import Database
from agenttuning.errors import BudgetSpent, UserError
from agenttuning.trajectory import Decision, Step, Task, ToolCall, Trajectory

T = TypeVar("T")

# It would print a line for every statement that it cannot put into MySQL's words; those are refused and counted.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Derived:
    """A question with its part of the database, and what its reference SQL gives there."""

    origin: SqlQuestion
    parts: tuple[Part, ...]
    values: list[Any]
    ordered: bool

    @property
    def record(self) -> dict[str, Any]:
        """In dbbench's form: every column is text."""
        found = {
            "description": self.origin.question,
            "type": [statement_kind(self.origin.sql)],
            "label": self.values,
            "sql": {"query": self.origin.sql},
            "table": [_table(part) for part in self.parts],
        }
        return found | ({"evidence": self.origin.evidence} if self.origin.evidence else {})


def annotate(
    config: ConstructConfig,
    of: SqlSet,
    *,
    writer: StoredEngine,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[Made, list[Trajectory]]:
    """Trajectories of the reference SQL with a teacher's thoughts."""
    made, kept = Made(), list[Trajectory]()
    sampling = Sampling(max_tokens=thoughts.MAX_TOKENS)
    candidates = _derived(config, of, made, seed)
    desk = Desk()
    try:
        while not made.stopped and len(kept) < config.tasks:
            batch = []
            for derived in candidates:
                try:
                    played = _guarded(lambda derived=derived: _played(desk, derived, writer.model, seed))
                    question = _question(played, derived.origin)
                    batch.append((derived, played, writer.submit(question, sampling)))
                except Refused as refused:
                    made.refusals.add(refused)
                except BudgetSpent as error:
                    made.stopped = str(error)
                    made.candidates -= 1  # nothing came of this one, nor against it
                    break
                if len(batch) == min(config.batch, config.tasks - len(kept)):
                    break
            for derived, played, promise in batch:
                try:
                    whole = _thinking(played, *thoughts.thoughts_of(arrived(promise, made)))
                    thoughts.check(whole, derived.values)
                except Refused as refused:
                    made.refusals.add(refused)
                else:
                    kept.append(whole)
            if progress:
                progress(len(kept))
            if not batch:
                break
    finally:
        desk.close()
    if not made.stopped and len(kept) < config.tasks:
        made.stopped = _used_up(made)
    return made, kept


def tasks(config: ConstructConfig, of: SqlSet, *, seed: int, progress: Callable[[int], None] | None = None) -> Made:
    """Questions as records for the environment; nobody is asked yet."""
    made = Made()
    desk = Desk()
    try:
        for derived in _derived(config, of, made, seed):
            record = {"id": record_id("derived", derived.record)} | derived.record
            try:
                task = loaded(record)
                if _guarded(lambda task=task: any(desk.play(task, "", nonsense) for nonsense in NONSENSE)):
                    raise Refused("accepts_nonsense", f"{derived.origin.question} {derived.values}")
            except Refused as refused:
                made.refusals.add(refused)
                continue
            made.records.append(record | {"constructed": _origin(derived.origin)})
            if progress:
                progress(len(made.records))
            if len(made.records) == config.tasks:
                return made
    finally:
        desk.close()
    made.stopped = _used_up(made)
    return made


def _guarded(work: Callable[[], T]) -> T:
    """What a library raises on SQL or tables that nobody vouches for is the question's fault, not ours."""
    try:
        return work()
    except (Refused, UserError):
        raise
    except Exception as error:
        raise Refused("environment_error", f"{type(error).__name__}: {error}") from None


def _used_up(made: Made) -> str:
    return f"{made.candidates} questions were looked at; --candidates allows more, if the set has more"


def _derived(config: ConstructConfig, of: SqlSet, made: Made, seed: int) -> Iterator[Derived]:
    """What can be derived from the set's questions, in an order that the seed decides."""
    questions = list(of.questions())
    random.Random(f"derive/{seed}").shuffle(questions)
    links = of.links()
    pools: dict[str, Pool] = {}
    for question in questions[: config.most]:
        made.candidates += 1
        try:
            if isinstance(question, Refused):
                raise question
            pool = pools.setdefault(question.db_id, Pool((), config.similarity))
            if (other := pool.refuses(question.question)) is not None:
                raise Refused("duplicate", f"{question.question} / {other}")
            known = links.get(question.db_id, ())
            derived = _guarded(
                lambda question=question, known=known: _derive(question, of, known, config.max_rows, seed)
            )
            pool.add(question.question)
        except Refused as refused:
            made.refusals.add(refused)
            continue
        yield derived


def _derive(question: SqlQuestion, of: SqlSet, links: Sequence[Link], most: int, seed: int) -> Derived:
    dice = random.Random(f"excerpt/{seed}/{question.db_id}/{question.question}")
    with SqliteFile(of.file(question.db_id)) as file:
        parts = excerpt(file, question.sql, links=links, most=most, dice=dice)
    values = answer_values(run(parts, question.sql))
    return Derived(question, parts, values, "order by" in question.sql.lower())


def _played(desk: Desk, derived: Derived, teacher: str, seed: int) -> Trajectory:
    """The reference SQL as an agent's two turns, without thoughts. Raises Refused where the environment, which speaks
    MySQL, finds anything else than SQLite did."""
    task = _task(derived)
    environment = desk.environment
    opening = environment.reset(task)
    query = ToolCall("execute_sql", {"query": task.data["sql"]})
    observation = environment.step(query).observation
    try:
        values = json.loads(observation)
    except ValueError:
        raise Refused("reference_differs", f"{observation}: {task.data['sql']}") from None
    if not isinstance(values, list) or not same_label(values, derived.values):
        raise Refused("reference_differs", f"{observation[:80]} for {derived.values}: {task.data['sql']}")
    answer = ToolCall("answer", {"values": values})
    if not environment.step(answer).solved:
        raise Refused("reference_differs", f"{observation[:80]} is not taken: {task.data['sql']}")
    return Trajectory(
        task=task,
        tools=tuple(Database.tools),
        instructions=Database.instructions,
        opening=opening,
        steps=(Step(Decision(None, query), observation), Step(Decision(None, answer), "")),
        reward=1.0,
        outcome="solved",
        agent=teacher,
        seed=seed,
        meta={"constructed": _origin(derived.origin) | {"way": "annotate", "thoughts": teacher}},
    )


def _thinking(trajectory: Trajectory, *said: str) -> Trajectory:
    steps = (
        replace(step, decision=Decision(thought, step.decision.call))
        for step, thought in zip(trajectory.steps, said, strict=True)
    )
    return replace(trajectory, steps=tuple(steps))


def _question(played: Trajectory, origin: SqlQuestion) -> Conversation:
    first = played.steps[0]
    assert first.decision.call is not None
    sql = first.decision.call.arguments["query"]
    return thoughts.asking(played.opening, origin.evidence, sql, first.observation)


def _task(derived: Derived) -> Task:
    """A task with the columns' types: the reference SQL was written for them."""
    origin = derived.origin
    typed = [_typed(part) for part in derived.parts]
    data = {
        "level": origin.level,
        "kind": statement_kind(origin.sql).lower(),
        "tables": typed,
        "sql": _mysql(derived),
        "thought": "Run the statement that answers the question.",
        "answer": [[value] for value in derived.values],
        "ordered": derived.ordered,
        "writes": False,
        "md5": None,
        "official": True,  # judged by the benchmark's own rule
    }
    goal = origin.question + (f"\nEvidence: {origin.evidence}" if origin.evidence else "")
    return Task("database", record_id("derived", derived.record), "train", goal, data)


def _mysql(derived: Derived) -> str:
    """The reference SQL in MySQL's words."""
    columns = {name.casefold() for part in derived.parts for name, _ in part.columns}
    try:
        return with_texts(parse(derived.origin.sql), columns).sql(dialect="mysql")
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError) as error:
        raise Refused("reference_differs", f"not in MySQL's words: {error}") from None


def _typed(part: Part) -> dict[str, Any]:
    """A table of a task with the types that its values have."""
    kinds = [_kind([row[place] for row in part.rows]) for place in range(len(part.columns))]
    rows = [
        [str(value) if kind == "TEXT" and value is not None else value for kind, value in zip(kinds, row, strict=True)]
        for row in part.rows
    ]
    columns = [[name, kind] for (name, _), kind in zip(part.columns, kinds, strict=True)]
    return {"name": part.name, "columns": columns, "rows": rows}


def _kind(values: Sequence[Any]) -> str:
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, int) for value in there):
        return "INT" if all(abs(value) < 2**31 for value in there) else "BIGINT"
    return "DOUBLE" if there and all(isinstance(value, int | float) for value in there) else "TEXT"


def _table(part: Part) -> dict[str, Any]:
    columns = [{"name": name, "type": kind or "TEXT"} for name, kind in part.columns]
    rows = [[value if value is None else str(value) for value in row] for row in part.rows]
    return {"table_name": part.name, "table_info": {"columns": columns, "rows": rows}}


def _origin(origin: SqlQuestion) -> dict[str, str]:
    """Where a task comes from: the file's name and the record's number, never a path."""
    return {"source": origin.place.replace("\\", "/").rpartition("/")[2], "database": origin.db_id}
