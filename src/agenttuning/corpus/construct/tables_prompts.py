"""What a teacher reads when it is to write a question about tables, or to answer one with SQL."""

import json
import random
from collections.abc import Sequence
from typing import Any

from agenttuning.conversation import Conversation, system, user

# What a statement does, in the benchmark's own words for kinds of question; a third of dbbench are changes.
SKILLS = {
    "look-up": "looks values up by a condition",
    "counting": "counts rows (COUNT)",
    "comparison": "compares numbers or dates in its condition",
    "ranking": "finds the first few by some order (ORDER BY with LIMIT)",
    "aggregation-SUM": "adds numbers up (SUM)",
    "aggregation-AVG": "takes an average (AVG)",
    "aggregation-MAX": "finds the greatest or the smallest (MAX, MIN)",
    "grouping": "groups rows and says something of the groups (GROUP BY)",
    "joining": "needs two tables joined; give two tables",
    "nesting": "needs a query inside the query",
    "INSERT": "is an INSERT: the question asks for a new row with all its values",
    "UPDATE": "is an UPDATE: the question asks for a change of some rows",
    "DELETE": "is a DELETE: the question asks for some rows to be removed",
}

_RULES = """\
You write questions about MySQL databases for an agent that answers them with SQL. Everything you write is executed, \
so it has to be exact.

Reply with one JSON object and nothing else:
{"question": "...", "tables": [{"name": "...", "columns": ["..."], "rows": [["..."]]}], "sql": "..."}

- tables: one or two tables of a small database, 3 to 8 columns and 5 to 15 rows each. Every row has a value for each \
column, in one and the same form. Names that a person would give.
- question: what the agent is asked, in one sentence, in a person's words and not in SQL's. It has one right answer, \
which follows from the tables: no ties.
- sql: the one MySQL statement that answers it or makes the change. It returns the values of the answer and no other \
columns.

All columns are of type TEXT. Where a column holds numbers, compare, order and add them as numbers: (price + 0) > 9, \
ORDER BY (price + 0), SUM(price + 0)."""

EXAMPLE: dict[str, Any] = {
    "question": "Which two ships with at least ten sailors are the longest?",
    "tables": [
        {
            "name": "ship",
            "columns": ["name", "harbour", "length", "crew"],
            "rows": [
                ["Brave Swan", "Oakham", "62", "18"],
                ["Royal Star", "Walbury", "104", "41"],
                ["Little Owl", "Oakham", "110", "6"],
                ["North Wind", "Torworth", "88", "23"],
                ["Grey Heron", "Walbury", "71", "12"],
            ],
        }
    ],
    "sql": "SELECT name FROM ship WHERE (crew + 0) >= 10 ORDER BY (length + 0) DESC LIMIT 2",
}
"""As a prompt shows it."""


def writing(topic: str, known: Sequence[str], dice: random.Random) -> Conversation:
    skill = dice.choice(list(SKILLS.values()))
    listed = "\n".join(f"- {' '.join(text.split())}" for text in known)
    asked = f"An example of the form:\n{json.dumps(EXAMPLE)}\n\n"
    if listed:
        asked += f"Questions that are there already:\n{listed}\n\n"
    asked += f"Write a new question, unlike all of these. The database is of {topic}. The statement {skill}."
    return Conversation((system(_RULES), user(asked)))


_SOLVING = """\
You answer questions about a MySQL database, or make the change that is asked for. Reply with one SQL statement in a \
block of code (```sql) and nothing else. It returns the values of the answer and no other columns. All columns are of \
type TEXT: compare, order and add numbers as numbers, e.g. (price + 0) > 9."""


def solving(opening: str, rows: str) -> Conversation:
    """`opening` is the environment's, the question and the tables' columns; `rows` shows how values look."""
    return Conversation((system(_SOLVING), user(f"{opening}\n\nThe first rows:\n{rows}")))
