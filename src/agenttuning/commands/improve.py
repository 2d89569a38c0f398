"""`agenttuning improve`: rounds of play, rejection sampling, training and a dev score."""

import json as jsons
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning import improve as improving
from agenttuning.improve import ImproveConfig
from agenttuning.recipe import dump, load, made
from agenttuning.settings import plain
from agenttuning.tables import aligned


def improve(
    model: str,
    /,
    *overrides: str,
    out: Path,
    recipe: str | None = None,
    config: Annotated[ImproveConfig | None, Parameter(name="*", negative_iterable=())] = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Let a model play, train it on the best of what it did, and again, while its dev score rises.

    Parameters
    ----------
    model
        The model to begin with: built-in name, checkpoint folder or hub id.
    overrides
        Settings of a round as section.key=value, e.g. train.learning_rate=1e-3 or mix.eta=0.5.
    out
        The folder to write; the same command goes on in it.
    recipe
        A recipe whose settings a round has; where it plays and is measured is said here.
    dry_run
        Print the settings of a round and which stages would run and why; do nothing.
    json
        Print improve.json instead of a table; with --dry-run the recipe and the stages.
    """
    chosen, settings = load(recipe, overrides) if recipe else made("improve", overrides), config or ImproveConfig()
    if dry_run:
        rows = improving.plan(model, out, settings, chosen)
        resolved, missing = improving.resolved(model, settings, chosen)
        if json:
            told = [
                {"round": number, "stage": name, "writes": str(path), "runs": runs, "why": why}
                for number, name, path, runs, why in rows
            ]
            print(jsons.dumps({"recipe": plain(resolved), "left_out": missing, "stages": told}))
            return
        print(dump(resolved))
        for name, why in missing.items():
            print(f"left out: {name}: {why}\n")
        lines = [
            [str(number), name, str(path), "run" if runs else "skip", why] for number, name, path, runs, why in rows
        ]
        print(aligned([["round", "stage", "writes", "", "why"], *lines]))
        print("rounds end earlier where the dev score stops rising")
        return
    say = partial(print, file=sys.stderr) if json else print
    result = improving.improve(model, out, settings, chosen, say=say)
    print(jsons.dumps(result) if json else improving.improvement_table(result))
