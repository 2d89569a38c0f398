"""Evaluation items: what each is asked by, and the words around it that many items share.

On disk a set is JSONL with `set`, `id`, `text` and `template`; sets of one's own are any JSONL, JSON or Parquet file,
of which every text counts, or those of the fields that are named behind a ``#``.

>>> found = Found()
>>> found.add_file("gsm8k", "gsm8k.jsonl#question")
>>> found.items[0].text
'Natalia sold clips to 48 of her friends …'
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agenttuning.corpus.contamination.words import clean, text_of
from agenttuning.corpus.formats.base import Refused
from agenttuning.corpus.formats.rows import files_of, rows
from agenttuning.errors import BadInput


@dataclass(frozen=True, slots=True)
class Item:
    """`text` is the item's own (an opening, a question); `template` is what its set puts around every item
    (instructions, tool lists). Both are `clean`."""

    set: str
    id: str
    text: str
    template: str = ""


@dataclass
class Found:
    """Items as they are collected, and what was wrong with some of them: by set, ids that came twice, and how many
    have their goal alone because their environment did not begin; by reason, rows that could not be read."""

    items: list[Item] = field(default_factory=list)
    repeated: dict[str, list[str]] = field(default_factory=dict)
    goal_only: dict[str, int] = field(default_factory=dict)
    refused: Refused = field(default_factory=Refused)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, set: str, id: str, text: str, template: str = "") -> None:
        """An item whose id is taken is kept too, under its id with a number."""
        self._seen[set, id] += 1
        if (times := self._seen[set, id]) > 1:
            self.repeated.setdefault(set, []).append(id)
            id = f"{id}#{times}"
        self.items.append(Item(set, id, clean(text), clean(template)))

    def add_written(self, path: Path) -> None:
        """The items of a file with `set`, `id`, `text` and `template`."""
        for row in rows(path, self._raise):
            value = row.value
            if not all(isinstance(value.get(key, ""), str) for key in ("set", "id", "text", "template")):
                raise BadInput(f"{row.where}: set, id, text and template must be texts")
            name = value.get("set", "")
            self.add(name, value.get("id", ""), value.get("text", ""), value.get("template", ""))
            if value.get("goal_only") is True:
                self.goal_only[name] = self.goal_only.get(name, 0) + 1

    def add_file(self, name: str, source: str, *, skip_bad: bool = False) -> None:
        """The rows of a file or folder as a set of that name. Raises BadInput where there is none, or none with text,
        and, without `skip_bad`, for a row that cannot be read."""
        path, fields = _source(source)
        before, without = len(self.items), 0
        for file in files_of(path):
            for number, row in enumerate(rows(file, self.refused if skip_bad else self._raise), start=1):
                value: Any = {key: row.value[key] for key in fields if key in row.value} if fields else row.value
                text = text_of(value)
                without += not text.strip()
                id = next((str(row.value[key]) for key in _IDS if isinstance(row.value.get(key), str | int)), "")
                self.add(name, id or f"{file.name}:{number}", text)
        if len(self.items) == before:
            raise BadInput(f"{path}: no items in the evaluation set {name!r}; give a file with rows, or leave it out")
        if without == len(self.items) - before:
            what = f"no text in the fields {', '.join(fields)}" if fields else "no text"
            raise BadInput(f"{path}: {what} of the evaluation set {name!r}; name its fields as FILE#FIELD,FIELD")

    def _raise(self, error: BadInput) -> None:
        raise error


_IDS = ("id", "task_id", "question_id", "trajectory_id", "_id")


def _source(source: str) -> tuple[Path, tuple[str, ...]]:
    """The path, and the fields behind its last ``#``; a path that exists is a path."""
    if Path(source).exists() or "#" not in source:
        return Path(source), ()
    path, _, fields = source.rpartition("#")
    return Path(path), tuple(name.strip() for name in fields.split(",") if name.strip())
