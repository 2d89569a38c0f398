"""Task derivation from text-to-SQL sets: layouts, files that nobody vouches for, both ways."""

import json
import random
import sqlite3
from pathlib import Path

import pytest
import sql_sets
from sql_sets import COUNT, LARGEST
from teacher_server import TeacherServer, said

pytest.importorskip("sqlglot")

from agenttuning.atif import read_trajectories
from agenttuning.cli import main
from agenttuning.corpus.construct.derive import _derive, _played
from agenttuning.corpus.construct.excerpt import excerpt, parse, run
from agenttuning.corpus.construct.refusal import Refused
from agenttuning.corpus.construct.sql_set import SqlQuestion, SqlSet
from agenttuning.corpus.construct.sqlite_file import SqliteFile
from agenttuning.corpus.construct.tables import Desk
from agenttuning.environments import make
from agenttuning.errors import BadInput

THOUGHTS = {
    "before": "The table city holds the people of each city, so I order them and take the first.",
    "after": "One row came back, and it answers the question.",
}


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["construct", "database", *arguments])
    return ended.value.code


def test_both_layouts_are_read(tmp_path: Path):
    birds, spiders = sql_sets.bird(tmp_path / "b", [LARGEST]), sql_sets.spider(tmp_path / "s", [COUNT])
    for source in (birds, birds / "train.json"):
        of = SqlSet.find(source)
        (question,) = of.questions()
        assert isinstance(question, SqlQuestion)
        assert (question.db_id, question.level, question.evidence[:9]) == ("world", "easy", "most peop")
        assert of.file("world").name == "world.sqlite"
        assert of.links() == {"world": (("city", "CountryCode", "country", "Code"),)}
    (question,) = SqlSet.find(spiders).questions()
    assert (question.sql, question.level) == (COUNT["query"], "medium")
    elsewhere = SqlSet.find(spiders / "train_spider.json", birds / "train_databases")
    assert elsewhere.databases == birds / "train_databases"
    with pytest.raises(BadInput, match="no questions in it"):
        SqlSet.find(tmp_path)
    (birds / "train.json").rename(tmp_path / "train.json")
    with pytest.raises(BadInput, match="name it with --databases"):
        SqlSet.find(tmp_path / "train.json")


def test_bad_records_are_named(tmp_path: Path):
    wrong = [3, {}, {**LARGEST, "question": " "}, {**LARGEST, "SQL": None}, {**LARGEST, "SQL": "x" * 5000}]
    of = SqlSet.find(sql_sets.bird(tmp_path, [*wrong, LARGEST]))
    found = list(of.questions())
    assert [one.reason for one in found[:-1]] == ["bad_record"] * 4 + ["too_long"]
    assert "record 2: 'db_id' should be a text" in str(found[1])


def test_a_database_outside_its_folder_is_no_database(tmp_path: Path):
    of = SqlSet.find(sql_sets.bird(tmp_path / "set", [LARGEST]))
    sql_sets.database(tmp_path, "secret")
    (of.databases / "link").mkdir()
    (of.databases / "link" / "link.sqlite").symlink_to(tmp_path / "secret" / "secret.sqlite")
    for name in ("../../secret", "..", "/etc/passwd", "none", "link", "a\0b", ""):
        with pytest.raises(Refused) as refused:
            of.file(name)
        assert refused.value.reason == "no_database"


def test_an_untrusted_file_is_only_read(tmp_path: Path):
    path = sql_sets.database(tmp_path)
    before = path.read_bytes()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    path.write_bytes(before)
    with SqliteFile(path) as file:
        assert sorted(file.tables) == ["city", "country", "river"]  # a view is no table
        assert file.count("city") == 400
        assert file.rows(file.tables["city"], most=2)[0] == (1, (1, "City 1", "PER", 1007, 0.25))
        for sql in (
            "ATTACH '/tmp/x' AS x",
            "PRAGMA writable_schema = 1",
            "DELETE FROM city",
            "SELECT load_extension('x')",
        ):
            with pytest.raises(Refused):
                file._run(sql)
    assert path.read_bytes() == before
    assert [other.name for other in path.parent.iterdir()] == ["world.sqlite"]


def read_all(path: Path) -> None:
    with SqliteFile(path) as file:
        for table in file.tables.values():
            file.rows(table, most=1000)


@pytest.mark.parametrize("kind", ["text", "cut", "spoilt"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, kind: str):
    whole = sql_sets.database(tmp_path).read_bytes()
    content = {"text": b"no database at all" * 100, "cut": whole[:5000], "spoilt": whole[:4096] + b"\xff" * 9000}
    path = tmp_path / "x.sqlite"
    path.write_bytes(content[kind])
    with pytest.raises(Refused) as refused:
        read_all(path)
    assert refused.value.reason == "bad_database"


def test_a_file_is_read_no_longer_than_it_may(tmp_path: Path):
    with pytest.raises(Refused) as refused, SqliteFile(sql_sets.database(tmp_path), seconds=-1) as file:
        file.rows(file.tables["city"], "CountryCode LIKE ? OR Area * 2 > ?", ("%Q%", 1e9), most=1000)
    assert refused.value.reason == "database_slow"


def part_of(path: Path, sql: str, most: int, links=()):
    with SqliteFile(path) as file:
        return excerpt(file, sql, links=links, most=most, dice=random.Random(0))


def test_an_excerpt_holds_what_the_query_is_about(tmp_path: Path):
    path = sql_sets.database(tmp_path)
    whole = part_of(path, LARGEST["SQL"], 1000)
    assert {part.name: len(part.rows) for part in whole} == {
        "city": 400,
        "country": 3,
        "river": 1,
    }  # what is beside it comes too
    assert run(whole, LARGEST["SQL"]) == [("City 399",)]
    one = part_of(path, "SELECT Population FROM city WHERE \"City Name\" = 'City 377'", 20)
    assert len(one[0].rows) == 20
    assert run(one, "SELECT Population FROM city WHERE \"City Name\" = 'City 377'") == [(377007,)]
    join = COUNT["query"].replace("COUNT(*)", "T2.Name, COUNT(*)") + " GROUP BY T2.Name"
    cut = {part.name: part for part in part_of(path, join, 2)}
    codes = {row[0] for row in cut["country"].rows}
    assert len(cut["city"].rows) == 2
    assert {row[2] for row in cut["city"].rows} & codes == {"GHA"}  # followed along the join from "Africa"
    assert part_of(path, join, 2) == tuple(cut.values())


def test_queries_that_cannot_be_taken():
    for sql in ("DELETE FROM city", "SELECT 1; SELECT 2", "no SQL (", "PRAGMA user_version", "(" * 3000):
        with pytest.raises(Refused) as refused:
            parse(sql)
        assert refused.value.reason == "not_a_query"


def test_a_reference_gets_no_more_than_its_time(tmp_path: Path):
    parts = part_of(sql_sets.database(tmp_path), LARGEST["SQL"], 10)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    with pytest.raises(Refused, match="interrupted"):
        run(parts, endless, seconds=0.2)
    with pytest.raises(Refused, match="not authorized"):
        run(parts, "ATTACH '/tmp/none.sqlite' AS other")


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (
            "SELECT CAST(SUM(CASE WHEN CountryCode = 'GHA' THEN 1 ELSE 0 END) AS REAL) * 100 / COUNT(*) FROM city",
            [33.25],
        ),
        ("SELECT SUM(IIF(Population > 100000, 1, 0)) FROM city", [301]),
        ("SELECT CountryCode || '-' || ID FROM city WHERE ID < 4", ["PER-1", "ISL-2", "GHA-3"]),
        ("SELECT T1.`City Name` FROM city AS T1 ORDER BY T1.Area DESC LIMIT 3, 2", ["City 397", "City 396"]),
        ("SELECT COUNT(*) FROM city WHERE Area IS NULL", [1]),
        ("SELECT STRFTIME('%Y', '2012-03-04') FROM river", ["2012"]),
        ("SELECT SUBSTR(Name, 1, 2), LENGTH(Name) FROM country", ["Gh", 5, "Pe", 4, "Ic", 7]),
    ],
)
def test_a_reference_is_put_into_mysql_s_words(tmp_path: Path, sql: str, values: list):
    of = SqlSet.find(sql_sets.bird(tmp_path, [{**LARGEST, "SQL": sql}]))
    (question,) = of.questions()
    derived = _derive(question, of, (), 400, 0)
    desk = Desk()
    assert derived.values == values
    assert _played(desk, derived, "teacher", 0).solved
    desk.close()


def test_a_result_that_mysql_sees_otherwise_is_refused(tmp_path: Path):
    of = SqlSet.find(
        sql_sets.bird(tmp_path, [{**LARGEST, "SQL": "SELECT COUNT(*) FROM country WHERE Name >= 'ghana'"}])
    )
    (question,) = of.questions()
    desk = Desk()
    with pytest.raises(Refused) as refused:  # capitals and small letters are the same there
        _played(desk, _derive(question, of, (), 400, 0), "teacher", 0)
    desk.close()
    assert refused.value.reason == "reference_differs"


QUESTIONS = [
    LARGEST,
    COUNT,
    {**LARGEST, "question": "Which city of Ghana has the most people there?"},  # nearly the first
    {**LARGEST, "question": "Name a city in which nobody lives.", "SQL": "SELECT ID FROM city WHERE Population = 0"},
    {**LARGEST, "question": "What is the code of every single city?", "SQL": "SELECT * FROM city"},
    {**LARGEST, "question": "Which large ones does the view hold?", "SQL": "SELECT ID FROM large"},
    {**LARGEST, "question": "Where is the database of this one?", "db_id": "none"},
    {**LARGEST, "question": "Remove all of the cities now, please.", "SQL": "DELETE FROM city"},
    "no record",
]
REFUSED = {
    "bad_record": 1, "duplicate": 1, "empty_result": 1, "no_database": 1, "not_a_query": 1, "reference_failed": 1,
    "result_too_large": 1,
}  # fmt: skip


def test_annotated_trajectories_are_played_for_real(tmp_path: Path, capsys):
    source = sql_sets.bird(tmp_path / "set", QUESTIONS)
    with TeacherServer(lambda request: json.dumps(THOUGHTS)) as server:
        arguments = ("--out", str(tmp_path / "made"), "--source", str(source), "--teacher", server.model, "--json")
        assert command(*arguments) == 0
        assert all("Statement: SELECT" in said(request) for request in server.requests)
        counts = json.loads(capsys.readouterr().out)
    assert counts["refused"] == REFUSED
    assert (counts["tasks"], counts["candidates"], counts["spent"]["thoughts"]["calls"]) == (2, 9, 2)
    kept = list(read_trajectories(tmp_path / "made" / "trajectories" / "database.jsonl"))
    assert {one.task.goal.partition("\n")[0] for one in kept} == {LARGEST["question"], COUNT["question"]}
    environment = make("database")
    for one in kept:
        assert (one.solved, one.reward, one.task.split) == (True, 1.0, "train")
        assert [step.decision.thought for step in one.steps] == list(THOUGHTS.values())
        environment.reset(one.task)
        query, answer = (step.decision.call for step in one.steps)
        assert environment.step(query).observation == one.steps[0].observation
        assert environment.step(answer).solved
        assert one.meta["constructed"]["source"].startswith("train.json")
    environment.close()


def test_thoughts_that_know_too_much_are_refused(tmp_path: Path, capsys):
    said_by_teacher = iter([
        {**THOUGHTS, "before": "It is City 399, so I look it up by its name in the table."},
        {**THOUGHTS, "after": "The query returned the expected answer."},
        {**THOUGHTS, "before": "I run the reference SQL that was given to me."},
        {"before": "short", "after": "too"},
        "nothing that is an object",
    ])  # fmt: skip
    words = ["red", "green", "blue", "white", "black"]
    questions = [{**LARGEST, "question": f"{w} {w} {w} city of Ghana, which?"} for w in words]
    source = sql_sets.bird(tmp_path / "set", questions)
    with TeacherServer(lambda request: json.dumps(next(said_by_teacher))) as server:
        arguments = ("--out", str(tmp_path / "made"), "--source", str(source), "--teacher", server.model, "--json")
        assert command(*arguments, "--max-rows", "400") == 0
    assert json.loads(capsys.readouterr().out)["refused"] == {"hindsight": 3, "no_json": 1, "thoughts": 1}


def play(request: dict) -> str:
    """A teacher in the react dialect that is right about one question and wrong about the other."""
    text = said(request)
    if "Observation" in request["messages"][-1]["content"]:
        seen = request["messages"][-1]["content"].partition("Observation: ")[2]
        return f'Thought: That is it.\nAction: answer\nAction Input: {{"values": {seen}}}'
    sql = (
        "SELECT 0"
        if "Africa" in text
        else "SELECT `City Name` FROM city WHERE CountryCode = 'GHA' ORDER BY (Population + 0) DESC LIMIT 1"
    )
    return f"Thought: I look.\nAction: execute_sql\nAction Input: {json.dumps({'query': sql})}"


def test_the_teacher_plays_what_it_was_not_told(tmp_path: Path, capsys):
    source = sql_sets.spider(tmp_path / "set", [{**LARGEST, "query": LARGEST["SQL"]}, COUNT])
    with TeacherServer(play) as server:
        out = tmp_path / "made"
        arguments = ("--out", str(out), "--source", str(source), "--way", "interact", "--teacher", server.model)
        assert command(*arguments, "--json") == 0
        assert not any("City 399" in said(request) for request in server.requests if len(request["messages"]) == 2)
    counts = json.loads(capsys.readouterr().out)
    assert (counts["tasks"], counts["episodes"]["outcomes"]) == (2, {"failed": 1, "solved": 1})
    assert counts["spent"]["act"]["calls"] == 4
    played = list(read_trajectories(out / "trajectories" / "database.jsonl"))
    assert {one.task.goal.partition("\n")[0]: one.outcome for one in played} == {
        LARGEST["question"]: "solved",
        COUNT["question"]: "failed",
    }
    tasks = make("database", out / "train.jsonl").tasks("train")
    assert [task.split for task in tasks] == ["train", "train"]


def test_a_budget_ends_the_play_cleanly(tmp_path: Path, capsys):
    source = sql_sets.spider(tmp_path / "set", [{**LARGEST, "query": LARGEST["SQL"]}, COUNT])
    out = tmp_path / "made"
    with TeacherServer(play, usage=(700, 100)) as server:
        arguments = ["--out", str(out), "--source", str(source), "--way", "interact", "--teacher", server.model]
        arguments += ["--json", "--max-tokens", "64", "--concurrency", "1"]
        assert command(*arguments, "--budget-tokens", "2800") == 0
        first = json.loads(capsys.readouterr().out)
        assert first["stopped"].startswith("the budget of 2,800 tokens is used up")
        assert (first["tasks"], first["episodes"]["episodes"]) == (2, 1)
        assert len(list(read_trajectories(out / "trajectories" / "database.jsonl"))) == 1
        assert command(*arguments, "--budget-tokens", "280000") == 0
        second = json.loads(capsys.readouterr().out)
        assert len(server.requests) == second["spent"]["act"]["calls"] == 4  # nothing was asked twice
    assert second["episodes"]["outcomes"] == {"failed": 1, "solved": 1}
