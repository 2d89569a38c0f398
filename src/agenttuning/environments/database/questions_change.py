"""Questions that change the data: insert, update and delete, with one condition or a nested one."""

from agenttuning.environments.database.question import (
    Fields,
    choice,
    comparison,
    entity,
    kind,
    numeric,
    pure_choice,
    summable,
)
from agenttuning.environments.database.scene import Column, Scene, Table, Value
from agenttuning.environments.name_lists import all_names


@kind(
    "insert",
    "medium",
    "INSERT INTO {t} ({names}) VALUES ({values})",
    "Insert one row into {t} with all its columns.",
    "Add a {t} with {listing}.",
    "Insert a new {t} with {listing}.",
    "Add this {t}: {listing}.",
    "A new {t} must be added, with {listing}.",
    "Put a new {t} into the table: {listing}.",
)
def insert(scene: Scene) -> Fields | None:
    table = scene.table()
    row = [_fresh(scene, table, column) for column in table.columns]
    return {
        "t": table,
        "names": ", ".join(map(str, table.columns)),
        "values": ", ".join(map(repr, row)),
        "listing": ", ".join(f"{c.words} {value}" for c, value in zip(table.columns, row, strict=True)),
    }


@kind(
    "update_one",
    "medium",
    "UPDATE {t} SET {c} = {new!r} WHERE {t.key} = {e!r}",
    "Update {t}: set {c} to {new} where {t.key} is {e}.",
    "Set the {c.words} of the {t} {e} to {new}.",
    "Change the {c.words} of the {t} {e} to {new}.",
    "The {c.words} of the {t} {e} must be set to {new}.",
    "Update the {t} {e}: its {c.words} is now {new}.",
)
def update_one(scene: Scene) -> Fields | None:
    table = scene.table()
    column = scene.pick(table.columns[1:])
    return {"t": table, "c": column, "new": _fresh(scene, table, column), "e": entity(scene, table)}


@kind(
    "update_where",
    "medium",
    "UPDATE {t} SET {n} = {new!r} WHERE {c} = {v!r}",
    "Update {t}: set {n} to {new} where {c} is {v}.",
    "Set the {n.words} to {new} for every {t} whose {c.words} is {v}.",
    "Change the {n.words} of all {t.many} with the {c.words} {v} to {new}.",
    "For all {t.many} with {c.words} {v}, set the {n.words} to {new}.",
    "Update every {t} whose {c.words} is {v}: the {n.words} is now {new}.",
)
def update_where(scene: Scene) -> Fields | None:
    table = scene.table()
    column = numeric(scene, table)
    return {"t": table, "n": column, "new": _fresh(scene, table, column), **choice(scene, table)}


@kind(
    "update_add",
    "medium",
    "UPDATE {t} SET {n} = {n} {sign} {x} WHERE {c} = {v!r}",
    "Update {t}: {n} {sign} {x} where {c} is {v}.",
    "{verb} the {n.words} by {x} for every {t} whose {c.words} is {v}.",
    "{verb} by {x} the {n.words} of all {t.many} with the {c.words} {v}.",
    "For each {t} with {c.words} {v}, {lower} the {n.words} by {x}.",
    "For all {t.many} whose {c.words} is {v}, {lower} the {n.words} by {x}.",
)
def update_add(scene: Scene) -> Fields | None:
    table = scene.table()
    sign, verb = scene.dice.choice((("+", "Increase"), ("-", "Reduce")))
    fields = {"sign": sign, "verb": verb, "lower": verb.lower(), "x": scene.dice.randint(2, 20)}
    return {"t": table, "n": summable(scene, table), **choice(scene, table), **fields}


@kind(
    "delete_one",
    "medium",
    "DELETE FROM {t} WHERE {t.key} = {e!r}",
    "Delete from {t} where {t.key} is {e}.",
    "Delete the {t} {e}.",
    "Remove the {t} {e} from the table.",
    "The {t} {e} must be deleted.",
    "Remove the {t} with the {t.key} {e}.",
)
def delete_one(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, "e": entity(scene, table)}


@kind(
    "delete_where",
    "medium",
    "DELETE FROM {t} WHERE {n} {op} {x}",
    "Delete from {t} where {n} {op} {x}.",
    "Delete every {t} whose {n.words} is {op_words} {x}.",
    "Remove all {t.many} with {n.words} {op_words} {x}.",
    "All {t.many} with {n.words} {op_words} {x} must be deleted.",
    "Delete the {t.many} that have {n.words} {op_words} {x}.",
)
def delete_where(scene: Scene) -> Fields | None:
    table = scene.table()
    return {"t": table, **comparison(scene, table, numeric(scene, table))}


@kind(
    "update_join",
    "hard",
    "UPDATE {t} SET {n} = {new!r} WHERE {p} IN (SELECT {p.key} FROM {p} WHERE {c} = {v!r})",
    "Update {t}: set {n} to {new} where {p} is in those {p.many} with {c} {v}.",
    "Set the {n.words} to {new} for every {t} whose {p} has the {c.words} {v}.",
    "Change the {n.words} to {new} for all {t.many} of a {p} with the {c.words} {v}.",
    "For all {t.many} whose {p} has the {c.words} {v}, set the {n.words} to {new}.",
    "Update every {t} whose {p} has {c.words} {v}: the {n.words} is now {new}.",
)
def update_join(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    column = numeric(scene, table)
    fields = pure_choice(scene, parent)
    return {"t": table, "p": parent, "n": column, "new": _fresh(scene, table, column), **fields}


@kind(
    "delete_join",
    "hard",
    "DELETE FROM {t} WHERE {p} IN (SELECT {p.key} FROM {p} WHERE {n} {op} {x})",
    "Delete from {t} where {p} is in those {p.many} with {n} {op} {x}.",
    "Delete every {t} whose {p} has {n.words} {op_words} {x}.",
    "Remove all {t.many} of a {p} with {n.words} {op_words} {x}.",
    "All {t.many} whose {p} has {n.words} {op_words} {x} must be deleted.",
    "Delete the {t.many} whose {p} has {n.words} that is {op_words} {x}.",
)
def delete_join(scene: Scene) -> Fields | None:
    table, parent = scene.family()
    return {"t": table, "p": parent, **comparison(scene, parent, numeric(scene, parent))}


def _fresh(scene: Scene, table: Table, column: Column) -> Value:
    """A value that the column could have; a name or number that no row has yet."""
    taken = table.values(column)
    match column.kind:
        case "name":
            return scene.dice.choice([name for name in all_names(column.spec[0], scene.split) if name not in taken])
        case "choice":
            return scene.dice.choice(column.spec)
        case "reference":
            return scene.dice.choice(taken)
        case "decimal":
            return scene.dice.randint(*(round(float(bound) * 10) for bound in column.spec)) / 10
        case _:
            low, high = (int(bound) for bound in column.spec)
            return scene.dice.choice([number for number in range(low, high + 20) if number not in taken])


CHANGES = (insert, update_one, update_where, delete_where, update_add, delete_one)
HARD_CHANGES = (update_join, delete_join)
