"""Whole runs of `agenttuning construct` with teachers behind real servers: what is kept, counted, paid and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from teacher_server import TeacherServer, said

from agenttuning.cli import main
from agenttuning.corpus.construct.config import ConstructConfig
from agenttuning.corpus.construct.refusal import REASONS
from agenttuning.corpus.construct.tables_prompts import EXAMPLE
from agenttuning.engines import EndpointConfig
from agenttuning.environments import make
from agenttuning.errors import BadInput

pytest.importorskip("sqlglot")

SHIPS = EXAMPLE["tables"]
NAMES = [row[0] for row in SHIPS[0]["rows"]]
WORDINGS = (
    "What is the crew of the ship called {}?",
    "{} sails today: which harbour does she come from?",
    "Tell me how long {} measures from end to end.",
)
COLUMNS = ("crew", "harbour", "length")


def problem(number: int) -> str:
    """What a teacher writes as its reply `number`: mostly sound, each fifth garbage of another kind."""
    name, which = NAMES[number % 5], number // 5 % 3
    value = {
        "question": WORDINGS[which].format(name),
        "tables": SHIPS,
        "sql": f"SELECT {COLUMNS[which]} FROM ship WHERE name = '{name}'",
    }
    garbage = {0: "I had rather not.", 5: json.dumps({**value, "sql": "SELECT no FROM ship"}), 10: "{" * 3000}
    return garbage.get(number % 15, f"Here it is:\n```json\n{json.dumps(value)}\n```")


def teach(request: dict) -> str:
    text = said(request)
    if "You answer questions" not in text:
        return problem(request["seed"])
    asked = request["messages"][-1]["content"]
    name = next(name for name in NAMES if name in asked.partition("Table:")[0])
    if name == "North Wind":
        return "```sql\nSELECT 'something else'\n```"
    which = next(i for i, wording in enumerate(WORDINGS) if asked.startswith(wording.format(name)))
    return f"```sql\nSELECT {COLUMNS[which]} FROM ship WHERE name LIKE '{name}%'\n```"


def construct(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["construct", "database", *arguments])
    return ended.value.code


def counts_of(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def test_a_run_keeps_what_holds_and_counts_the_rest(tmp_path: Path, capsys):
    out = tmp_path / "made"
    with TeacherServer(teach) as server:
        options = ("--out", str(out), "--teacher", server.model, "--candidates", "30", "--similarity", "0.9")
        assert construct(*options, "--endpoint.price-prompt", "1", "--endpoint.price-completion", "2", "--json") == 0
        asked = len(server.requests)
    counts = counts_of(capsys)
    # Twelve sound ones of the first fifteen, of which those of one ship are solved differently; then all come again.
    assert counts["refused"] == {"duplicate": 12, "no_json": 4, "solver_disagrees": 3, "reference_failed": 1} | (
        {"duplicate": counts["refused"]["duplicate"]}
    )
    assert counts["tasks"] + sum(counts["refused"].values()) == counts["candidates"] == 30
    assert counts["tasks"] == 9
    assert counts["stopped"].startswith("the teacher has written 30 candidates")
    total = counts["spent"]["total"]
    assert (total["calls"], counts["spent"]["write"]["calls"], counts["spent"]["solve"]["calls"]) == (asked, 30, 12)
    assert total["usd"] == pytest.approx((100 * asked + 2 * 50 * asked) / 1e6)
    tasks = make("database", out / "train.jsonl").tasks("train")
    assert len(tasks) == 9
    row = json.loads((out / "train.jsonl").read_text().splitlines()[0])
    assert row["constructed"] == {"teacher": "teacher", "solver": "teacher"}
    refused = json.loads((out / "refused.json").read_text())
    assert refused["no_json"] == {
        "count": 4,
        "meaning": "the reply holds no JSON object",
        "example": "I had rather not.",
    }
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "127.0.0.1" not in (out / "train.jsonl").read_text()
    assert os.environ.get("OPENAI_API_KEY", "no key") not in written


def test_the_same_seed_gives_the_same_bytes_and_another_endpoint_is_not_asked(tmp_path: Path, capsys):
    files = []
    options = ("--tasks", "6", "--similarity", "0.9", "--batch", "4")
    for name in ("one", "two"):
        with TeacherServer(teach) as server:
            assert construct("--out", str(tmp_path / name), "--teacher", server.model, *options) == 0
        files.append((tmp_path / name / "train.jsonl").read_bytes())
    assert files[0] == files[1]
    assert len(files[0].splitlines()) == 6
    (tmp_path / "one").rename(tmp_path / "gone")
    gone = "http://127.0.0.1:9/v1#teacher"  # nobody answers there
    assert construct("--out", str(tmp_path / "one"), "--teacher", gone, *options) == 0
    assert (tmp_path / "one" / "train.jsonl").read_bytes() == files[0]
    assert "6 tasks of" in capsys.readouterr().out
    assert construct("--out", str(tmp_path / "other"), "--teacher", gone, *options) == 2
    assert "does not answer" in capsys.readouterr().err


def test_a_budget_stops_cleanly_and_a_larger_one_goes_on(tmp_path: Path, capsys):
    out = tmp_path / "made"
    with TeacherServer(teach) as server:
        options = ("--out", str(out), "--teacher", server.model, "--tasks", "6", "--similarity", "0.9", "--json")
        options += ("--max-tokens", "100", "--batch", "2")
        assert construct(*options, "--budget-tokens", "2000") == 0
        first = counts_of(capsys)
        assert 0 < first["tasks"] < 6
        assert first["stopped"].startswith("the budget of 2,000 tokens is used up")
        assert len((out / "train.jsonl").read_text().splitlines()) == first["tasks"]
        total = first["spent"]["total"]
        assert total["prompt"] + total["completion"] <= 2000
        before = len(server.requests)
        assert construct(*options, "--budget-tokens", "2000") == 0  # the same again asks nobody
        assert len(server.requests) == before
        capsys.readouterr()
        assert construct(*options, "--budget-tokens", "500000") == 0
        second = counts_of(capsys)
        whole = (out / "train.jsonl").read_bytes()
        keys = [json.dumps(request, sort_keys=True) for request in server.requests]
        assert len(keys) == len(set(keys)) == second["spent"]["total"]["calls"]  # nothing was asked twice
        assert construct("--out", str(tmp_path / "at-once"), *options[2:]) == 0
    assert (second["tasks"], second["stopped"]) == (6, "")
    assert (tmp_path / "at-once" / "train.jsonl").read_bytes() == whole


def test_a_dry_run_asks_nobody(tmp_path: Path, capsys):
    with TeacherServer(teach) as server:
        options = (
            "--out",
            str(tmp_path / "made"),
            "--teacher",
            server.model,
            "--tasks",
            "50",
            "--endpoint.price-prompt",
            "1",
        )
        assert construct(*options, "--dry-run", "--json") == 0
        found = counts_of(capsys)
        assert construct(*options, "--dry-run") == 0
        assert not server.requests
    assert found["calls"] == {"least": 100, "most": 1000}
    assert 0 < found["usd"]["least"] < found["usd"]["most"]
    assert "Write a new question" in found["first_prompt"][1]["content"]
    assert "Write a new question" in capsys.readouterr().out
    assert not (tmp_path / "made").exists()


def test_topics_seeds_and_a_second_model(tmp_path: Path, capsys):
    seeds = tmp_path / "dev.jsonl"
    own = {"description": "What is the crew of the ship called Royal Star?", "type": ["other"], "label": ["18"],
           "table": {"table_name": "t", "table_info": {"columns": [{"name": "a"}], "rows": [["1"]]}}}  # fmt: skip
    seeds.write_text(json.dumps(own))
    with TeacherServer(teach) as server, TeacherServer(lambda request: "```sql\nSELECT 1\n```") as other:
        options = ("--out", str(tmp_path / "made"), "--teacher", server.model, "--candidates", "15", "--json")
        options += ("--topics", "a harbour", "--seeds", str(seeds), "--similarity", "0.9")
        assert construct(*options, "--solver", other.model, "--solver-endpoint.price-completion", "4") == 0
        assert all(
            "of a harbour" in said(request) and own["description"] in said(request) for request in server.requests
        )
        assert len(other.requests) == 12 - 1  # the crew of the Royal Star is a seed
    counts = counts_of(capsys)
    assert (counts["tasks"], counts["refused"]["solver_disagrees"]) == (0, 11)
    assert not (tmp_path / "made" / "train.jsonl").exists()
    assert counts["spent"]["solve"]["usd"] == pytest.approx(11 * 50 * 4 / 1e6)
    assert counts["spent"]["write"]["usd"] == 0


def test_mistakes_are_told_in_a_line(tmp_path: Path, capsys):
    out = ("--out", str(tmp_path / "made"), "--teacher", "http://127.0.0.1:9/v1#m")
    for arguments, told in (
        (("--budget-usd", "1"), "budget_usd needs what tokens cost"),
        (("--source", str(tmp_path / "none")), "no such file or folder"),
        (("--source", str(tmp_path)), "no questions in it"),
        (("--tasks", "0"), "tasks must be at least 1"),
    ):
        assert construct(*out, *arguments) in (1, 2), arguments
        error = capsys.readouterr().err
        assert told in error
        assert "Traceback" not in error
    with pytest.raises(SystemExit):
        main(["construct", "operating_system", *out, "--source", str(tmp_path)])
    assert "is for the environment database" in capsys.readouterr().err


def test_the_page_has_every_reason():
    page = (Path(__file__).parent.parent / "docs" / "construct.md").read_text()
    for reason, meaning in REASONS.items():
        assert f"| `{reason}` | {meaning} |" in page


def test_settings_that_make_no_sense():
    for wrong, message in (
        ({"teacher": " "}, "teacher is empty"),
        ({"budget_usd": 1.0}, "needs what tokens cost"),
        ({"endpoint": EndpointConfig(budget_tokens=9)}, "give --budget-tokens"),
        ({"solver_endpoint": EndpointConfig(budget_usd=9, price_prompt=1)}, "give --budget-tokens"),
        ({"budget_tokens": 0}, "budget_tokens must be at least 1"),
        ({"similarity": 0.0}, "similarity is above 0"),
        ({"tasks": 0}, "tasks must be at least 1"),
        ({"databases": "x"}, "give it as --source"),
    ):
        with pytest.raises(BadInput, match=message):
            ConstructConfig(**{"teacher": "m", **wrong})


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_paid_twice(tmp_path: Path):
    def slowly(request: dict) -> str:
        time.sleep(0.15)
        return teach(request)

    with TeacherServer(slowly) as server:
        command = [sys.executable, "-m", "agenttuning", "construct", "database", "--out", str(tmp_path / "made")]
        command += ["--teacher", server.model, "--tasks", "6", "--similarity", "0.9", "--batch", "1"]
        replies = tmp_path / "made.replies" / "replies.jsonl"
        for enough in (3, 7, 11):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while not (replies.exists() and replies.read_bytes().count(b"\n") >= enough) and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert subprocess.run(command, capture_output=True, timeout=120).returncode == 0
        asked = [json.dumps(request, sort_keys=True) for request in server.requests]
        stored = replies.read_bytes().count(b"\n")
        assert stored == len(set(asked))
        assert len(asked) <= stored + 3  # at most the one that was under way at each kill
        whole = (tmp_path / "made" / "train.jsonl").read_bytes()
        assert construct("--out", str(tmp_path / "again"), *command[7:]) == 0
    assert (tmp_path / "again" / "train.jsonl").read_bytes() == whole


def test_an_endpoint_that_refuses_a_question_costs_that_question(tmp_path: Path, capsys):
    refused = {9, 12}  # not before the endpoint has answered anything
    out = ("--out", str(tmp_path / "made"), "--candidates", "15", "--similarity", "0.9", "--json")
    with TeacherServer(lambda request: 400 if request["seed"] in refused else teach(request)) as server:
        assert construct(*out, "--teacher", server.model) == 0
    counts = counts_of(capsys)
    assert (counts["refused"]["no_reply"], counts["spent"]["write"]["calls"]) == (2, 13)
    with TeacherServer(lambda request: 400) as server:
        assert construct("--out", str(tmp_path / "none"), *out[2:], "--teacher", server.model) == 2
        assert "refused the request" in capsys.readouterr().err
        assert len(server.requests) <= 8


@pytest.mark.slow
def test_a_small_model_writes_garbage_and_all_of_it_is_counted(tmp_path: Path, capsys):
    """The built-in model behind a real server: it hardly ever writes a problem, and nothing that it writes breaks
    anything."""
    pytest.importorskip("torch")
    from agenttuning import engines
    from agenttuning.conversation import Conversation, system, user
    from agenttuning.engines import Sampling

    with engines.make("smollm2-135m-instruct") as engine:

        def answer(request: dict) -> str:
            first, last = (message["content"] for message in request["messages"])
            conversation = Conversation((system(first), user(last)))
            sampling = Sampling(
                max_tokens=request["max_tokens"], temperature=request["temperature"], seed=request["seed"]
            )
            return engine.submit(conversation, sampling).result().text

        with TeacherServer(answer) as server:
            options = ("--candidates", "3", "--max-tokens", "48", "--json")
            assert construct("--out", str(tmp_path / "made"), "--teacher", server.model, *options) == 0
    counts = counts_of(capsys)
    assert counts["candidates"] == 3 == counts["tasks"] + sum(counts["refused"].values())


@pytest.mark.slow
def test_a_prompt_that_does_not_fit_is_counted_too(tmp_path: Path, capsys):
    """A tiny model with a context of 512 tokens, embedded."""
    pytest.importorskip("torch")
    import tiny

    model = tiny.write_model(tmp_path / "tiny")
    options = ("--candidates", "3", "--max-tokens", "16", "--engine", "transformers", "--json")
    assert construct("--out", str(tmp_path / "noise"), "--teacher", str(model), *options) == 0
    counts = counts_of(capsys)
    assert (counts["refused"], counts["spent"]["total"]["calls"]) == ({"no_reply": 3}, 0)
