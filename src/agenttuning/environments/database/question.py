"""A kind of question: wordings, the SQL and the thought as templates, and a draw that fills their fields.

    @kind("lookup", "easy", "SELECT {c} FROM {t} WHERE {t.key} = {e!r}", "Look up {c} in {t} ...",
          "What is the {c.words} of the {t} {e}?", ...)
    def lookup(scene): ...        # the fields, or None where this scene has no such question

Field names in use: t table, p its parent, c a choice column, v and w its values, n and m numeric columns,
x and y numbers, e a key's value, op a comparison sign and op_words the same in words. ``{v!r}`` is the SQL
literal.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agenttuning.environments.database.scene import Column, Scene, Table, Value

Fields = dict[str, Any]
Draw = Callable[[Scene], Fields | None]

_COMPARISONS = {
    ">": ("above", "more than", "greater than"),
    "<": ("below", "less than", "under"),
    ">=": ("at least",),
    "<=": ("at most",),
}
_YEAR_COMPARISONS = {">": ("after", "later than"), "<": ("before", "earlier than")}
_SUPERLATIVES = {"DESC": ("highest", "greatest", "largest"), "ASC": ("lowest", "smallest", "least")}
_YEAR_SUPERLATIVES = {"DESC": ("latest",), "ASC": ("earliest",)}


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    level: str
    sql: str
    thought: str
    wordings: tuple[str, ...]
    draw: Draw
    ordered: bool = False

    @property
    def writes(self) -> bool:
        return not self.sql.startswith("SELECT")


def kind(
    name: str, level: str, sql: str, thought: str, *wordings: str, ordered: bool = False
) -> Callable[[Draw], Kind]:
    return lambda draw: Kind(name, level, sql, thought, wordings, draw, ordered)


def choice(scene: Scene, table: Table, prefix: str = "c", value: str = "v") -> Fields:
    """A choice column and one of the values it has. A reference is a choice as well."""
    columns = table.of_kind("choice", "reference")
    column = scene.pick([column for column in columns if column.kind == "choice"] * 3 + columns)
    return {prefix: column, value: scene.dice.choice(table.values(column))}


def pure_choice(scene: Scene, table: Table) -> Fields:
    column = scene.pick(table.of_kind("choice"))
    return {"c": column, "v": scene.dice.choice(table.values(column))}


def numeric(scene: Scene, table: Table) -> Column:
    return scene.pick(table.of_kind("number", "decimal", "year"))


def summable(scene: Scene, table: Table) -> Column:
    return scene.pick(table.of_kind("number", "decimal"))


def comparison(scene: Scene, table: Table, column: Column) -> Fields:
    """op, op_words and a number x that splits the column's values."""
    signs = _YEAR_COMPARISONS if column.kind == "year" else _COMPARISONS
    op = scene.dice.choice(tuple(signs))
    x = scene.dice.choice(table.values(column))
    if column.kind != "decimal":
        x = int(x) + scene.dice.choice((-1, 0, 1))
    return {"n": column, "op": op, "op_words": scene.dice.choice(signs[op]), "x": x}


def superlative(scene: Scene, column: Column) -> Fields:
    """direction (DESC, ASC), sup (highest, ...) and function (MAX, MIN)."""
    words = _YEAR_SUPERLATIVES if column.kind == "year" else _SUPERLATIVES
    direction = scene.dice.choice(("DESC", "ASC"))
    return {
        "n": column,
        "direction": direction,
        "way": "descending" if direction == "DESC" else "ascending",
        "sup": scene.dice.choice(words[direction]),
        "function": "MAX" if direction == "DESC" else "MIN",
    }


def aggregate(scene: Scene, table: Table) -> Fields:
    """function, its word and a column it makes sense for."""
    function, word = scene.dice.choice((("SUM", "total"), ("AVG", "average"), ("MAX", "highest"), ("MIN", "lowest")))
    return {"function": function, "word": word, "n": summable(scene, table)}


def entity(scene: Scene, table: Table) -> Value:
    return scene.dice.choice(table.values(table.key))


def has_single_top(counts: Counter[Value] | dict[Value, float], highest: bool = True) -> bool:
    """Whether the most (or least) is reached once only."""
    values = sorted(counts.values(), reverse=highest)
    return len(values) > 1 and round(values[0], 6) != round(values[1], 6)


def sums(table: Table, group: Column, number: Column) -> dict[Value, float]:
    totals: dict[Value, float] = {}
    for key, value in zip(table.values(group), table.values(number), strict=True):
        totals[key] = totals.get(key, 0) + float(value)
    return totals
