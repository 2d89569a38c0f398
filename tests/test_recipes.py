"""The shipped recipes: what their first lines say is what the command line makes of them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agenttuning.cli import application
from agenttuning.recipe import load

FILES = sorted((Path(__file__).parent.parent / "recipes").glob("*.yaml"))


def first_lines(file):
    """Word → what stands behind it, from lines as `# Run       agenttuning run quickstart`."""
    text = file.read_text(encoding="utf-8").partition("\n\n")[0]
    return dict(re.findall(r"^# ([A-Z][a-z]+) {2,}(.+)$", text, re.MULTILINE))


def run(line, *more):
    words = shlex.split(line)
    assert words[0] == "agenttuning"
    command = [sys.executable, "-m", "agenttuning", *words[1:], *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def recipe(request):
    return request.param


def test_its_plan_is_told_and_its_memory_fits_the_hardware(recipe):
    told = first_lines(recipe)
    done = run(told["Plan"], "--json")
    assert done.returncode == 0, done.stderr
    memory = json.loads(done.stdout)["memory"]
    gpus = re.match(r"(\d+) GPUs? of (\d+) GB", told["Needs"])
    if gpus:
        assert (memory["device"], memory["ranks"]) == ("cuda", int(gpus[1]))
        room = int(gpus[2])
    else:
        assert memory["ranks"] == 1
        room = int(re.search(r"(\d+) GB", recipe.read_text(encoding="utf-8"))[1])
    assert sum(memory["parts"].values()) == memory["total"] < 0.9 * room * 1e9
    if gpus or memory["device"] == "cpu":
        assert told["Memory"].startswith(f"{memory['total'] / 1e9:.1f} GB predicted")


def test_its_commands_are_understood(recipe):
    text = recipe.read_text(encoding="utf-8")
    lines = re.findall(r"^# .*?((?:torchrun .*?-m )?agenttuning \w+ .*)$", text, re.MULTILINE)
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line)
        arguments = words[words.index("agenttuning") + 1 :]
        application().parse_args(arguments, exit_on_error=False, print_error=False)
    assert f"-m agenttuning run {recipe.stem}\n" in text or f"agenttuning run {recipe.stem}\n" in text
    assert run(first_lines(recipe)["Override"], "--dry-run").returncode == 0


def test_its_run_is_called_as_the_file(recipe):
    assert load(recipe).name == recipe.stem


def test_a_dry_run_tells_what_training_needs_and_what_is_here():
    done = run("agenttuning run llama2-7b-agenttuning --dry-run --gpus 4")
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("training memory on each of 4 GPUs") :].splitlines()
    numbers = {line.rpartition(" ")[0].strip(): line.rpartition(" ")[2] for line in table if line[-1].isdigit()}
    assert numbers["optimizer"] == "13.48"  # two moments in float32, on a quarter of 6.74 billion weights
    assert sum(float(number) for name, number in numbers.items() if name != "total") == pytest.approx(
        float(numbers["total"]), abs=0.05
    )
    assert "and 27.0 GB of main memory on the first node" in done.stdout
    assert re.search(r"^(this machine has no GPU|available on this machine: [\d.]+ GB, .*)$", table[-1])


def test_a_model_that_is_not_here_is_no_mistake_of_a_dry_run():
    done = run("agenttuning run quickstart --dry-run --gpus 2 model=nobody/no-such-model")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("training memory on each of 2 GPUs: unknown: not downloaded\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--json"], "--json goes with --dry-run"),
        (["--gpus", "2"], "--gpus goes with --dry-run"),
        (["--dry-run", "--gpus", "0"], "--gpus must be at least 1"),
    ],
)
def test_options_of_a_dry_run_alone_are_told_so(options, told):
    done = run("agenttuning run quickstart", *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert told in done.stderr
