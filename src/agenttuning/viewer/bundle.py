"""A folder with the page and its data, to be opened from a disk or put on any web server.

    index.html  style.css  *.js     the page, the same as the server's
    data/index.js                   the list
    data/part-0000.js …             the trajectories, PART a file, loaded as they are looked at

A page that is opened from a disk may load scripts and nothing else, so the data are scripts. Of a run with more
trajectories than `limit` whole tasks are left out, evenly, and the page says how many.

>>> write_bundle(index, Path("viewer"), tokens=None, limit=10_000)
{'trajectories': 1520, 'left_out': 0}
"""

import json
import shutil
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput, UserError
from agenttuning.files import atomic_write, disk_error
from agenttuning.progress import Progress
from agenttuning.viewer import document as documents
from agenttuning.viewer.index import Index
from agenttuning.viewer.server import PAGE, about, page_file
from agenttuning.viewer.tokens import Tokens

PART = 100  # trajectories of a file
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def write_bundle(
    index: Index,
    out: Path,
    *,
    tokens: Tokens | None,
    limit: int,
    progress: Progress = lambda done, total, text: None,
) -> dict[str, int]:
    """Write the folder `out`; `tokens` also writes which tokens are trained. Raises BadInput where `out` holds
    something else already."""
    if out.exists() and not (out / "data" / "index.js").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: is there already and is no exported viewer; give the name of a new folder")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / "data").mkdir(parents=True)
        for name in PAGE:
            (partial / name).write_bytes(_page(name))
        rows = _kept(index, limit)
        for number, start in enumerate(range(0, len(rows), PART)):
            part = [_whole(index, row, tokens) for row in rows[start : start + PART]]
            _script(partial / "data" / f"part-{number:04}.js", "part", part)
            progress(start + len(part), len(rows), "")
        _script(partial / "data" / "index.js", "data", _list(index, rows, tokens))
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    except OSError as error:
        raise disk_error(error, out) from error
    return {"trajectories": len(rows), "left_out": index.total - len(rows)}


def _kept(index: Index, limit: int) -> list[dict[str, Any]]:
    """The rows to write: all, or those of evenly chosen tasks, at most `limit`."""
    rows = list(index.rows())
    if len(rows) <= limit:
        return rows
    tasks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        tasks.setdefault((row["environment"], row["task"]), []).append(row)
    share = limit / len(rows)
    kept: list[dict[str, Any]] = []
    for i, own in enumerate(tasks.values()):
        if int((i + 1) * share) > int(i * share) and len(kept) + len(own) <= limit:
            kept += own
    return sorted(kept or rows[:limit], key=itemgetter("id"))


def _whole(index: Index, row: Mapping[str, Any], tokens: Tokens | None) -> dict[str, Any]:
    document = index.document(row["id"])
    found = {**documents.detail(document), "where": Path(row["place"]).name}
    if tokens is not None:
        try:
            found["tokens"] = tokens.of(document)
        except UserError as error:
            found["tokens"] = {"error": str(error)}
    return found


def _list(index: Index, rows: list[dict[str, Any]], tokens: Tokens | None) -> dict[str, Any]:
    """What `data/index.js` holds; paths of this machine stay here."""
    fields = [name for name in rows[0] if name != "place"] if rows else []
    bad = []
    for one in index.bad():
        name = Path(one["file"]).name
        bad.append({**one, "file": name, "examples": [text[max(text.find(name), 0) :] for text in one["examples"]]})
    told = {**about(index, tokens), "bad": bad, "left_out": index.total - len(rows)}
    return {"about": told, "size": PART, "fields": fields, "rows": [[row[name] for name in fields] for row in rows]}


def _script(path: Path, name: str, value: Any) -> None:
    with atomic_write(path) as stream:
        stream.write(f"viewer.{name} = {json.dumps(value, separators=(',', ':'))};\n")


def _page(name: str) -> bytes:
    found = page_file(name)
    if name != "index.html":
        return found
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    text = found.decode().replace("<!-- policy -->", policy)
    return text.replace("<!-- data -->", '<script src="data/index.js"></script>').encode()
