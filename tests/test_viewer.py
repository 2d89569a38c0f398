"""The viewer without a browser: what it finds in a run, lists, searches, serves and refuses."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from example_run import write_run
from viewer_runs import FOREIGN, LONG, built_in, nasty, write_lines

from agenttuning.atif import dumps, read_trajectories, write_trajectories
from agenttuning.commands.view import view
from agenttuning.corpus.formats import write
from agenttuning.errors import BadInput
from agenttuning.files import write_jsonl
from agenttuning.viewer import document, search
from agenttuning.viewer.bundle import write_bundle
from agenttuning.viewer.index import Index, Query
from agenttuning.viewer.server import Server
from agenttuning.viewer.sources import find


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "example", tasks=12)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTTUNING_CACHE", str(tmp_path_factory.getbasetemp() / "viewer-cache"))


@pytest.fixture
def index(run: Path) -> Index:
    return Index.of([run])


def ids(index: Index, **asked: str) -> list[int]:
    return [row["id"] for row in index.page(Query(**asked), 0, 500)]


def test_the_sets_of_a_run_an_evaluation_and_a_file(run: Path):
    of_run = [(source.path.name, source.set) for source in find([run])]
    assert of_run[0] == ("database.jsonl", "evaluation/base")
    assert {name for _, name in of_run} == {"evaluation/base", "evaluation/tuned"}
    assert {source.set for source in find([run / "evaluation" / "tuned"])} == {"tuned"}
    assert [source.set for source in find([run / "evaluation" / "base" / "trajectories" / "database.jsonl"])] == [
        "database"
    ]


def test_a_list_by_filter_with_the_counts_of_each_facet(run: Path, index: Index):
    assert index.total == 72
    everything = [t for source in find([run]) for t in read_trajectories(source.path)]
    listed = index.listed(Query(environment="database", outcome="solved"))
    solved = [t for t in everything if t.task.environment == "database" and t.solved]
    assert listed.total == len(solved) == len(ids(index, environment="database", outcome="solved")) > 0
    environments = dict(listed.facets["environment"])  # under the other filter, not under its own
    assert environments == {
        name: sum(t.solved and t.task.environment == name for t in everything) for name in environments
    }
    assert index.listed(Query(model="nobody")).total == 0


def test_pages_are_slices_of_one_order(index: Index):
    whole = ids(index)
    assert [row["id"] for row in index.page(Query(), 70, 10)] == whole[70:]
    assert index.page(Query(), 72, 10) == []
    assert index.listed(Query(), id=whole[31]).position == 31
    assert index.listed(Query(environment="hotpotqa"), id=whole[0]).position is None


def test_pairs_before_and_after(run: Path, index: Index):
    sides = {}
    for side in ("base", "tuned"):
        path = run / "evaluation" / side / "trajectories" / "database.jsonl"
        sides[side] = {t.task.id: t.solved for t in read_trajectories(path)}
    gained = {task for task in sides["base"] if sides["tuned"][task] and not sides["base"][task]}
    rows = index.page(Query(environment="database", change="gained"), 0, 100)
    assert {row["task"] for row in rows} == gained
    assert len(rows) == 2 * len(gained) > 0
    one = index.trajectory(rows[0]["id"])
    assert [other["id"] for other in one["others"]] == [one["other"]]
    assert {one["set"], one["others"][0]["set"]} == {"evaluation/base", "evaluation/tuned"}


def test_two_files_are_before_and_after_in_the_order_given(run: Path, tmp_path: Path):
    for side, name in (("tuned", "first"), ("base", "second")):
        lines = run / "evaluation" / side / "trajectories" / "database.jsonl"
        shutil.copy(lines, tmp_path / f"{name}.jsonl")
    index = Index.of([tmp_path / "first.jsonl", tmp_path / "second.jsonl"])
    gained = Index.of([run]).listed(Query(change="gained", environment="database")).total
    assert index.listed(Query(change="lost")).total == gained > 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("select coun", '"select"* AND "coun"*'),
        ('call:"drop table', 'call : "drop table"'),
        ('say """ () * -', '"say"*'),
        ("", None),
        ("表名", '" 表  名 "*'),
    ],
)
def test_a_search_as_the_index_reads_it(asked: str, expected: str | None):
    assert search.match(asked) == expected


def test_search_finds_words_phrases_and_parts(tmp_path: Path, index: Index):
    assert index.listed(Query(search="SELECT coun lighthouse")).total > 0
    assert index.listed(Query(search='"count select"')).total == 0
    assert index.listed(Query(search="thought:lighthouse")).total == 0
    assert index.listed(Query(search="call:lighthouse")).total == index.listed(Query(search="call:LIGHTH")).total > 0
    for odd in ('"', "a:b:c", "NEAR(", "thought:", "*", "x" * 900, "AND OR NOT", "\0", "{a} : b", "^a"):
        index.listed(Query(search=odd))
    chinese = nasty()
    path = tmp_path / "one.jsonl"
    text = dumps(chinese).replace("The observation is long.", "查询所有的表名 of the café")
    path.write_text(text, encoding="utf-8")
    own = Index.of([path])
    assert [own.listed(Query(search=word)).total for word in ("的表", "表的", "cafe", "needle", "needl")] == [
        1,
        0,
        1,
        1,
        1,
    ]


def test_what_cannot_be_read_is_counted_and_named(tmp_path: Path, capsys):
    path = write_lines(tmp_path / "bad.jsonl")
    index = Index.of([path])
    assert index.total == 2
    found = {one["reason"]: one["examples"] for one in index.bad()}
    assert sum(one["count"] for one in index.bad()) == 4
    assert found["not_json"][0].startswith(f"{path}:2: not JSON")
    assert found["no_trajectory"] == [f"{path}:4: no trajectory (its schema_version is not ATIF's)"]
    assert set(found) == {"not_json", "no_trajectory", "not_an_object", "not_utf8"}
    view(path, export=tmp_path / "out", json=True)
    told = capsys.readouterr()
    assert json.loads(told.out) == {"page": str(tmp_path / "out" / "index.html"), "trajectories": 2, "left_out": 0}
    assert f"{path}:2: not JSON" in told.err
    assert str(tmp_path) not in (tmp_path / "out" / "data" / "index.js").read_text()


def test_a_trajectory_of_another_tool(tmp_path: Path):
    index = Index.of([write_lines(tmp_path / "bad.jsonl")])
    row = index.page(Query(search="bug"), 0, 1)[0]
    assert (row["task"], row["model"], row["outcome"], row["reward"]) == ("session-7", "other-agent", "", None)
    one = index.trajectory(row["id"])
    assert one["opening"] == "Fix the bug.\n[image]"
    assert [turn["source"] for turn in one["turns"]] == ["agent", "user"]
    first = one["turns"][0]
    assert first["calls"] == [("open", [("path", "a.py")]), ("open", [("", "b.py")])]
    assert (first["observation"], first["written"], first["usd"]) == ("first\n\n3", 0, 0.01)
    for broken in ({}, {"steps": 3}, {"steps": [{"source": "agent", "tool_calls": [3], "observation": []}]}):
        odd = {"schema_version": "ATIF-v1.0", **broken, "agent": [], "extra": {"reward": float("nan"), "task": 1}}
        json.dumps([document.detail(odd), document.summary(odd), document.searched(odd)], allow_nan=False)
    assert document.summary(FOREIGN)["goal"] == "Fix the bug. [image]"


def test_a_long_text_is_found_to_its_end_and_handed_over_whole(tmp_path: Path):
    write_trajectories(tmp_path / "one.jsonl", [nasty()])
    index = Index.of([tmp_path / "one.jsonl"])
    (row,) = index.page(Query(search="observation:needle"), 0, 10)
    assert index.trajectory(row["id"])["turns"][1]["observation"] == LONG


def test_arrays_and_compressed_files_are_read_like_lines(run: Path, tmp_path: Path):
    pytest.importorskip("zstandard")
    from zstandard import compress

    lines = run / "evaluation" / "tuned" / "trajectories" / "database.jsonl"
    (tmp_path / "a.jsonl.zst").write_bytes(compress(lines.read_bytes()))
    write("atif", read_trajectories(lines), tmp_path / "a.json")
    plain = Index.of([lines])
    for other in ("a.jsonl.zst", "a.json"):
        index = Index.of([tmp_path / other])
        assert index.document(11) == plain.document(11)
        assert index.total == 12


@pytest.mark.parametrize("name", ["empty", "corpus.jsonl", "nothing.jsonl", "absent"])
def test_what_holds_no_trajectory_is_one_error(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    write_jsonl(tmp_path / "empty" / "metrics.jsonl", [{"step": 1, "loss": 2.0}])
    write_jsonl(tmp_path / "corpus.jsonl", [{"messages": [], "id": "a"}])
    (tmp_path / "nothing.jsonl").write_bytes(b"")
    with pytest.raises(BadInput, match=r"no trajector|not trajectories|no such file") as error:
        Index.of([tmp_path / name])
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_the_index_is_made_once_and_again_when_a_file_has_changed(run: Path, tmp_path: Path):
    path = tmp_path / "one.jsonl"
    lines = (run / "evaluation" / "tuned" / "trajectories" / "database.jsonl").read_text().splitlines()
    path.write_text("\n".join(lines[:5]))
    first, again = Index.of([path]), Index.of([path])
    assert (first.file, first.total) == (again.file, 5)
    again_named = tmp_path / "." / ".." / tmp_path.name / "one.jsonl"
    assert Index.of([again_named]).trajectory(2)["where"] == f"{again_named}:3"
    assert Index.of([again_named]).file == first.file
    path.write_text("\n".join(lines[3:]) + "\n")
    with pytest.raises(BadInput, match="the file has changed; start the viewer again"):
        again.document(4)
    assert Index.of([path]).total == 9
    assert not list(first.file.parent.glob("*.partial"))


def ask(server: Server, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@pytest.fixture
def server(index: Index):
    with Server(index, None, 0) as server:
        server.in_background()
        yield server
        server.shutdown()


def test_the_server_hands_out_the_page_and_its_data(server: Server):
    status, headers, body = ask(server, "/")
    assert status == 200
    assert b"<script src=" in body
    assert not re.search(rb"<script(?! src=)|https?:| on\w+=| style=", body)
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert json.loads(ask(server, "/api/list?environment=database")[2])["total"] == 24
    assert len(json.loads(ask(server, "/api/page?offset=70&limit=9")[2])) == 2
    assert json.loads(ask(server, "/api/run")[2])["total"] == 72


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Host": "evil.example"}, 421),
        ("/api/run", {"Host": "127.0.0.1"}, 421),
        ("/api/run", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/../../etc/passwd", {}, 404),
        ("/page/page.js", {}, 404),
        ("/api/nothing", {}, 404),
        ("/api/trajectory?id=99999", {}, 400),
        ("/api/trajectory?id=1%20OR%201", {}, 400),
        ("/api/page?offset=-1&limit=2", {}, 400),
        ("/api/tokens?id=1", {}, 400),
    ],
)
def test_the_server_refuses(server: Server, path: str, headers: dict[str, str], status: int):
    found, _, body = ask(server, path, **headers)
    assert found == status
    assert "error" in json.loads(body)


def test_many_ask_at_once(server: Server):
    answers: list[int] = []

    def work(number: int) -> None:
        for offset in range(0, 60, 20):
            body = ask(
                server, f"/api/page?offset={offset}&limit=20&search=lighthouse{'' if number % 2 else '%20aller'}"
            )[2]
            answers.append(len(json.loads(body)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 24


def test_a_port_that_is_taken(index: Index, server: Server):
    with pytest.raises(BadInput, match=rf"port {server.server_port}: .*; give another --port"):
        Server(index, None, server.server_port)


def test_the_command_serves_until_it_is_ended(run: Path):
    # A job in the background of a shell ignores the signal, and so would what it starts.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", f"{heed}from agenttuning.cli import main; main()"]
    command += ["view", str(run), "--no-open", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["trajectories"] == 72
        host = re.fullmatch(r"http://(127\.0\.0\.1:\d+)/", told["url"])
        assert host is not None
        connection = http.client.HTTPConnection(host[1], timeout=20)
        connection.request("GET", "/api/list")
        assert json.loads(connection.getresponse().read())["total"] == 72
        connection.close()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_an_export_leaves_out_whole_tasks_and_says_so(index: Index, tmp_path: Path):
    assert write_bundle(index, tmp_path / "all", tokens=None, limit=1000) == {"trajectories": 72, "left_out": 0}
    counts = write_bundle(index, tmp_path / "some", tokens=None, limit=20)
    text = (tmp_path / "some" / "data" / "index.js").read_text().removeprefix("viewer.data = ").rstrip(";\n")
    data = json.loads(text)
    assert counts == {"trajectories": len(data["rows"]), "left_out": data["about"]["left_out"]}
    assert 10 <= len(data["rows"]) <= 20
    rows = [dict(zip(data["fields"], values, strict=True)) for values in data["rows"]]
    assert len({row["environment"] for row in rows}) == 3
    assert all(row["other"] in {other["id"] for other in rows} for row in rows)
    with pytest.raises(BadInput, match="is there already and is no exported viewer"):
        write_bundle(index, tmp_path, tokens=None, limit=20)
    write_bundle(index, tmp_path / "all", tokens=None, limit=20)  # an export may be made again


def test_trained_tokens_of_a_trajectory(index: Index):
    pytest.importorskip("transformers")
    from agenttuning.viewer.tokens import Tokens

    tokens = Tokens(built_in(), "command")
    (row,) = index.page(Query(outcome="solved", environment="database"), 0, 1)
    found = tokens.of(index.document(row["id"]))
    (only,) = found["rows"]
    assert (found["dialect"], only["tokens"]) == ("command", sum(run[3] for run in only["runs"]))
    assert only["trained"] == sum(run[3] for run in only["runs"] if run[1])
    trained = "".join(text for text, weight, *_ in only["runs"] if weight)
    assert trained.startswith("Thought: The table has a column")
    assert trained.endswith("<|im_end|>")
    with pytest.raises(BadInput, match=r"field 'task'|not an agenttuning trajectory"):
        tokens.of(FOREIGN)
