"""Medium questions: two conditions, orderings, groups, and changes to the data."""

from collections import Counter

from agenttuning.environments.database.question import (
    Fields,
    aggregate,
    choice,
    comparison,
    has_single_top,
    kind,
    numeric,
    pure_choice,
    superlative,
)
from agenttuning.environments.database.scene import Scene

_ORDINALS = {2: "second", 3: "third", 4: "fourth"}


@kind(
    "filter_and",
    "medium",
    "SELECT {t.key} FROM {t} WHERE {c} = {v!r} AND {n} {op} {x}",
    "List {t.key} from {t} where {c} is {v} and {n} {op} {x}.",
    "Which {t.many} have the {c.words} {v} and {n.words} {op_words} {x}?",
    "List the {t.key} of every {t} whose {c.words} is {v} and whose {n.words} is {op_words} {x}.",
    "Name all {t.many} with {c.words} {v} and {n.words} {op_words} {x}.",
    "Find each {t} with the {c.words} {v} and {n.words} {op_words} {x}.",
)
def filter_and(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table), **comparison(scene, table, numeric(scene, table))}


@kind(
    "filter_or",
    "medium",
    "SELECT {t.key} FROM {t} WHERE {c} = {v!r} OR {c} = {w!r}",
    "List {t.key} from {t} where {c} is {v} or {w}.",
    "Which {t.many} have the {c.words} {v} or {w}?",
    "List the {t.key} of every {t} whose {c.words} is {v} or {w}.",
    "Name all {t.many} whose {c.words} is either {v} or {w}.",
    "Find each {t} with the {c.words} {v} or {w}.",
)
def filter_or(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = choice(scene, table)
    others = [value for value in table.values(fields["c"]) if value != fields["v"]]
    return {"t": table, **fields, "w": scene.dice.choice(others)} if others else None


@kind(
    "filter_not",
    "medium",
    "SELECT {t.key} FROM {t} WHERE {c} != {v!r} AND {n} {op} {x}",
    "List {t.key} from {t} where {c} is not {v} and {n} {op} {x}.",
    "Which {t.many} have {n.words} {op_words} {x} and a {c.words} that is not {v}?",
    "List the {t.key} of every {t} whose {c.words} is not {v} and whose {n.words} is {op_words} {x}.",
    "Name all {t.many} with {n.words} {op_words} {x} whose {c.words} is not {v}.",
    "Find each {t} whose {c.words} is not {v}, with {n.words} {op_words} {x}.",
)
def filter_not(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table), **comparison(scene, table, numeric(scene, table))}


@kind(
    "two_columns",
    "medium",
    "SELECT {t.key}, {m} FROM {t} WHERE {c} = {v!r}",
    "List {t.key} and {m} from {t} where {c} is {v}.",
    "What are the {t.key} and {m.words} of each {t} whose {c.words} is {v}?",
    "List the {t.key} and the {m.words} of every {t} with the {c.words} {v}.",
    "Give both the {t.key} and {m.words} of all {t.many} whose {c.words} is {v}.",
    "Show {t.key} and {m.words} for each {t} with {c.words} {v}.",
)
def two_columns(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "m": numeric(scene, table), **choice(scene, table)}


@kind(
    "count_and",
    "medium",
    "SELECT COUNT(*) FROM {t} WHERE {c} = {v!r} AND {n} {op} {x}",
    "Count the rows of {t} where {c} is {v} and {n} {op} {x}.",
    "How many {t.many} have the {c.words} {v} and {n.words} {op_words} {x}?",
    "Count the {t.many} whose {c.words} is {v} and whose {n.words} is {op_words} {x}.",
    "What is the number of {t.many} with {c.words} {v} and {n.words} {op_words} {x}?",
    "How many {t.many} are there with the {c.words} {v} and {n.words} {op_words} {x}?",
)
def count_and(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **choice(scene, table), **comparison(scene, table, numeric(scene, table))}


@kind(
    "aggregate_where",
    "medium",
    "SELECT {function}({n}) FROM {t} WHERE {c} = {v!r}",
    "Take the {word} {n}, {function}, in {t} where {c} is {v}.",
    "What is the {word} {n.words} of the {t.many} whose {c.words} is {v}?",
    "Give the {word} {n.words} of all {t.many} with the {c.words} {v}.",
    "For the {t.many} with {c.words} {v}, what is the {word} {n.words}?",
    "Find the {word} {n.words} over every {t} whose {c.words} is {v}.",
)
def aggregate_where(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = choice(scene, table)
    if table.values(fields["c"]).count(fields["v"]) < 2:
        return None
    return {"t": table, **fields, **aggregate(scene, table)}


@kind(
    "extreme_where",
    "medium",
    "SELECT {t.key} FROM {t} WHERE {c} = {v!r} ORDER BY {n} {direction} LIMIT 1",
    "Keep {t} where {c} is {v}, order by {n} {way}, take the first {t.key}.",
    "Which {t} with the {c.words} {v} has the {sup} {n.words}?",
    "Among the {t.many} whose {c.words} is {v}, which one has the {sup} {n.words}?",
    "Name the {t} with the {sup} {n.words} of those whose {c.words} is {v}.",
    "Of all {t.many} with {c.words} {v}, which has the {sup} {n.words}?",
)
def extreme_where(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = choice(scene, table)
    if table.values(fields["c"]).count(fields["v"]) < 2:
        return None
    return {"t": table, **fields, **superlative(scene, numeric(scene, table))}


@kind(
    "extreme_column",
    "medium",
    "SELECT {c} FROM {t} ORDER BY {n} {direction} LIMIT 1",
    "Order {t} by {n} {way} and take the first {c}.",
    "What is the {c.words} of the {t} with the {sup} {n.words}?",
    "Tell me the {c.words} of the {t} that has the {sup} {n.words}.",
    "Which {c.words} does the {t} with the {sup} {n.words} have?",
    "Give the {c.words} of the {t} with the {sup} {n.words}.",
)
def extreme_column(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = superlative(scene, numeric(scene, table))
    others = [column for column in table.columns[1:] if column != fields["n"]]
    return {"t": table, "c": scene.pick(others), **fields}


@kind(
    "top",
    "medium",
    "SELECT {t.key} FROM {t} ORDER BY {n} {direction} LIMIT {k}",
    "Order {t} by {n} {way} and take {k} of {t.key}.",
    "Which {k} {t.many} have the {sup} {n.words}, the {sup} first?",
    "List the {k} {t.many} with the {sup} {n.words}, the {sup} first.",
    "Name the top {k} {t.many} by {sup} {n.words}, in order.",
    "Give the {t.key} of the {k} {t.many} with the {sup} {n.words}, {sup} first.",
    ordered=True,
)
def top(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "k": scene.dice.randint(2, 5), **superlative(scene, numeric(scene, table))}


@kind(
    "nth",
    "medium",
    "SELECT {t.key} FROM {t} ORDER BY {n} {direction} LIMIT 1 OFFSET {k}",
    "Order {t} by {n} {way}, skip {k}, take one {t.key}.",
    "Which {t} has the {ordinal} {sup} {n.words}?",
    "Name the {t} with the {ordinal} {sup} {n.words}.",
    "What is the {t.key} of the {t} with the {ordinal} {sup} {n.words}?",
    "Find the {t} that comes {ordinal} by {sup} {n.words}.",
)
def nth(scene: Scene) -> Fields | None:
    table = scene.table()
    place = scene.dice.choice(tuple(_ORDINALS))
    fields = superlative(scene, numeric(scene, table))
    return {"t": table, "k": place - 1, "ordinal": _ORDINALS[place], **fields}


@kind(
    "sort_where",
    "medium",
    "SELECT {t.key} FROM {t} WHERE {c} = {v!r} ORDER BY {n} {direction}",
    "Keep {t} where {c} is {v} and order {t.key} by {n} {way}.",
    "List the {t.many} whose {c.words} is {v}, sorted by {n.words} {way}.",
    "Sort the {t.many} with the {c.words} {v} by {n.words} {way}.",
    "Give the {t.key} of every {t} with {c.words} {v}, sorted by {way} {n.words}.",
    "Name all {t.many} whose {c.words} is {v}, sorted {way} by {n.words}.",
    ordered=True,
)
def sort_where(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = choice(scene, table)
    if table.values(fields["c"]).count(fields["v"]) < 2:
        return None
    return {"t": table, **fields, **superlative(scene, numeric(scene, table))}


@kind(
    "group_count",
    "medium",
    "SELECT {c}, COUNT(*) FROM {t} GROUP BY {c}",
    "Group {t} by {c} and count the rows of each.",
    "How many {t.many} are there for each {c.words}?",
    "For each {c.words}, count the {t.many}.",
    "Give each {c.words} with its number of {t.many}.",
    "Count the {t.many} per {c.words}.",
)
def group_count(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **pure_choice(scene, table)}


@kind(
    "group_aggregate",
    "medium",
    "SELECT {c}, {function}({n}) FROM {t} GROUP BY {c}",
    "Group {t} by {c} and take the {word} {n}, {function}.",
    "What is the {word} {n.words} of the {t.many} for each {c.words}?",
    "For each {c.words}, give the {word} {n.words} of the {t.many}.",
    "Give each {c.words} with the {word} {n.words} of its {t.many}.",
    "Find the {word} {n.words} of the {t.many} per {c.words}.",
)
def group_aggregate(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **pure_choice(scene, table), **aggregate(scene, table)}


@kind(
    "group_extreme",
    "medium",
    "SELECT {c} FROM {t} GROUP BY {c} ORDER BY COUNT(*) {direction} LIMIT 1",
    "Group {t} by {c}, order by count {way}, take the first.",
    "Which {c.words} has the {most} {t.many}?",
    "Name the {c.words} with the {most} {t.many}.",
    "What is the {c.words} that the {most} {t.many} have?",
    "Find the {c.words} shared by the {most} {t.many}.",
)
def group_extreme(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = choice(scene, table)
    direction, most, way = scene.dice.choice((("DESC", "most", "descending"), ("ASC", "fewest", "ascending")))
    if not has_single_top(Counter(table.values(fields["c"])), highest=direction == "DESC"):
        return None
    if fields["c"].kind == "reference" and direction == "ASC":
        return None  # a parent without children would be the true answer
    return {"t": table, **fields, "direction": direction, "most": most, "way": way}


MEDIUM_READS = (
    filter_and,
    top,
    group_count,
    aggregate_where,
    extreme_where,
    count_and,
    nth,
    filter_or,
    extreme_column,
    group_aggregate,
    filter_not,
    sort_where,
    group_extreme,
    two_columns,
)
