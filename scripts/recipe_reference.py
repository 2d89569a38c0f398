"""Write docs/recipe.md from the recipe's dataclasses: every key, its type and default, and its docstring.

python scripts/recipe_reference.py          write the file
python scripts/recipe_reference.py --check  end with status 1 where it is out of date
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from agenttuning.recipe import Recipe
from agenttuning.settings import docstrings, plain

PAGE = Path(__file__).parent.parent / "docs" / "recipe.md"
HEAD = """\
<!-- Written by scripts/recipe_reference.py from the code; `make docs` writes it again. -->
# The recipe

A recipe is one YAML file that says how a model becomes an agent, with a section for each stage:

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
agenttuning run small.yaml
agenttuning run small.yaml train.learning_rate=5e-4 collect.environments.database=400
```

Every key has a default, and any of them can be overridden on the command line as `section.key=value`.
`--dry-run` prints the recipe with every default filled in and says which stages would run and why.
An unknown key, a value of the wrong type or out of range and an unknown environment or dialect are reported
before anything starts, all of them at once. The shipped recipe [`quickstart`](../recipes/quickstart.yaml) is
found by its name.

The same settings are options of the single commands: `train.learning_rate` is
`agenttuning train --learning-rate`.
"""
FOOT = """\
## Where the keys go

A run's folder holds the resolved recipe as `recipe.yaml`, and each stage's `manifest.json` holds the settings it
was made with, hashes of its inputs, counts, seconds and peak memory. A stage runs again when its settings or its
inputs have changed. `concurrency` and `workers` set only the speed and do not count; raising the number of tasks
in `collect.environments`, `evaluate.held_in` or `evaluate.held_out` goes on from the episodes that are there.
"""


def page() -> str:
    """The whole file."""
    sections = [field for field in dataclasses.fields(Recipe) if dataclasses.is_dataclass(_kind(Recipe, field))]
    top = [field for field in dataclasses.fields(Recipe) if field not in sections]
    notes = docstrings(Recipe)
    parts = [HEAD, "## Top level\n", table(Recipe, top)]
    for field in sections:
        parts += [
            f"## {field.name}\n",
            notes[field.name] + "\n",
            table(_kind(Recipe, field), dataclasses.fields(_kind(Recipe, field))),
        ]
    return "\n".join([*parts, FOOT])


def table(cls: Any, fields: Any) -> str:
    """The fields as a Markdown table."""
    notes = {name: text.replace("|", r"\|") for name, text in docstrings(cls).items()}
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in fields:
        rows.append(f"| `{field.name}` | {_type(_kind(cls, field))} | {_default(field)} | {notes[field.name]} |")
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


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE}: out of date; run: make docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
