"""Write docs/recipe.md from the code: the shipped recipes, and every key with its type, default and docstring.

python scripts/recipe_reference.py          write the file
python scripts/recipe_reference.py --check  end with status 1 where it is out of date
"""

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml
from written_page import written

from agenttuning.recipe import Recipe, load
from agenttuning.settings import docstrings, plain
from agenttuning.training.prediction import gigabytes, predict
from agenttuning.training.shape import shape_of

PAGE = Path(__file__).parent.parent / "docs" / "recipe.md"
RECIPES = Path(__file__).parent.parent / "recipes"
HEAD = """\
<!-- Written by scripts/recipe_reference.py from the code; `make docs` writes it again. -->
# The recipe

A recipe is one YAML file that says how a model becomes an agent, with a section for each stage:

<!-- file: small.yaml -->
```yaml
name: small
model: smollm2-135m-instruct
collect:
  environments: {database: 200}
mix:
  eta: 0.5
evaluate:
  held_in: {database: 50}
```

```bash
agenttuning run small.yaml --dry-run
```

<!-- not run: takes minutes -->
```bash
agenttuning run small.yaml
agenttuning run small.yaml train.learning_rate=5e-4 collect.environments.database=400
```

Every key has a default, and any of them can be overridden on the command line as `section.key=value`.
`--dry-run` prints the recipe with every default filled in and says which stages would run and why.
An unknown key, a value of the wrong type or out of range and an unknown environment or dialect are reported
before anything starts, all of them at once.

The same settings are options of the single commands: `train.learning_rate` is
`agenttuning train --learning-rate`.
"""
SHIPPED = """\
## Shipped recipes

A shipped recipe is found by its name. Its first lines say what it needs, the command that runs it, and what of a
paper's method is not here yet.

| recipe | model | method | needs | predicted |
|---|---|---|---|---|
"""
MEMORY = """\
The last column is the memory of training, on each GPU where there are any. `--dry-run` tells it part by part for a
recipe and its overrides, and what this machine has; `--gpus` asks for another machine than this one, and `--json`
gives the same to a program:

```bash
agenttuning run llama3.1-8b-full --dry-run --gpus 8
agenttuning run qwen3-4b-lora --dry-run --gpus 1 --json train.recompute_layers=2
```

No model is downloaded for it: the sizes of the best-known ones are built in, those of others are read from a
checkpoint's `config.json`. Training itself asks again, with its longest row, and ends before it loads anything where
weights, gradients and optimiser state alone are more than there is.
"""
FOOT = """\
## Where the keys go

A run's folder holds the resolved recipe as `recipe.yaml`, and each stage's `manifest.json` holds the settings it
was made with, hashes of its inputs, counts, seconds and peak memory. A stage runs again when its settings or its
inputs have changed. `concurrency`, `workers`, `recycle_episodes`, `recycle_memory`, `ray` and `endpoint` set only speed
and cost and do not count; raising the number of tasks in `collect.environments`, `evaluate.held_in`,
`evaluate.held_out` or `evaluate.hallucination`, or `collect.samples` or `collect.keep`, goes on from the episodes and
replies that are there.
"""


def page() -> str:
    """The whole file."""
    sections = [field for field in dataclasses.fields(Recipe) if dataclasses.is_dataclass(_kind(Recipe, field))]
    top = [field for field in dataclasses.fields(Recipe) if field not in sections]
    notes = docstrings(Recipe)
    parts = [HEAD, shipped(), MEMORY, "## Top level\n", table(Recipe, top)]
    for field in sections:
        parts += [
            f"## {field.name}\n",
            notes[field.name] + "\n",
            table(_kind(Recipe, field), dataclasses.fields(_kind(Recipe, field))),
        ]
    return "\n".join([*parts, FOOT])


def shipped() -> str:
    """The recipes as a Markdown table, with what their first lines ask for and the memory that is predicted."""
    rows = []
    for file in sorted(RECIPES.glob("*.yaml"), key=lambda file: (file.stem != "quickstart", file.stem)):
        recipe, text = load(file), file.read_text(encoding="utf-8")
        found = re.search(r"^# Needs +((\d+) GPUs? of \d+ GB)", text, re.MULTILINE)
        needs, gpus = (found[1], int(found[2])) if found else ("8 GB, no GPU", None)
        need = predict(recipe.train, shape_of(recipe.model), device="cuda" if gpus else "cpu", ranks=gpus or 1)
        name = f"[`{file.stem}`](../recipes/{file.name})"
        rows.append(f"| {name} | {recipe.model} | {recipe.train.method} | {needs} | {gigabytes(need.total)} |")
    return SHIPPED + "\n".join(rows) + "\n"


def table(cls: Any, fields: Any) -> str:
    """The fields as a Markdown table."""
    notes = {name: text.replace("|", r"\|") for name, text in docstrings(cls).items()}
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in fields:
        kind = _kind(cls, field)
        if dataclasses.is_dataclass(kind):
            inner = table(kind, dataclasses.fields(kind)).splitlines()[2:]
            rows += [row.replace("| `", f"| `{field.name}.", 1) for row in inner]
        else:
            rows.append(f"| `{field.name}` | {_type(kind)} | {_default(field)} | {notes[field.name]} |")
    return "\n".join(rows) + "\n"


def _kind(cls: Any, field: dataclasses.Field) -> Any:
    return get_type_hints(cls)[field.name]


def _type(hint: Any) -> str:
    """A type in a user's words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is dict:
        return f"name: {_type(inner[1])}"
    if origin in (tuple, list):
        return f"list of {_type(inner[0])}"
    if origin is not None:  # a union with None
        return " or ".join("empty" if one is type(None) else _type(one) for one in inner)
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[hint]


def _default(field: dataclasses.Field) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "the file's name"
    if value is None:
        return "empty"
    text = yaml.safe_dump(plain(value), default_flow_style=True).removesuffix("...\n").strip()
    return f"`{text}`"


if __name__ == "__main__":
    sys.exit(written(PAGE, page()))
