"""Questions about tables: what a teacher writes is read carefully and executed in the real databases."""

import json
from pathlib import Path
from typing import Any

import pytest
from database_play import needs_server

from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.tables_prompts import EXAMPLE
from agenttuning.engines import Reply
from agenttuning.environments import make
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import Usage

pytest.importorskip("sqlglot")

SHIPS = EXAMPLE["tables"][0]
PORTS = {"name": "port", "columns": ["name", "coast"], "rows": [["Oakham", "north"], ["Walbury", "south"]]}
UPDATE = {
    "question": "Give the Little Owl a crew of nine.",
    "tables": SHIPS,
    "sql": "UPDATE ship SET crew = '9' WHERE name = 'Little Owl';",
}


def said(text: Any) -> Reply:
    return Reply(text if isinstance(text, str) else json.dumps(text), Usage())


@pytest.fixture(scope="module")
def world():
    from agenttuning.corpus.construct.tables import Tables

    return Tables()


def refusal(function, *arguments) -> str:
    with pytest.raises(Refused) as refused:
        function(*arguments)
    return refused.value.reason


def check_trials(world, tmp_path: Path) -> None:
    drafts = [
        world.trial(world.read(said(value)))
        for value in (
            EXAMPLE,
            UPDATE,
            {**UPDATE, "question": "Remove the ships of Oakham.", "sql": "DELETE FROM ship WHERE harbour = 'Oakham'"},
            {
                **UPDATE,
                "question": "Add the New Dawn of Oakham.",
                "sql": "INSERT INTO ship VALUES ('New Dawn', 'Oakham', '50', '4')",
            },
            {
                "question": "How many ships lie on the south coast?",
                "tables": [SHIPS, PORTS],
                "sql": "SELECT COUNT(*) FROM ship JOIN port ON ship.harbour = port.name WHERE coast = 'south'",
            },
        )
    ]
    assert [draft.record["type"][0] for draft in drafts] == ["ranking", "UPDATE", "DELETE", "INSERT", "counting"]
    assert [draft.record["label"] for draft in drafts[::4]] == [["Royal Star", "North Wind"], [2]]
    assert all(draft.record["answer_md5"].startswith("[('") for draft in drafts[1:4])
    question = world.solver_prompt(drafts[0])
    assert "LIMIT 2" not in "".join(message.text for message in question.messages)
    assert 'ship: [["Brave Swan", "Oakham", "62", "18"]' in question.messages[1].text
    names = "'Royal Star', 'North Wind'"
    world.solve(drafts[0], said(f"```sql\nSELECT name FROM ship WHERE name IN ({names});\n```"))
    assert refusal(world.solve, drafts[0], said("```sql\nSELECT 'Royal Star'\n```")) == "solver_disagrees"
    assert refusal(world.solve, drafts[0], said("```sql\nSELEKT 1\n```")) == "solver_disagrees"
    assert refusal(world.solve, drafts[0], said("SELECT 1")) == "solver_unreadable"
    world.solve(drafts[1], said("```sql\nUPDATE ship SET crew = 9 WHERE length = '110'\n```"))
    assert refusal(world.solve, drafts[1], said("```sql\nUPDATE ship SET crew = 9\n```")) == "solver_disagrees"
    path = world.write(tmp_path, [draft.record for draft in drafts])
    result = validate("database", data=path, limit=None, workers=1)
    assert (result.tasks, result.solved) == (5, 5)
    tasks = make("database", path).tasks("train")
    assert {task.split for task in tasks} == {"train"}
    assert len({task.id for task in tasks}) == 5
    assert world.trial(world.read(said(EXAMPLE))).record == drafts[0].record  # ids and all


def test_trials_on_sqlite(world, tmp_path: Path):
    check_trials(world, tmp_path)


@needs_server
@pytest.mark.slow
def test_trials_on_mariadb(tmp_path: Path, monkeypatch):
    from agenttuning.corpus.construct.tables import Tables
    from agenttuning.environments.database.server import private_server

    with private_server() as address:
        monkeypatch.setenv("AGENTTUNING_MARIADB", address)
        world = Tables()
        check_trials(world, tmp_path)
        world.close()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sql": "SELECT captain FROM ship"}, "reference_failed"),
        ({"sql": "SELECT name FROM ship ORDER BY length DESC LIMIT 1"}, "text_columns"),
        ({"sql": "SELECT MAX(length) FROM ship"}, "text_columns"),
        ({"sql": "SELECT name FROM ship WHERE crew = '1000'"}, "empty_result"),
        ({"sql": "SELECT NULL FROM ship"}, "empty_result"),
        ({"sql": "SELECT a.name, b.harbour FROM ship a, ship b, ship c"}, "result_too_large"),
        ({"sql": "SELECT COUNT(*) FROM ship WHERE crew = '1000'"}, "accepts_nonsense"),
        ({"sql": "UPDATE ship SET crew = '6' WHERE crew = '6'"}, "changes_nothing"),
        ({"sql": "UPDATE ship SET name = 'qzx-0-nonsense'"}, "accepts_nonsense"),
    ],
)
def test_what_does_not_hold_is_refused(world, changed: dict, reason: str):
    assert refusal(world.trial, world.read(said({**EXAMPLE, **changed}))) == reason


def test_garbage_is_refused_by_name(world):
    def table(**changed: Any) -> dict:
        return {**EXAMPLE, "tables": [{**SHIPS, **changed}]}

    for changed in (
        {**EXAMPLE, "tables": []}, {**EXAMPLE, "tables": "ship"}, {**EXAMPLE, "tables": [3]}, {**EXAMPLE, "sql": 3},
        {**EXAMPLE, "sql": "DROP TABLE ship"}, {**EXAMPLE, "sql": "ATTACH 'x' AS y"}, {**EXAMPLE, "question": None},
        table(rows=[["a"]]), table(rows=[[["a"], "b", "c", "d"]]), table(rows=[]), table(columns=[]), table(name=""),
    ):  # fmt: skip
        assert refusal(world.read, said(changed)) == "fields", changed
    for changed in (table(rows=SHIPS["rows"] * 50), table(rows=[["x" * 999, "b", "c", "d"]]),
                    {**EXAMPLE, "tables": [SHIPS] * 9}):  # fmt: skip
        assert refusal(world.read, said(changed)) == "too_long"
    for changed in (table(columns=["a", 3, "c", "d"]), table(name="sqlite_x"), {**EXAMPLE, "tables": [SHIPS, SHIPS]}):
        assert refusal(world.trial, world.read(said(changed))) == "fields", changed
