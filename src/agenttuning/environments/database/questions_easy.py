"""Easy questions: one table, at most one condition or one aggregate."""

from agenttuning.environments.database.question import (
    Fields,
    choice,
    comparison,
    entity,
    kind,
    numeric,
    pure_choice,
    summable,
    superlative,
)
from agenttuning.environments.database.scene import Scene


@kind(
    "lookup",
    "easy",
    "SELECT {c} FROM {t} WHERE {t.key} = {e!r}",
    "Look up {c} in {t} where {t.key} is {e}.",
    "What is the {c.words} of the {t} {e}?",
    "Tell me the {c.words} of the {t} {e}.",
    "Which {c.words} does the {t} {e} have?",
    "Look up the {c.words} of the {t} {e}.",
    "The {t} {e}: what is its {c.words}?",
)
def lookup(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "c": scene.pick(table.columns[1:]), "e": entity(scene, table)}


@kind(
    "filter_equal",
    "easy",
    "SELECT {t.key} FROM {t} WHERE {c} = {v!r}",
    "List {t.key} from {t} where {c} is {v}.",
    "Which {t.many} have the {c.words} {v}?",
    "List the {t.key} of every {t} whose {c.words} is {v}.",
    "Name all {t.many} whose {c.words} is {v}.",
    "Which {t.many} are there with the {c.words} {v}?",
    "Give the {t.key} of each {t} with {c.words} {v}.",
)
def filter_equal(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table)}


@kind(
    "filter_compare",
    "easy",
    "SELECT {t.key} FROM {t} WHERE {n} {op} {x}",
    "List {t.key} from {t} where {n} {op} {x}.",
    "Which {t.many} have {n.words} {op_words} {x}?",
    "List the {t.key} of every {t} whose {n.words} is {op_words} {x}.",
    "Name all {t.many} with {n.words} {op_words} {x}.",
    "Give the {t.key} of each {t} with {n.words} {op_words} {x}.",
)
def filter_compare(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **comparison(scene, table, numeric(scene, table))}


@kind(
    "select_column",
    "easy",
    "SELECT {m} FROM {t} WHERE {c} = {v!r}",
    "List {m} from {t} where {c} is {v}.",
    "What is the {m.words} of each {t} whose {c.words} is {v}?",
    "List the {m.words} of every {t} with the {c.words} {v}.",
    "Give the {m.words} of all {t.many} whose {c.words} is {v}.",
    "Show the {m.words} of each {t} with {c.words} {v}.",
)
def select_column(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "m": numeric(scene, table), **choice(scene, table)}


@kind(
    "count_equal",
    "easy",
    "SELECT COUNT(*) FROM {t} WHERE {c} = {v!r}",
    "Count the rows of {t} where {c} is {v}.",
    "How many {t.many} have the {c.words} {v}?",
    "Count the {t.many} whose {c.words} is {v}.",
    "What is the number of {t.many} with the {c.words} {v}?",
    "How many {t.many} are there whose {c.words} is {v}?",
)
def count_equal(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table)}


@kind(
    "count_compare",
    "easy",
    "SELECT COUNT(*) FROM {t} WHERE {n} {op} {x}",
    "Count the rows of {t} where {n} {op} {x}.",
    "How many {t.many} have {n.words} {op_words} {x}?",
    "Count the {t.many} whose {n.words} is {op_words} {x}.",
    "What is the number of {t.many} with {n.words} {op_words} {x}?",
    "How many {t.many} are there with {n.words} {op_words} {x}?",
)
def count_compare(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **comparison(scene, table, numeric(scene, table))}


@kind(
    "sum",
    "easy",
    "SELECT SUM({n}) FROM {t}",
    "Take the sum of {n} over {t}.",
    "What is the total {n.words} of all {t.many}?",
    "Give the sum of the {n.words} over all {t.many}.",
    "Add up the {n.words} of every {t}. What is the total?",
    "How much {n.words} do all {t.many} have in total?",
)
def total(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "n": summable(scene, table)}


@kind(
    "average",
    "easy",
    "SELECT AVG({n}) FROM {t}",
    "Take the average of {n} over {t}.",
    "What is the average {n.words} of all {t.many}?",
    "Give the average {n.words} over all {t.many}.",
    "On average, what {n.words} does a {t} have?",
    "Work out the average {n.words} of the {t.many}.",
)
def average(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "n": summable(scene, table)}


@kind(
    "extreme_value",
    "easy",
    "SELECT {function}({n}) FROM {t}",
    "Take the {sup} {n} in {t}, the {function}.",
    "What is the {sup} {n.words} of all {t.many}?",
    "Give the {sup} {n.words} that any {t} has.",
    "Among all {t.many}, what is the {sup} value of {n.words}?",
    "State the {sup} {n.words} over all {t.many}.",
)
def extreme_value(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **superlative(scene, numeric(scene, table))}


@kind(
    "extreme_row",
    "easy",
    "SELECT {t.key} FROM {t} ORDER BY {n} {direction} LIMIT 1",
    "Order {t} by {n} {way} and take the first {t.key}.",
    "Which {t} has the {sup} {n.words}?",
    "Name the {t} with the {sup} {n.words}.",
    "What is the {t.key} of the {t} with the {sup} {n.words}?",
    "Find the {t} that has the {sup} {n.words}.",
)
def extreme_row(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **superlative(scene, numeric(scene, table))}


@kind(
    "distinct",
    "easy",
    "SELECT DISTINCT {c} FROM {t}",
    "List the different values of {c} in {t}.",
    "Which different {c.words} values do the {t.many} have?",
    "List each different {c.words} of the {t.many} once.",
    "What are the different values of {c.words} among the {t.many}?",
    "Give every different {c.words} found in {t}.",
)
def distinct(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **pure_choice(scene, table)}


@kind(
    "count_distinct",
    "easy",
    "SELECT COUNT(DISTINCT {c}) FROM {t}",
    "Count the different values of {c} in {t}.",
    "How many different {c.words} values do the {t.many} have?",
    "Count the different values of {c.words} among the {t.many}.",
    "What is the number of different {c.words} values in {t}?",
    "How many different values of {c.words} are there among the {t.many}?",
)
def count_distinct(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table)}


@kind(
    "like",
    "easy",
    "SELECT {t.key} FROM {t} WHERE {t.key} LIKE {pattern!r}",
    "List {t.key} from {t} like {pattern}.",
    "Which {t.many} have a {t.key} that {how} {part}?",
    "List the {t.key} of every {t} whose {t.key} {how} {part}.",
    "Name all {t.many} with a {t.key} that {how} {part}.",
    "Find each {t} whose {t.key} {how} {part}.",
)
def like(scene: Scene) -> Fields | None:
    table = scene.table()
    value = str(entity(scene, table))
    how, part, pattern = scene.dice.choice(
        (
            ("starts with", value[:2], "{}%"),
            ("starts with", value[:1], "{}%"),
            ("ends with", value[-2:], "%{}"),
            ("contains", value[1:4].strip(), "%{}%"),
        )
    )
    # A case-insensitive comparison must not be needed to find what is asked for, nor find more.
    exact = {"starts with": str.startswith, "ends with": str.endswith, "contains": str.__contains__}[how]
    values = [str(value) for value in table.values(table.key)]
    if any(exact(value, part) != exact(value.casefold(), part.casefold()) for value in values):
        return None
    return {"t": table, "how": how, "part": part, "pattern": pattern.format(part)}


@kind(
    "between",
    "easy",
    "SELECT {t.key} FROM {t} WHERE {n} BETWEEN {x} AND {y}",
    "List {t.key} from {t} where {n} is between {x} and {y}.",
    "Which {t.many} have {n.words} between {x} and {y}?",
    "List the {t.key} of every {t} whose {n.words} is between {x} and {y}.",
    "Name all {t.many} with {n.words} between {x} and {y}.",
    "Find each {t} with {n.words} between {x} and {y}.",
)
def between(scene: Scene) -> Fields | None:
    table = scene.table()
    column = numeric(scene, table)
    x, y = sorted(scene.dice.sample(sorted(table.values(column), key=float), 2), key=float)
    return {"t": table, "n": column, "x": x, "y": y}


EASY = (
    lookup,
    filter_equal,
    count_equal,
    extreme_row,
    filter_compare,
    total,
    select_column,
    extreme_value,
    count_compare,
    average,
    distinct,
    like,
    between,
    count_distinct,
)
