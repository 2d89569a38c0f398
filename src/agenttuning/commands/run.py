"""`agenttuning run`: a recipe from its first stage to its report."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning import pipeline
from agenttuning.recipe import dump, load
from agenttuning.tables import aligned


def run(
    recipe: str,
    /,
    *overrides: str,
    root: Path = Path("runs"),
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a recipe.

    Parameters
    ----------
    recipe
        A recipe file, or the name of a shipped one.
    overrides
        Settings in place of the recipe's, as section.key=value.
    root
        Where runs live; this one in ROOT/NAME.
    dry_run
        Print the resolved recipe and which stages would run, and why; do nothing.
    """
    chosen = load(recipe, overrides)
    if dry_run:
        print(dump(chosen))
        rows = [
            [name, str(out), "run" if runs else "skip", why] for name, out, runs, why in pipeline.plan(chosen, root)
        ]
        print(aligned([["stage", "writes", "", "why"], *rows]))
        return
    pipeline.run(chosen, root)
