"""What mkdocs.yml adds to docs/: README.md as the first page, and the files of the repository that pages link to.

A link keeps its form for readers of the repository (`../recipes/quickstart.yaml`); in the site it leads to a copy
under source/. One that leads to nothing is left as it is, and MkDocs ends with an error on it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def place(path: Path) -> str:
    """Where a file of the repository stands in the site's sources."""
    inner = path.relative_to(ROOT)
    if inner == Path("README.md"):
        return "index.md"
    return inner.relative_to("docs").as_posix() if inner.parts[0] == "docs" else f"source/{inner.as_posix()}"


def origin(source: str) -> Path:
    """The file of the repository behind a place in the site's sources."""
    if source == "index.md":
        return ROOT / "README.md"
    return ROOT / (source.removeprefix("source/") if source.startswith("source/") else f"docs/{source}")


def linked(text: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each relative link of a page and the file of the repository that it leads to."""
    for target in LINK.findall(text):
        path = (folder / target).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            yield target, path


def on_files(files: Files, config) -> Files:
    waiting = [ROOT / "README.md", *(origin(file.src_uri) for file in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if place(path) not in files.src_uris:
            files.append(File.generated(config, place(path), content=path.read_bytes()))
        if path.suffix == ".md":
            found = {target for _, target in linked(path.read_text(encoding="utf-8"), path.parent)} - seen
            seen |= found
            waiting += sorted(found)
    return files


def on_page_markdown(markdown: str, page, config, files: Files) -> str:
    source = page.file.src_uri
    folder = origin(source).parent
    places = {target: place(path) for target, path in linked(markdown, folder)}

    def moved(match: re.Match) -> str:
        there = places.get(match[1])
        return (
            match[1] if there is None else os.path.relpath(there, Path(source).parent.as_posix()).replace(os.sep, "/")
        )

    return LINK.sub(moved, markdown)
