"""Every code block of the pages does what it says: run where it can run here, and else with a reason that is known.

The tutorial comes first: what it leaves (runs/tutorial) is what the other pages go on from.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from docs_blocks import LANGUAGES, PAGES, REASONS, ROOT, Block, blocks

from agenttuning.recipe import load

FIRST = "docs/tutorial.md"
# Programs besides agenttuning that a block may call.
PROGRAMS = {"make", "pip", "python", "export", "cat", "head", "curl", "lm_eval", "tensorboard", "torchrun"}


def runs(block: Block) -> bool:
    return block.reason is None and (block.language in ("bash", "python") or block.file is not None)


def test_no_block_is_overlooked():
    """A fence that is indented, or in a language that is not looked at, would be."""
    for page in PAGES:
        fences = re.findall(r"^[ >]*(?:```|~~~)+(\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(fences) <= {*LANGUAGES, "text", "json"}, page
        name = page.relative_to(ROOT).as_posix()
        assert sum(language in LANGUAGES for language in fences) == sum(block.page == name for block in blocks()), page


def test_a_block_that_is_not_run_says_why():
    wrong = [f"{b.where}: {b.note}" for b in blocks() if b.reason and not b.reason.startswith(REASONS)]
    assert not wrong, f"no known reason; see REASONS in tests/docs_blocks.py: {wrong}"
    strange = [
        f"{b.where}: {b.note}"
        for b in blocks()
        if b.note
        and not re.match(r"(not run|file): \S|run by tests/\w+\.py$|ends with status [12]$|Written by", b.note)
    ]
    assert not strange, strange
    for block in blocks():
        if block.test:
            assert block.page in (ROOT / block.test).read_text(encoding="utf-8"), (
                f"{block.where}: {block.test} reads it not"
            )
    assert sum(runs(block) for block in blocks()) >= 20


def test_blocks_of_shell_call_only_programs_that_are_known():
    wrong = []
    for block in blocks():
        if block.language != "bash":
            continue
        for line in block.lines:
            words = [word for word in line.split() if not re.match(r"[A-Z_]+=", word)]
            if words[0] != "agenttuning" and words[0] not in PROGRAMS:
                wrong.append(f"{block.where}: {line}")
            if words[0] == "python" and words[1].endswith(".py") and not (ROOT / words[1]).is_file():
                wrong.append(f"{block.where}: no such script: {words[1]}")
    assert not wrong, wrong


def test_blocks_of_python_and_yaml_are_well_formed(tmp_path: Path):
    for block in blocks():
        if block.language == "python":
            compile(block.text, block.where, "exec")
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml" and not block.where.startswith("README"):
            assert isinstance(yaml.safe_load(block.text), dict | list), block.where
            if block.reason and "a recipe" in block.reason:
                recipe = tmp_path / "recipe.yaml"
                recipe.write_text(block.text)
                load(recipe, ["name=part"])  # raises where a key or a value is wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The shared folder, with what the tutorial leaves there."""
    shared = tmp_path_factory.mktemp("docs")
    run_page(FIRST, shared)
    return shared


def run_page(page: str, folder: Path) -> None:
    for block in blocks():
        if block.page == page and runs(block):
            run(block, folder)


def run(block: Block, folder: Path) -> None:
    if block.file:
        target = folder / block.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text)
        if block.language == "toml":
            register(tomllib.loads(block.text), folder)
        return
    command = ["bash", "-euo", "pipefail", "-c", block.text]
    if block.language == "python":
        command = [sys.executable, "-c", block.text]
    paths = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(folder)}
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
    )
    assert answer.returncode == block.status, f"{block.where}: {answer.stdout[-2000:]}\n{answer.stderr[-2000:]}"


def register(project: dict, folder: Path) -> None:
    """What `pip install -e .` does with entry points: a folder beside the module that says which there are."""
    points = project.get("project", {}).get("entry-points", {})
    about = folder / "docs_example-1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: docs_example\nVersion: 1\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in points.items()]
    (about / "entry_points.txt").write_text("\n".join(lines))


@pytest.mark.slow
def test_the_tutorial_leaves_a_tuned_model_scores_and_a_report(folder: Path):
    run_ = folder / "runs" / "tutorial"
    assert (run_ / "model" / "merged" / "model.safetensors").is_file()
    assert json.loads((run_ / "evaluation" / "tuned" / "scores.json").read_text())["environments"]["database"]["n"] == 2
    assert "<html" in (run_ / "report.html").read_text()


PAGES_RUN = sorted({block.page for block in blocks() if runs(block)} - {FIRST})


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_RUN)
def test_the_blocks_of_a_page_run(page: str, folder: Path):
    run_page(page, folder)


@pytest.mark.slow
def test_an_environment_of_forty_lines_is_collected_validated_and_evaluated(folder: Path):
    page = "docs/own-environment.md"
    (source,) = [block for block in blocks() if block.page == page and block.file == "guess.py"]
    assert len(source.text.splitlines()) <= 40
    assert (folder / "guess.py").read_text() == source.text  # the page was run above
    scores = json.loads((folder / "guess-scores" / "scores.json").read_text())["environments"]["guess"]
    assert (scores["n"], scores["held"]) == (2, "out")
    episodes = (folder / "guess-episodes" / "guess.jsonl").read_text().splitlines()
    assert [json.loads(line)["extra"]["outcome"] for line in episodes] == ["solved"] * 6
