"""`agenttuning view`: trajectories in a browser, from a local page or as a folder to send."""

import json as jsons
import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.errors import BadInput
from agenttuning.progress import bar
from agenttuning.recipe import Recipe
from agenttuning.viewer.bundle import write_bundle
from agenttuning.viewer.index import Index
from agenttuning.viewer.server import Server
from agenttuning.viewer.tokens import Tokens


def view(
    *runs: Path,
    port: int = 0,
    open: bool = True,
    model: str | None = None,
    dialect: str | None = None,
    export: Path | None = None,
    limit: int = 10_000,
    json: Annotated[bool, Parameter(negative="", help="Print address and numbers as JSON.")] = False,
) -> None:
    """Browse trajectories: filter, search, compare before and after, see which tokens are trained.

    Parameters
    ----------
    runs
        A run's folder, an evaluation's folder or a file of trajectories; several are looked at together.
    port
        The port of 127.0.0.1 to serve the page at; by default a free one.
    open
        Open the page in your browser.
    model
        The model whose tokenizer shows the trained tokens; by default the run's own, where there is one.
    dialect
        How trajectories that name no dialect are written for that; by default as the run's recipe says.
    export
        Write the page with its data into this folder instead, to be opened from a disk or any web server. Trained
        tokens are written where --model is given.
    limit
        Export about this many trajectories at most, whole tasks, evenly chosen.
    """
    if not runs:
        raise BadInput("give what to look at: agenttuning view RUN")
    if limit < 1:
        raise BadInput(f"limit must be at least 1, found {limit}")
    with bar("index") as progress:
        index = Index.of(runs, progress)
    written = dialect or _dialect_of(runs)
    _tell(index)
    if export is not None:
        tokens = Tokens(model, written) if model else None
        with bar("export") as progress:
            counts = write_bundle(index, export, tokens=tokens, limit=limit, progress=progress)
        page = export / "index.html"
        left = f", {counts['left_out']} left out (--limit)" if counts["left_out"] else ""
        print(
            jsons.dumps({"page": str(page), **counts})
            if json
            else f"{page}: {counts['trajectories']} trajectories{left}"
        )
        return
    named = model or _model_of(runs)
    with Server(index, Tokens(named, written) if named else None, port) as server:
        if json:
            bad = sum(one["count"] for one in index.bad())
            print(jsons.dumps({"url": server.url, "trajectories": index.total, "bad": bad}), flush=True)
        else:
            print(f"{server.url}  {index.total} trajectories; Ctrl-C ends", flush=True)
        if open and _has_screen():
            webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _tell(index: Index) -> None:
    """Name what could not be read."""
    for one in index.bad():
        print(f"{one['file']}: {one['count']} left out ({one['reason']}), e.g. {one['examples'][0]}", file=sys.stderr)


def _model_of(runs: tuple[Path, ...]) -> str | None:
    """The tuned model of the run, where its tokenizer lies there."""
    found = (run / "model" / "merged" for run in runs)
    return next((str(folder) for folder in found if (folder / "tokenizer_config.json").is_file()), None)


def _dialect_of(runs: tuple[Path, ...]) -> str:
    import yaml

    for run in runs:
        with suppress(OSError, ValueError, yaml.YAMLError, AttributeError):
            found = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8")).get("dialect")
            if isinstance(found, str):
                return found
    return Recipe.dialect


def _has_screen() -> bool:
    """Whether a browser would open in a window; in a terminal it would take the terminal away."""
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
