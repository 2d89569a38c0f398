"""The command line: quick to start, an example for each command, and one line for what the user can mend."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from corpus_rows import chat, episode

from agenttuning.atif import write_trajectories
from agenttuning.cli import COMMANDS
from agenttuning.files import read_json, write_jsonl

NAMES = [name for commands in COMMANDS.values() for name, *_ in commands]
HEAVY = {"torch", "transformers", "openvino", "openvino_genai", "numpy", "openai", "jinja2", "sqlglot"}


def agenttuning(*arguments, cwd=None, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", "agenttuning.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        timeout=120,
        env=os.environ | {"COLUMNS": "100"},
    )


def modules_after(*arguments):
    code = (
        "import sys; from agenttuning.cli import main\n"
        f"try: main({list(arguments)!r})\n"
        "except SystemExit: pass\n"
        "print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy():
    found = modules_after("--help")
    assert "cyclopts" in found
    assert not found & HEAVY


@pytest.mark.parametrize("name", ["run", "collect", "import", "train", "show", "doctor", "sweep alpha"])
def test_a_commands_help_imports_nothing_heavy(name):
    assert not modules_after(*name.split(), "--help") & HEAVY - {"openai", "jinja2"}


def test_a_dry_run_imports_nothing_heavy():
    found = modules_after("run", "llama2-7b-agenttuning", "--dry-run", "--gpus", "4")
    assert "agenttuning" in found
    assert not found & HEAVY - {"openai", "jinja2"}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(name):
    done = agenttuning(*name.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert f"\n  agenttuning {name}" in done.stdout
    assert "\033" not in done.stdout


def test_no_arguments_show_the_help():
    done = agenttuning()
    assert done.returncode == 0
    assert all(f" {name.split()[0]} " in done.stdout for name in NAMES)


BAD = [
    (["trin"], "Did you mean \"train\"?"),
    (["mix", "a.jsonl", "--out", "x", "--ete", "1"], "--ete"),
    (["run", "quikstart"], "did you mean 'quickstart'?"),
    (["run", "quickstart", "--dry-run", "train.epoch=2"], "train.epoch: unknown key; did you mean 'epochs'?"),
    (["run", "recipe.yaml", "--dry-run"], "recipe.yaml: colect: unknown key; did you mean 'collect'?"),
    (["validate", "databse"], "did you mean 'database'?"),
    (["play", "databse"], "did you mean 'database'?"),
    (["validate", "database", "--data", "nothing.jsonl"], "nothing.jsonl: no such file"),
    (["collect", "--out", "t", "--environments.databse", "2"], "did you mean 'database'?"),
    (["collect", "--out", "t", "--environments.database", "two"], "two"),
    (["filter", "nothing", "--out", "x"], "nothing: no such file or folder"),
    (["filter", "broken.jsonl", "--out", "x"], "broken.jsonl:2: not JSON"),
    (["filter", "chat.jsonl", "--out", "x"], "chat.jsonl:1: field 'schema_version' is missing"),
    (["filter", "good.jsonl", "--out", "x", "--min-reward", "3"], "min_reward"),
    (["mix", "good.jsonl", "--out", "x", "--eta", "3"], "eta is a share"),
    (["mix", "good.jsonl", "--out", "x", "--dialect", "rect", "--eta", "1"], "unknown dialect 'rect'"),
    (["mix", "good.jsonl", "--out", "x", "--general", "good.jsonl"], "good.jsonl:1: expected a 'messages'"),
    (["lint"], "lint: no files"),
    (["lint", "chat.jsonl", "--rule", "lop"], "rule: no rule is called 'lop'; did you mean 'loop'?"),
    (["lint", "chat.jsonl", "--fix", "drop"], "--fix and --out belong together"),
    (["lint", "chat.jsonl", "--fix", "mend", "--out", "x"], "mend"),
    (["lint", "nothing.jsonl"], "nothing.jsonl: no JSONL files there"),
    (["show", "chat.jsonl", "--row", "9"], "no row number 9; the file has 3 rows"),
    (["show", "nothing.jsonl"], "nothing.jsonl: No such file"),
    (["train", "chat.jsonl", "--out", "m", "--model", "no-such-model"], "unknown model 'no-such-model'"),
    (["chat", "./nowhere"], "no such folder"),
    (["compare", "chat.jsonl", "chat.jsonl"], "not JSON"),
    (["report", "nowhere"], "no such run"),
    (["merge", ".", "--out", "merged"], "config.json or adapter_config.json is no checkpoint"),
    (["sweep", "alpha", "./none", "--out", "s", "--held-in.database", "2"], "no such folder"),
    (["sweep", "alpha", "./none", "--out", "s", "--values", "0,half"], "values: 'half' is no number"),
    (["sweep", "alfa", "."], "Did you mean \"alpha\"?"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    write_trajectories(folder / "good.jsonl", [episode(i, outcome="failed" if i == 3 else "solved") for i in range(8)])
    (folder / "broken.jsonl").write_text((folder / "good.jsonl").read_text().split("\n")[0] + "\n{broken\n")
    write_jsonl(folder / "chat.jsonl", [chat(i) for i in range(3)])
    (folder / "recipe.yaml").write_text("colect: {}\n")
    return folder


@pytest.mark.parametrize(("arguments", "told"), BAD, ids=[" ".join(a) for a, _ in BAD])
def test_what_the_user_can_mend_is_one_line(folder, arguments, told):
    done = agenttuning(*arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "\033" not in done.stderr + done.stdout


def test_filter_then_mix(folder):
    done = agenttuning("filter", "good.jsonl", "--out", "filtered", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["database", "8", "8", "7", "1"]
    for said in ("corpus written in", "done before, corpus is up to date"):
        done = agenttuning(
            "mix",
            "filtered/kept.jsonl",
            "--out",
            "corpus",
            "--eta",
            "0.5",
            "--general",
            "chat.jsonl",
            cwd=folder,
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert read_json(folder / "corpus" / "funnel.json")["mixture"]["rows"] == 14
    assert len((folder / "corpus" / "corpus.jsonl").read_text().splitlines()) == 14


def test_stopped_by_hand_it_goes_on_with_the_same_command(tmp_path):
    command = ["collect", "--out", "t", "--environments.database", "400"]
    # A shell that starts the tests in its background has them ignore the signal.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{heed}from agenttuning.cli import main; main()", *command],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    journal = tmp_path / "t.partial" / "database.jsonl.partial"
    while not (journal.exists() and journal.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "stopped; run the same command to go on\n")
    done = len(journal.read_text().splitlines())
    assert 0 < done < 400
    again = agenttuning(*command, cwd=tmp_path)
    assert "goes on where it was stopped" in again.stdout
    rows = [json.loads(line) for line in (tmp_path / "t" / "database.jsonl").read_text().splitlines()]
    assert len({row["trajectory_id"] for row in rows}) == len(rows) == 400


def test_a_dry_run_says_what_would_run_and_writes_nothing(folder):
    before = sorted(folder.rglob("*"))
    done = agenttuning("run", "quickstart", "--dry-run", "collect.environments={database: 7}", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "    database: 7\n" in done.stdout
    stages = [line.split()[0] for line in done.stdout.splitlines() if "  run  " in line]
    assert stages == [
        "collect", "filter", "deduplicate", "mix", "decontaminate", "train", "evaluate", "evaluate", "report",
    ]  # fmt: skip
    assert sorted(folder.rglob("*")) == before


def test_environments_and_doctor_speak_json():
    for command, keys in (
        ("environments", {"name", "held", "metric", "max_turns", "installed", "install", "summary"}),
        ("doctor", {"what", "works", "found", "mend"}),
    ):
        done = agenttuning(command, "--json")
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert rows
        assert all(row.keys() == keys for row in rows)


LACKING = '''
from agenttuning.errors import MissingProgram

class Lacking:
    """Never runs."""
    packages = ("no_such_package",)

class Barred:
    """Never runs either."""
    held, metric, max_turns = "in", "reward", 3

    @classmethod
    def check(cls):
        raise MissingProgram("there is no such-program here", "apt-get install such-program")
'''


@pytest.fixture
def lacking(tmp_path):
    """The command with two environments more that cannot run."""
    (tmp_path / "lacking.py").write_text(LACKING)
    metadata = tmp_path / "lacking-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lacking\nVersion: 1\n")
    entries = "[agenttuning.environments]\nlacking = lacking:Lacking\nbarred = lacking:Barred\n"
    (metadata / "entry_points.txt").write_text(entries)

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "agenttuning", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return command


def test_an_environment_says_what_it_is_or_what_it_lacks(lacking):
    done = lacking("environments", "--json")
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["hotpotqa"]["installed"]
    assert rows["hotpotqa"]["summary"].startswith("Answer questions")
    assert not rows["lacking"]["installed"]
    assert rows["lacking"]["install"] == "pip install 'agenttuning[environments]'"
    assert "no_such_package" in rows["lacking"]["summary"]
    assert not rows["barred"]["installed"]
    assert rows["barred"]["install"] == "apt-get install such-program"
    assert rows["barred"]["summary"] == "there is no such-program here"


def test_an_optional_environment_that_cannot_run_is_left_out_and_said_so(lacking):
    overrides = ["collect.environments={database: 3, barred: 2}", "evaluate.held_in={barred: 2, database: 4}"]
    done = lacking("run", "quickstart", "--dry-run", *overrides)
    assert done.returncode == 0, done.stderr  # not optional: a run would stop at its first stage
    assert "barred: 2" in done.stdout
    done = lacking(
        "run",
        "quickstart",
        "--dry-run",
        "--json",
        "optional=[lacking, barred]",
        *overrides,
        "evaluate.held_out={lacking: 1}",
    )
    plan = json.loads(done.stdout)
    assert plan["recipe"]["collect"]["environments"] == {"database": 3}
    assert plan["recipe"]["evaluate"]["held_in"] == {"database": 4}
    assert plan["left_out"]["barred"] == "there is no such-program here; run: apt-get install such-program"
    assert "no_such_package" in plan["left_out"]["lacking"]
    done = lacking("run", "quickstart", *overrides)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("there is no such-program here; run: apt-get install such-program\n")
    done = lacking("run", "quickstart", "--dry-run", "optional=[barrd]")
    assert "did you mean 'barred'?" in done.stderr


def test_validate_prints_one_object_for_an_environment():
    done = agenttuning("validate", "database", "--limit", "3", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert row == {
        "environment": "database",
        "tasks": 9,
        "solved": 9,
        "mean_reward": 1.0,
        "failures": [],
        "skipped": [],
    }


def test_play_shows_tools_and_mistakes_and_can_be_left():
    typed = ["help", "nonsense", "2 {broken", "sql SELECT 6 * 7", "quit"]
    done = agenttuning("play", "database", stdin="\n".join(typed) + "\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" 1. sql {query}  (") == 2
    assert "I do not know the command 'nonsense'" in done.stdout
    assert "The arguments are not a JSON object" in done.stdout
    assert "42" in done.stdout
    assert done.stdout.endswith("left the task unfinished\n")


def test_play_follows_the_expert_to_the_end():
    """Ask for the gold step, type it, and so on, as a person would."""
    typed = []
    for _ in range(12):
        done = agenttuning("play", "database", "--level", "easy", stdin="\n".join([*typed, "expert"]) + "\n")
        assert done.returncode == 0, done.stderr
        gold = [line for line in done.stdout.splitlines() if line.startswith("Action: ")]
        if "solved, reward 1" in done.stdout or not gold:
            break
        typed.append(gold[-1].removeprefix("Action: "))
    assert typed
    assert "solved, reward 1" in done.stdout
