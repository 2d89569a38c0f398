"""A scene: one small made-up database, filled from a domain's plan by seeded dice.

>>> domain = parse("harbour", ("harbour(name:place, coast:north|south, depth:5-40, berths:4-80)",))
>>> scene = Scene.fill(domain, "train", random.Random("harbour/1"))
>>> scene.tables[0].rows[0]
['Oakham', 'north', 17, 22]

Whole numbers of a column are distinct within a table, so that "the highest" never has two answers.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from agenttuning.environments.database.domains_held_out import DEV, TEST
from agenttuning.environments.database.domains_train import TRAIN
from agenttuning.environments.name_lists import MAKERS, names

PLANS: Mapping[str, Mapping[str, Sequence[str]]] = {"train": TRAIN, "dev": DEV, "test": TEST}
ColumnKind = Literal["name", "choice", "number", "decimal", "year", "reference"]
Value = str | int | float


@dataclass(frozen=True, slots=True)
class Column:
    """`spec` is the maker's name, the choices, the bounds, or the table referred to."""

    name: str
    kind: ColumnKind
    spec: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")

    @property
    def type(self) -> str:
        return {"number": "INT", "year": "INT", "decimal": "DOUBLE"}.get(self.kind, "TEXT")


@dataclass(frozen=True, slots=True)
class Plan:
    """A table without rows."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    tables: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    rows: list[list[Value]]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> Column:
        return self.columns[0]

    @property
    def many(self) -> str:
        return plural(self.name)

    def of_kind(self, *kinds: ColumnKind) -> list[Column]:
        return [column for column in self.columns if column.kind in kinds]

    def values(self, column: Column) -> list[Value]:
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


def plural(noun: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if re.search(r"[^aeiou]y$", noun) else noun + "s"


def parse(name: str, tables: Sequence[str]) -> Domain:
    """A domain from its notation (see `domains_train`). Raises ValueError for a part that has none."""
    plans = []
    for text in tables:
        table, _, inner = text.partition("(")
        columns = tuple(_column(part.strip()) for part in inner.removesuffix(")").split(","))
        plans.append(Plan(table, columns))
    return Domain(name, tuple(plans))


def _column(text: str) -> Column:
    name, colon, spec = text.partition(":")
    if not colon:
        return Column(name, "reference", (name,))
    if spec in MAKERS:
        return Column(name, "name", (spec,))
    if "|" in spec:
        return Column(name, "choice", tuple(spec.split("|")))
    bounds = re.fullmatch(r"(@?)([\d.]+)-([\d.]+)", spec)
    if bounds is None:
        raise ValueError(f"cannot read the column {text!r}")
    kind: ColumnKind = "year" if bounds[1] else "decimal" if "." in spec else "number"
    return Column(name, kind, (bounds[2], bounds[3]))


@cache
def domains(split: str) -> tuple[Domain, ...]:
    return tuple(parse(name, tables) for name, tables in PLANS[split].items())


@dataclass(frozen=True, slots=True)
class Scene:
    """A filled domain and the dice that questions about it are drawn with."""

    tables: tuple[Table, ...]
    dice: random.Random
    split: str

    @classmethod
    def fill(cls, domain: Domain, split: str, dice: random.Random) -> "Scene":
        tables: dict[str, Table] = {}
        for place, plan in enumerate(domain.tables):
            few, most = (6, 9) if place == 0 and len(domain.tables) > 1 else (8, 14)
            count = dice.randint(few, most)
            columns = [_fill(column, split, tables, count, dice) for column in plan.columns]
            tables[plan.name] = Table(plan.name, plan.columns, [list(row) for row in zip(*columns, strict=True)])
        return cls(tuple(tables.values()), dice, split)

    def table(self) -> Table:
        return self.dice.choice(self.tables)

    def pick(self, columns: Sequence[Column]) -> Column:
        return self.dice.choice(columns)

    def parent(self, child: Table) -> Table | None:
        """The table that `child` refers to."""
        wanted = [column.name for column in child.of_kind("reference")]
        return next((table for table in self.tables if table.name in wanted), None)

    def family(self) -> tuple[Table, Table]:
        """A table that refers to another, and that other one."""
        pairs = [(table, parent) for table in self.tables if (parent := self.parent(table))]
        return self.dice.choice(pairs)


def _fill(column: Column, split: str, tables: Mapping[str, Table], count: int, dice: random.Random) -> list[Value]:
    match column.kind:
        case "name":
            return list(names(column.spec[0], split, dice, count))
        case "choice":
            some = dice.sample(column.spec, min(len(column.spec), dice.randint(3, 4)))
            return [dice.choice(some) for _ in range(count)]
        case "reference":
            parent = tables[column.spec[0]]
            keys = parent.values(parent.key)
            # Some rows of the parent stay without children: "has none" needs an answer.
            kept = dice.sample(keys, max(2, len(keys) - dice.randint(1, 3)))
            return [dice.choice(kept) for _ in range(count)]
        case "decimal":
            low, high = (round(float(bound) * 10) for bound in column.spec)
            return [tenths / 10 for tenths in dice.sample(range(low, high + 1), count)]
        case _:
            low, high = (int(bound) for bound in column.spec)
            return list(dice.sample(range(low, high + 1), count))
