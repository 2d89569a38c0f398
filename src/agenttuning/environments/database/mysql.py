"""MySQL's language over SQLite: statements translated by sqlglot, errors given back in MySQL's words.

>>> translate("SELECT `name` FROM town WHERE size > 5 LIMIT 2, 3")
'SELECT `name` FROM town WHERE MYNUM(size) > 5 LIMIT 3 OFFSET 2'

What differs and is made up for: text compared with a number counts as its leading number, double quotes
hold text, `/` divides with a fraction, CAST AS UNSIGNED, MySQL's own functions, its error numbers and texts.
"""

import logging
import re
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError

from agenttuning.environments.database.backend import MAX_QUERY, SQLError

# It would print a line for every statement of an agent's that it cannot read; the agent is told anyway.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_ALLOWED = (
    exp.Select,
    exp.SetOperation,
    exp.Subquery,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_OWN: dict[type[exp.Expression], str] = {
    exp.Left: "MYLEFT",
    exp.Right: "MYRIGHT",
    exp.Trunc: "MYTRUNCATE",
    exp.NumberToStr: "MYFORMAT",
}
_ERRORS: tuple[tuple[str, int, str], ...] = (
    (r"no such table: (?:main\.)?(.+)", 1146, "Table '{0}' doesn't exist"),
    (r"no such column: (.+)", 1054, "Unknown column '{0}' in {clause}"),
    (r"table .+ has no column named (.+)", 1054, "Unknown column '{0}' in 'field list'"),
    (r"ambiguous column name: (.+)", 1052, "Column '{0}' in {clause} is ambiguous"),
    (r"no such function: (.+)", 1305, "FUNCTION {0} does not exist"),
    (r"wrong number of arguments to function (.+?)\(\)", 1582, "Incorrect parameter count in '{0}'"),
    (r"misuse of aggregate", 1111, "Invalid use of group function"),
    (r"table .+ has \d+ columns but \d+ values|\d+ values for \d+ columns", 1136,
     "Column count doesn't match value count at row 1"),
    (r"table [`\"]?(.+?)[`\"]? already exists", 1050, "Table '{0}' already exists"),
    (r"UNIQUE constraint failed: (.+)", 1062, "Duplicate entry for key '{0}'"),
    (r"NOT NULL constraint failed: (.+)", 1048, "Column '{0}' cannot be null"),
    (r"SELECTs to the left and right", 1222, "The SELECT statements have a different number of columns"),
    (r"sub-select returns|row value misused", 1241, "Operand should contain 1 column(s)"),
    (r"interrupted", 3024, "Query execution was interrupted, maximum statement execution time exceeded"),
    (r"full|too big|out of memory", 1114, "The table is full"),
    (r"not authorized|prohibited", 1044, "Access denied"),
)  # fmt: skip


class _Sqlite(SQLite):
    """SQLite with backticks round names: in double quotes an unknown name would quietly turn into text."""

    class Tokenizer(SQLite.Tokenizer):
        IDENTIFIERS: ClassVar = ["`"]


def parse(sql: str) -> exp.Expression:
    """One statement of a kind that an agent may run. Raises SQLError in MySQL's words."""
    if len(sql) > MAX_QUERY:
        raise SQLError(1153, f"Got a statement of {len(sql)} characters, more than {MAX_QUERY}")
    # Without unique keys REPLACE is INSERT, and sqlglot does not read it.
    sql = re.sub(r"^\s*replace\s+into\b", "INSERT INTO", sql, flags=re.IGNORECASE)
    if "sqlite_" in sql.lower():
        raise SQLError(1044, "Access denied")
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="mysql") if statement is not None]
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, IndexError) as error:
        raise syntax_error(_near(error)) from None
    if not statements:
        raise SQLError(1065, "Query was empty")
    if len(statements) > 1:
        raise SQLError(1064, "You have an error in your SQL syntax; send one statement at a time")
    if not isinstance(statements[0], _ALLOWED):
        raise syntax_error(sql.strip()[:40])
    return statements[0]


def translate(sql: str) -> str:
    """A MySQL statement as SQLite's. Raises SQLError for one that MySQL refuses too."""
    try:
        tree = parse(sql).transform(_rewrite)
        return tree.sql(dialect=_Sqlite, unsupported_level=sqlglot.ErrorLevel.IGNORE)
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError) as error:
        raise syntax_error(_near(error)) from None


def syntax_error(near: str) -> SQLError:
    return SQLError(1064, f"You have an error in your SQL syntax near '{near}'")


def explain(message: str, sql: str) -> SQLError:
    """SQLite's complaint about a statement as MySQL's."""
    for pattern, code, text in _ERRORS:
        if match := re.search(pattern, message):
            groups = [group.strip('`"[]') for group in match.groups() if group is not None]
            clause = f"'{_clause(groups[0], sql)}'" if groups else ""
            return SQLError(code, text.format(*groups, clause=clause))
    if match := re.search(r'near "(.*?)": syntax error', message):
        return syntax_error(match[1])
    return SQLError(1105, message)


def _near(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details:
        return f"{details[0].get('highlight') or ''}{details[0].get('end_context') or ''}".strip()[:40]
    return str(error).splitlines()[0][:40] if str(error) else ""


def _clause(column: str, sql: str) -> str:
    """Where in a statement an unknown column stands, in MySQL's names for it."""
    name = column.rpartition(".")[2]
    place = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)
    before = sql[: place.start()].upper() if place else ""
    marks = {" WHERE ": "where clause", " ON ": "on clause", " GROUP BY ": "group statement",
             " ORDER BY ": "order clause", " HAVING ": "having clause"}  # fmt: skip
    found = max(marks, key=before.rfind)
    return marks[found] if found in before else "field list"


def _rewrite(node: exp.Expression) -> exp.Expression:
    if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
        if isinstance(node.this, exp.Column):  # an assignment: SQLite wants its column's bare name
            node.set("this", exp.column(node.this.this))
    elif isinstance(node, _COMPARISONS):
        _coerce(node, "this", (node.expression,))
        _coerce(node, "expression", (node.this,))
        _ignore_case(node)
    elif isinstance(node, exp.Between):
        _coerce(node, "this", (node.args["low"], node.args["high"]))
    elif isinstance(node, exp.In) and node.expressions:
        _coerce(node, "this", node.expressions)
    elif isinstance(node, exp.Cast) and node.to.is_type("UBIGINT", "BIGINT", "INT", "UINT"):
        return _own("MYSIGNED", node.this)
    elif type(node) in _OWN:
        return _own(_OWN[type(node)], *node.iter_expressions())
    elif isinstance(node, exp.GroupConcat):
        return _group_concat(node)
    elif isinstance(node, exp.TruncateTable):
        return exp.Delete(this=node.expressions[0])
    elif isinstance(node, exp.Update) and isinstance(node.this, exp.Table) and node.this.args.get("joins"):
        return _joined(node)
    elif isinstance(node, exp.Update | exp.Delete) and (node.args.get("limit") or node.args.get("order")):
        return _limited(node)
    elif isinstance(node, exp.ColumnDef) and node.kind is not None and _is_text(node.kind):
        node.append("constraints", exp.ColumnConstraint(kind=exp.CollateColumnConstraint(this=exp.var("MYSQL"))))
    return node


def _is_text(kind: exp.Expression) -> bool:
    return isinstance(kind, exp.DataType) and kind.this in exp.DataType.TEXT_TYPES


def _coerce(node: exp.Expression, side: str, others: object) -> None:
    """Compare `side` as a number where it is compared with one."""
    mine = node.args.get(side)
    many = others if isinstance(others, list | tuple) else [others]
    if mine is not None and not _is_number(mine) and all(map(_is_number, many)):
        node.set(side, _own("MYNUM", mine.copy()))


def _ignore_case(node: exp.Expression) -> None:
    """Give a comparison without a column of its own MySQL's collation."""
    left, right = node.this, node.expression
    if not isinstance(left, exp.Column) and not _is_number(left) and not _is_number(right):
        node.set("this", exp.Collate(this=exp.paren(left.copy()), expression=exp.var("MYSQL")))


def _own(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A call of one of our own functions (`functions.py`)."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _group_concat(node: exp.Expression) -> exp.Expression:
    value, separator = node.this, node.args.get("separator") or exp.Literal.string(",")
    key, ordered, descending = exp.null(), 0, 0
    if isinstance(value, exp.Order):
        first = value.expressions[0]
        value, key, ordered, descending = value.this, first.this, 1, int(bool(first.args.get("desc")))
    distinct = int(isinstance(value, exp.Distinct))
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
    flag = exp.Literal.number
    return _own("MYGROUP", value, separator, flag(distinct), flag(ordered), key, flag(descending))


def _joined(node: exp.Expression) -> exp.Expression:
    """UPDATE a JOIN b ON ... SET as UPDATE a SET ... FROM b WHERE ..."""
    joins = node.this.args.pop("joins")
    where = node.args.get("where")
    conditions = [join.args["on"] for join in joins if join.args.get("on")]
    conditions += [where.this] if where else []
    node.set("from_", exp.From(this=joins[0].this, joins=[exp.Join(this=join.this) for join in joins[1:]]))
    node.set("where", exp.Where(this=exp.and_(*conditions)) if conditions else None)
    return node


def _is_number(node: exp.Expression) -> bool:
    if isinstance(node, exp.Neg | exp.Paren):
        return _is_number(node.this)
    return isinstance(node, exp.Literal) and not node.is_string


def _limited(node: exp.Expression) -> exp.Expression:
    """UPDATE and DELETE with ORDER BY or LIMIT, which SQLite knows in a subquery only."""
    table = node.this
    inner = exp.select("rowid").from_(table.copy())
    for part in ("where", "order", "limit"):
        if (clause := node.args.get(part)) is not None:
            inner.set(part, clause.copy())
            node.set(part, None)
    inside = exp.In(this=exp.column("rowid"), query=exp.Subquery(this=inner))
    node.set("where", exp.Where(this=inside))
    return node
