"""Built-in tasks without end: a kind, a domain and a seed give a question, its database and its answer.

>>> task = generate("test", seed=0, number=7)
>>> task.goal
'Which kilns have the fuel wood?'

Every gold statement is run when its task is made; a question without an answer, or with too long a one, is
drawn again.
"""

import random
from functools import cache

from agenttuning.environments.database.answers import same_state
from agenttuning.environments.database.backend import Content, SQLError, plain
from agenttuning.environments.database.question import Kind
from agenttuning.environments.database.questions_change import CHANGES, HARD_CHANGES
from agenttuning.environments.database.questions_easy import EASY
from agenttuning.environments.database.questions_hard import HARD_READS
from agenttuning.environments.database.questions_medium import MEDIUM_READS
from agenttuning.environments.database.scene import Domain, Scene, Table, domains
from agenttuning.environments.database.sqlite import SqliteBackend
from agenttuning.trajectory import Split, Task

KINDS: dict[str, tuple[Kind, ...]] = {
    "easy": EASY,
    "medium": (*MEDIUM_READS, *CHANGES),
    "hard": (*HARD_READS, *HARD_CHANGES),
}
# Twenty tasks: 8 easy, 7 medium, 5 hard, spread so that any prefix has about these shares.
_PATTERN = tuple({"e": "easy", "m": "medium", "h": "hard"}[letter] for letter in "emhemehmemhemehemehm")
_MAX_ROWS = 6
_TRIES = 400


def generate(split: Split, seed: int, number: int) -> Task:
    """Task `number` of a split, the same whatever else is generated."""
    level, kind = _turn(split, seed, number)
    dice = random.Random(f"database/{split}/{seed}/{number}")
    for _ in range(_TRIES):
        domain = dice.choice(_fitting(kind.name, split))
        scene = Scene.fill(domain, split, dice)
        fields = kind.draw(scene)
        if fields is None:
            continue
        sql = kind.sql.format(**fields)
        tables = _shown(scene, [value.name for value in fields.values() if isinstance(value, Table)])
        answer = _answer(kind, sql, tables)
        if answer is None:
            continue
        goal = dice.choice(kind.wordings).format(**fields)
        data = {
            "level": level,
            "kind": kind.name,
            "domain": domain.name,
            "tables": [
                {"name": table.name, "columns": [list(column) for column in table.columns],
                 "rows": [list(row) for row in table.rows]} for table in tables
            ],
            "sql": sql,
            "thought": kind.thought.format(**fields),
            "answer": answer,
            "ordered": kind.ordered,
            "writes": kind.writes,
        }  # fmt: skip
        return Task("database", f"{split}-{seed}-{number:06d}", split, goal, data)
    raise AssertionError(f"no scene for {kind.name} in {_TRIES} tries; loosen its draw")


def _turn(split: str, seed: int, number: int) -> tuple[str, Kind]:
    """The level and kind of a task: levels by the pattern, every kind of a level before any comes again."""
    rounds, place = divmod(number, len(_PATTERN))
    level = _PATTERN[place]
    count = rounds * _PATTERN.count(level) + _PATTERN[:place].count(level)
    lap, index = divmod(count, len(KINDS[level]))
    return level, KINDS[level][_order(split, seed, level, lap)[index]]


@cache
def _order(split: str, seed: int, level: str, lap: int) -> tuple[int, ...]:
    order = list(range(len(KINDS[level])))
    random.Random(f"database/{split}/{seed}/{level}/{lap}").shuffle(order)
    return tuple(order)


@cache
def _fitting(kind: str, split: str) -> tuple[Domain, ...]:
    """The domains with enough tables for a kind."""
    least = 3 if "join_three" in kind else 2 if "join" in kind else 1
    return tuple(domain for domain in domains(split) if len(domain.tables) >= least)


def _shown(scene: Scene, needed: list[str]) -> tuple[Content, ...]:
    """The tables that the question needs and, now and then, one more."""
    others = [table.name for table in scene.tables if table.name not in needed]
    extra = {scene.dice.choice(others)} if others and scene.dice.random() < 0.35 else set()
    return tuple(
        Content(table.name, tuple((c.name, c.type) for c in table.columns), tuple(map(tuple, table.rows)))
        for table in scene.tables
        if table.name in needed or table.name in extra
    )


def _answer(kind: Kind, sql: str, tables: tuple[Content, ...]) -> list[list[object]] | None:
    """The gold rows (none for a change), or None where the question does not work on these tables."""
    backend = SqliteBackend()
    try:
        backend.load(tables)
        before = backend.dump() if kind.writes else {}
        result = backend.execute(sql)
        if kind.writes:
            few = 1 <= result.changed <= _MAX_ROWS
            return [] if few and not same_state(backend.dump(), before) else None
    except SQLError as error:
        raise AssertionError(f"the gold statement of {kind.name} fails: {sql}: {error}") from error
    finally:
        backend.close()
    rows = [[plain(value) for value in row] for row in result.rows or ()]
    if not 1 <= len(rows) <= _MAX_ROWS or any(value is None for row in rows for value in row):
        return None
    return None if rows == [[0]] else rows
