"""The exact folder that a hub gets; nothing that is not in it is uploaded.

    README.md                     the card
    model.safetensors, *.json …   a checkpoint's files, by hard link where the disk can
    data/*.jsonl                  of a data set
    LICENSE*, NOTICE*             where they lie beside the weights
    scores.json                   as `evaluate` wrote it, under the published name

Weights are only taken as safetensors: a pickle can run code on whoever loads it. Paths of this machine are replaced in
the files that name the start model.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.corpus.formats import WriteConfig
from agenttuning.corpus.formats.hub import Hub
from agenttuning.errors import BadInput
from agenttuning.files import atomic_write, read_json, write_json
from agenttuning.progress import Progress
from agenttuning.publishing.found import Found
from agenttuning.publishing.rows import read_items

_TAKEN = ("*.safetensors", "*.json", "*.model", "*.jinja", "*.txt", "LICENSE*", "NOTICE*", "USE_POLICY*")
_OURS = frozenset({"manifest.json", "training.json", "scores.json", "README.md"})
# Where a file of a checkpoint names the model that it came from, which may be a path of this machine.
_NAMES_BASE = {"config.json": "_name_or_path", "adapter_config.json": "base_model_name_or_path"}


def write_weights(found: Found, out: Path, card: str, *, base: str | None, repository: str) -> dict[str, list[str]]:
    """Write a model's or adapter's folder; returns the names `written` and `left_out`.

    Raises BadInput where there are no weights to take.
    """
    assert found.folder is not None
    written, left = [], []
    files = sorted(path for path in found.folder.iterdir() if path.is_file() and path.name not in _OURS)
    taken = [path for path in files if any(path.match(pattern) for pattern in _TAKEN)]
    if not any(path.suffix == ".safetensors" for path in taken):
        raise BadInput(
            f"{found.folder}: no *.safetensors there; save the weights in that form, others are not published"
        )
    for path in files:
        if path not in taken:
            left.append(path.name)
            continue
        if key := _NAMES_BASE.get(path.name):
            _write_renamed(path, out / path.name, key, base)
        else:
            _link(path, out / path.name)
        written.append(path.name)
    if found.scores:
        write_json(out / "scores.json", {**found.scores, "model": repository})
        written.append("scores.json")
    with atomic_write(out / "README.md") as stream:
        stream.write(card)
    return {"written": sorted([*written, "README.md"]), "left_out": left}


def write_dataset(
    found: Found, out: Path, config: WriteConfig, progress: Progress | None = None
) -> dict[str, list[str]]:
    """Write a data set's folder, card included."""
    Hub().write_folder((item for _, item in read_items(found.rows, progress)), out, config, Counter())
    return {"written": sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()), "left_out": []}


def _write_renamed(source: Path, out: Path, key: str, base: str | None) -> None:
    content: Mapping[str, Any] = read_json(source)
    if key in content:
        content = {**content, key: base} if base else {name: value for name, value in content.items() if name != key}
    with atomic_write(out) as stream:
        stream.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _link(source: Path, out: Path) -> None:
    """A hard link costs no space; on another file system it is a copy. A cache's links are followed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = source.resolve()
    try:
        os.link(whole, out)
    except OSError:
        shutil.copyfile(whole, out)
