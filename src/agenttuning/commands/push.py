"""`agenttuning push`: a model, an adapter or a data set on a hub, with its card; or as the exact folder, offline."""

import json as jsons
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.commands.formats import settings_of
from agenttuning.corpus.formats import WriteConfig
from agenttuning.errors import BadInput
from agenttuning.known_models import KNOWN, KnownModel, of_folder
from agenttuning.licences import spelled
from agenttuning.progress import bar
from agenttuning.publishing.folder import write_dataset, write_weights
from agenttuning.publishing.found import Found, find, scores_of
from agenttuning.publishing.funnel import dataset_limits, funnel
from agenttuning.publishing.model_card import Card, model_card
from agenttuning.publishing.rows import checked
from agenttuning.publishing.target import Target, What, target
from agenttuning.publishing.upload import check_ready, upload
from agenttuning.tables import aligned

_FOLDERS = re.compile(
    r'(?<=")(?:~|[A-Za-z]:)?/(?:[^"/]*/)*(?=[^"/]+")'
)  # of a path: where files lie is nobody's business


def push(
    source: Path,
    /,
    *,
    to: str,
    what: What,
    out: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    public: Annotated[bool, Parameter(negative="")] = False,
    license: str | None = None,
    base: str | None = None,
    title: str = "",
    about: str = "",
    scores: Path | None = None,
    rows: tuple[Path, ...] = (),
    allow_licenses: tuple[str, ...] = (),
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Publish what a run made: write the folder with its card, and upload it unless --dry-run is given.

    The key is HF_TOKEN or that of `hf auth login`, MODELSCOPE_API_TOKEN or that of `ms login`; it is no option here.

    Parameters
    ----------
    source
        A run, what `train` wrote, a checkpoint; for a data set also files of rows.
    to
        hf:USER/NAME for Hugging Face, ms:USER/NAME for ModelScope.
    what
        model (the merged weights), adapter (LoRA), or dataset (kept episodes and corpus).
    out
        Keep the folder here. With --dry-run published/NAME by default.
    dry_run
        Write the folder, upload nothing: no connection, no key.
    public
        For everybody to see; private by default.
    license
        The licence of what is published. [default: the start model's, or those of the rows]
    base
        The start model: its hub id or short name. [default: the one that the training names]
    title
        The card's title. [default: NAME]
    about
        dataset: where the data come from, one sentence.
    scores
        What `evaluate` wrote of this model. [default: the run's]
    rows
        The rows that it was trained on, for their licences. [default: the run's]
    allow_licenses
        Licences that forbid training on their rows and are allowed nevertheless, by name.
    json
        Print one JSON object.
    """
    goal = target(to)
    keep = out or (Path("published") / goal.name if dry_run else None)
    if keep is not None and keep.exists():
        raise BadInput(f"{keep}: is there already; remove it, or give another folder with --out")
    found = find(source, what)
    if what == "dataset" and (scores or rows or base):
        raise BadInput("--scores, --rows and --base go with a model or an adapter; leave them out")
    if scores:
        found = replace(found, scores=scores_of(scores), before={}, comparison={})
    found = replace(found, rows=rows or found.rows)
    if not dry_run:
        check_ready(goal)
    beside = None if keep is None else keep.parent  # links to weights need the same file system
    if beside:
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agenttuning-", dir=beside) as scratch:
        folder = Path(scratch) / goal.name
        folder.mkdir()
        report = _write(found, folder, goal, license, base, title, about, allow_licenses)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if keep is not None:
            folder = Path(shutil.move(folder, keep))
        address = None if dry_run else upload(folder, goal, what, public=public)
    place = None if keep is None else str(keep)
    if json:
        print(jsons.dumps({"folder": place, "address": address, "bytes": size, **report}))
        return
    print(aligned([["in the folder", ""], *([name, ""] for name in report["written"])]))
    if report["left_out"]:
        print(f"left out: {', '.join(report['left_out'])}")
    seen = "public" if public else "private"
    print(f"{place or goal.name}: {len(report['written'])} files, {size / 1e6:.1f} MB")
    print(
        f"{address}: uploaded, {seen}"
        if address
        else f"nothing was uploaded; without --dry-run: {goal.address(what)}, {seen}"
    )


def _write(
    found: Found,
    folder: Path,
    goal: Target,
    license: str | None,
    base: str | None,
    title: str,
    about: str,
    allowed: Sequence[str],
) -> dict[str, list[str]]:
    with bar("push") as progress:
        rows = checked(found.rows, allowed, progress) if found.rows else None
        if found.what == "dataset" and rows:
            config = WriteConfig(
                license=license,
                source=about,
                title=title or goal.name,
                settings={name: _FOLDERS.sub("", text) for name, text in settings_of(found.rows).items()},
                sections=tuple(section for section in (funnel(found), dataset_limits(found, rows)) if section),
            )
            return write_dataset(found, folder, config, progress)
    known, name = _start(base or found.base, goal)
    if found.what == "adapter" and name is None:
        raise BadInput(
            f"{found.folder}: an adapter without its start model's hub id serves nobody; give --base OWNER/NAME"
        )
    if not (license or known):
        raise BadInput(
            f"the licence of {name or found.base or 'the start model'} is not known here; say under which licence this "
            "is published, which may not be wider than the start model's: --license NAME"
        )
    card = Card(goal.repository, spelled(license or (known.licence if known else "")), name, known, title, rows)
    return write_weights(found, folder, model_card(found, card), base=name, repository=goal.repository)


def _start(base: str | None, goal: Target) -> tuple[KnownModel | None, str | None]:
    """The start model where it is a known one, and its id on the hub, None where it has none."""
    if base is None:
        return None, None
    known = KNOWN.get(base) or next((m for m in KNOWN.values() if base in (m.hub, f"modelscope:{m.modelscope}")), None)
    local = Path(base).expanduser()
    if known is None and (local.is_absolute() or local.is_dir()):
        known = of_folder(local) or KNOWN.get(local.name)
        if known is None:
            return None, None
    if known is not None:
        return known, (known.modelscope if goal.hub == "ms" else None) or known.hub
    name = base.removeprefix("modelscope:")
    return None, name if name.count("/") == 1 and not name.startswith(".") else None
