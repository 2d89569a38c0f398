"""Hard questions: nested queries, groups with conditions, and joins over two and three tables."""

from collections import Counter

from agenttuning.environments.database.question import (
    Fields,
    aggregate,
    choice,
    comparison,
    entity,
    has_single_top,
    kind,
    numeric,
    pure_choice,
    summable,
    sums,
    superlative,
)
from agenttuning.environments.database.scene import Scene

_JOIN = "FROM {t} JOIN {p} ON {t}.{p} = {p}.{p.key}"
_BY_JOIN = "Join {t} with {p} on {t}.{p} = {p}.{p.key}; "


@kind(
    "above_average",
    "hard",
    "SELECT {t.key} FROM {t} WHERE {n} {op} (SELECT AVG({n}) FROM {t})",
    "List {t.key} from {t} where {n} {op} the average {n}.",
    "Which {t.many} have {n.words} {op_words} the average?",
    "List the {t.key} of every {t} whose {n.words} is {op_words} the average {n.words}.",
    "Name all {t.many} with {n.words} {op_words} the average {n.words}.",
    "Find each {t} with {n.words} {op_words} average.",
)
def above_average(scene: Scene) -> Fields | None:
    table = scene.table()
    op, words = scene.dice.choice(((">", "above"), ("<", "below")))
    return {"t": table, "n": summable(scene, table), "op": op, "op_words": words}


@kind(
    "same_as",
    "hard",
    "SELECT {t.key} FROM {t} WHERE {c} = (SELECT {c} FROM {t} WHERE {t.key} = {e!r}) AND {t.key} != {e!r}",
    "List {t.key} from {t} with the {c} of {e}, without {e}.",
    "Which other {t.many} have the same {c.words} as {e}?",
    "List the {t.key} of every other {t} with the same {c.words} as {e}.",
    "Name all other {t.many} that have the same {c.words} as {e}.",
    "Find each other {t} whose {c.words} is the same as that of {e}.",
)
def same_as(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "c": choice(scene, table)["c"], "e": entity(scene, table)}


@kind(
    "compare_row",
    "hard",
    "SELECT {t.key} FROM {t} WHERE {n} {op} (SELECT {n} FROM {t} WHERE {t.key} = {e!r})",
    "List {t.key} from {t} where {n} {op} the {n} of {e}.",
    "Which {t.many} have {op_words} {n.words} than {e}?",
    "List the {t.key} of every {t} with {op_words} {n.words} than {e}.",
    "Name all {t.many} that have {op_words} {n.words} than {e}.",
    "Find each {t} whose {n.words} is {op_words} than that of {e}.",
)
def compare_row(scene: Scene) -> Fields | None:
    table = scene.table()
    column = numeric(scene, table)
    signs = ((">", "later"), ("<", "earlier")) if column.kind == "year" else ((">", "higher"), ("<", "lower"))
    op, words = scene.dice.choice(signs)
    return {"t": table, "n": column, "op": op, "op_words": words, "e": entity(scene, table)}


@kind(
    "having",
    "hard",
    "SELECT {c} FROM {t} GROUP BY {c} HAVING COUNT(*) {op} {k}",
    "Group {t} by {c} and keep those with count {op} {k}.",
    "Which {c.words} values have {op_words} {k} {t.many}?",
    "List each {c.words} that has {op_words} {k} {t.many}.",
    "Name every {c.words} with {op_words} {k} {t.many}.",
    "Find the {c.words} values shared by {op_words} {k} {t.many}.",
)
def having(scene: Scene) -> Fields | None:
    table = scene.table()
    op, words = scene.dice.choice(((">", "more than"), (">=", "at least"), ("=", "exactly")))
    return {"t": table, **choice(scene, table), "op": op, "op_words": words, "k": scene.dice.randint(2, 4)}


@kind(
    "group_extreme_sum",
    "hard",
    "SELECT {c} FROM {t} GROUP BY {c} ORDER BY SUM({n}) {direction} LIMIT 1",
    "Group {t} by {c}, order by the sum of {n} {way}, take the first.",
    "Which {c.words} has the {sup} total {n.words} of {t.many}?",
    "Name the {c.words} whose {t.many} have the {sup} total {n.words}.",
    "What is the {c.words} with the {sup} total {n.words} over its {t.many}?",
    "Find the {c.words} for which the {t.many} have the {sup} total {n.words}.",
)
def group_extreme_sum(scene: Scene) -> Fields | None:
    table = scene.table()
    fields = {**pure_choice(scene, table), **superlative(scene, summable(scene, table))}
    if not has_single_top(sums(table, fields["c"], fields["n"]), highest=fields["direction"] == "DESC"):
        return None
    return {"t": table, **fields}


@kind(
    "join_lookup",
    "hard",
    f"SELECT {{p}}.{{c}} {_JOIN} WHERE {{t}}.{{t.key}} = {{e!r}}",
    _BY_JOIN + "take {p}.{c} for {e}.",
    "What is the {c.words} of the {p} of the {t} {e}?",
    "Tell me the {c.words} of the {p} that the {t} {e} has.",
    "Which {c.words} has the {p} of the {t} {e}?",
    "Give the {c.words} of the {p} of the {t} {e}.",
)
def join_lookup(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    own = [column for column in parent.columns[1:] if column.kind != "reference"]
    return {"t": table, "p": parent, "c": scene.pick(own), "e": entity(scene, table)}


@kind(
    "join_filter",
    "hard",
    f"SELECT {{t}}.{{t.key}} {_JOIN} WHERE {{p}}.{{c}} = {{v!r}}",
    _BY_JOIN + "list {t}.{t.key} where {p}.{c} is {v}.",
    "Which {t.many} have a {p} with the {c.words} {v}?",
    "List the {t.key} of every {t} whose {p} has the {c.words} {v}.",
    "Name all {t.many} whose {p} has the {c.words} {v}.",
    "Find each {t} with a {p} whose {c.words} is {v}.",
)
def join_filter(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent, **pure_choice(scene, parent)}


@kind(
    "join_compare",
    "hard",
    f"SELECT {{t}}.{{t.key}} {_JOIN} WHERE {{p}}.{{n}} {{op}} {{x}}",
    _BY_JOIN + "list {t}.{t.key} where {p}.{n} {op} {x}.",
    "Which {t.many} have a {p} with {n.words} {op_words} {x}?",
    "List the {t.key} of every {t} whose {p} has {n.words} {op_words} {x}.",
    "Name all {t.many} whose {p} has {n.words} {op_words} {x}.",
    "Find each {t} with a {p} whose {n.words} is {op_words} {x}.",
)
def join_compare(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent, **comparison(scene, parent, numeric(scene, parent))}


@kind(
    "join_count",
    "hard",
    f"SELECT COUNT(*) {_JOIN} WHERE {{p}}.{{c}} = {{v!r}}",
    _BY_JOIN + "count rows where {p}.{c} is {v}.",
    "How many {t.many} have a {p} with the {c.words} {v}?",
    "Count the {t.many} whose {p} has the {c.words} {v}.",
    "What is the number of {t.many} with a {p} whose {c.words} is {v}?",
    "How many {t.many} are there whose {p} has the {c.words} {v}?",
)
def join_count(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent, **pure_choice(scene, parent)}


@kind(
    "join_aggregate",
    "hard",
    f"SELECT {{function}}({{t}}.{{n}}) {_JOIN} WHERE {{p}}.{{c}} = {{v!r}}",
    _BY_JOIN + "take the {word} {t}.{n}, {function}, where {p}.{c} is {v}.",
    "What is the {word} {n.words} of the {t.many} whose {p} has the {c.words} {v}?",
    "Give the {word} {n.words} of all {t.many} with a {p} whose {c.words} is {v}.",
    "For the {t.many} whose {p} has the {c.words} {v}, what is the {word} {n.words}?",
    "Find the {word} {n.words} over every {t} whose {p} has the {c.words} {v}.",
)
def join_aggregate(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent, **pure_choice(scene, parent), **aggregate(scene, table)}


@kind(
    "join_extreme",
    "hard",
    f"SELECT {{t}}.{{t.key}} {_JOIN} WHERE {{p}}.{{c}} = {{v!r}} ORDER BY {{t}}.{{n}} {{direction}} LIMIT 1",
    _BY_JOIN + "keep {p}.{c} {v}, order by {t}.{n} {way}, take one.",
    "Which {t} whose {p} has the {c.words} {v} has the {sup} {n.words}?",
    "Among the {t.many} whose {p} has the {c.words} {v}, which one has the {sup} {n.words}?",
    "Name the {t} with the {sup} {n.words} of those whose {p} has the {c.words} {v}.",
    "Of all {t.many} with a {p} whose {c.words} is {v}, which has the {sup} {n.words}?",
)
def join_extreme(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    fields = {**pure_choice(scene, parent), **superlative(scene, numeric(scene, table))}
    return {"t": table, "p": parent, **fields}


@kind(
    "join_group",
    "hard",
    f"SELECT {{p}}.{{c}}, COUNT(*) {_JOIN} GROUP BY {{p}}.{{c}}",
    _BY_JOIN + "group by {p}.{c} and count.",
    "How many {t.many} are there for each {c.words} of their {p}?",
    "For each {c.words} of the {p}, count the {t.many}.",
    "Give each {c.words} of the {p} with its number of {t.many}.",
    "Count the {t.many} per {c.words} of their {p}.",
)
def join_group(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    fields = pure_choice(scene, parent)
    # A choice that only childless parents have would count 0, which an inner join does not show.
    colours = dict(zip(parent.values(parent.key), parent.values(fields["c"]), strict=True))
    reference = next(column for column in table.columns if column.name == parent.name)
    if {colours[key] for key in table.values(reference)} != set(colours.values()):
        return None
    return {"t": table, "p": parent, **fields}


@kind(
    "anti_join",
    "hard",
    "SELECT {p.key} FROM {p} WHERE {p.key} NOT IN (SELECT {p} FROM {t})",
    "List {p.key} from {p} that is not in column {p} of {t}.",
    "Which {p.many} have no {t}?",
    "List the {p.key} of every {p} without any {t}.",
    "Name all {p.many} that have no {t}.",
    "Find each {p} for which there is no {t}.",
)
def anti_join(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent}


@kind(
    "join_most",
    "hard",
    f"SELECT {{p}}.{{c}} {_JOIN} GROUP BY {{p}}.{{p.key}} ORDER BY COUNT(*) DESC LIMIT 1",
    _BY_JOIN + "group by {p}.{p.key}, order by count descending, take {c}.",
    "What is the {c.words} of the {p} with the most {t.many}?",
    "Tell me the {c.words} of the {p} that has the most {t.many}.",
    "Which {c.words} does the {p} with the most {t.many} have?",
    "Give the {c.words} of the {p} that the most {t.many} have.",
)
def join_most(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    reference = next(column for column in table.columns if column.name == parent.name)
    own = [column for column in parent.columns[1:] if column.kind != "reference"]
    if not has_single_top(Counter(table.values(reference))):
        return None
    return {"t": table, "p": parent, "c": scene.pick(own)}


_JOIN_THREE = "FROM {t} JOIN {p} ON {t}.{p} = {p}.{p.key} JOIN {g} ON {p}.{g} = {g}.{g.key}"


@kind(
    "join_three",
    "hard",
    f"SELECT {{g}}.{{c}} {_JOIN_THREE} WHERE {{t}}.{{t.key}} = {{e!r}}",
    "Join {t} with {p} and {p} with {g}; take {g}.{c} for {e}.",
    "What is the {c.words} of the {g} of the {p} of the {t} {e}?",
    "Tell me the {c.words} of the {g} of the {p} that the {t} {e} has.",
    "Which {c.words} has the {g} of the {p} of the {t} {e}?",
    "Give the {c.words} of the {g} of the {p} of the {t} {e}.",
)
def join_three(scene: Scene) -> Fields | None:
    fields = _chain(scene)
    if fields is None:
        return None
    return {**fields, "c": scene.pick(fields["g"].columns[1:]), "e": entity(scene, fields["t"])}


@kind(
    "join_three_filter",
    "hard",
    f"SELECT {{t}}.{{t.key}} {_JOIN_THREE} WHERE {{g}}.{{c}} = {{v!r}}",
    "Join {t} with {p} and {p} with {g}; list {t}.{t.key} where {g}.{c} is {v}.",
    "Which {t.many} have a {p} whose {g} has the {c.words} {v}?",
    "List the {t.key} of every {t} with a {p} whose {g} has the {c.words} {v}.",
    "Name all {t.many} with a {p} whose {g} has the {c.words} {v}.",
    "Find each {t} that has a {p} whose {g} has {c.words} {v}.",
)
def join_three_filter(scene: Scene) -> Fields | None:
    fields = _chain(scene)
    return None if fields is None else {**fields, **pure_choice(scene, fields["g"])}


def _chain(scene: Scene) -> Fields | None:
    """t, p its parent and g the parent's parent, where the scene has three tables in a line."""
    for table in scene.tables:
        parent = scene.parent(table)
        if parent and (grand := scene.parent(parent)):
            return {"t": table, "p": parent, "g": grand}
    return None


HARD_READS = (
    above_average,
    join_lookup,
    having,
    join_filter,
    same_as,
    join_count,
    anti_join,
    compare_row,
    join_three,
    join_compare,
    group_extreme_sum,
    join_aggregate,
    join_extreme,
    join_most,
    join_group,
    join_three_filter,
)
