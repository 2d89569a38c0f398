"""The items that were found in the corpus, one by one, with the matching text and the rows that have it.

Lines of JSON with the dirtiest item first: `set`, `id`, `verdict`, `rate`, `rate_with_templates`, `text`, `marks`
(first character and one after the last of each marked stretch) and `matches` by source. What could not be judged
stands at the end: items of fewer words than can be looked for, and those with no word of their own.

>>> print(shown(row))
dirty  database/test-0-000012  93 % (with templates 71 %)
…
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from agenttuning.corpus.contamination.index import Index
from agenttuning.corpus.contamination.items import Item
from agenttuning.corpus.contamination.table import verdict
from agenttuning.corpus.contamination.tally import Tally, rates
from agenttuning.corpus.contamination.words import places

if TYPE_CHECKING:
    import numpy as np


def listing(items: Sequence[Item], index: Index, tally: Tally, clean: float, dirty: float) -> Iterator[dict[str, Any]]:
    """A row for each item of which anything was found, and for each that could not be judged."""
    whole = tally.all()
    rated = rates(index, whole)
    judged = [i for i, rate in enumerate(rated.own.tolist()) if rate > 0]
    for i in sorted(judged, key=lambda i: (-rated.own[i], items[i].set, i)):
        yield {
            **_head(items[i], verdict(rated.own[i], clean, dirty)),
            "rate": round(float(rated.own[i]), 4),
            "rate_with_templates": round(float(rated.with_templates[i]), 4),
            "text": items[i].text,
            "marks": _marks(items[i].text, index, int(index.own_document[i]), whole.marked),
            "matches": list(_matches(items[i].text, index, int(index.own_document[i]), tally)),
        }
    for i, rate in enumerate(rated.own.tolist()):
        if rate != rate:
            why = "too short to look for" if i in index.short else "no words of its own"
            yield {**_head(items[i], "unknown"), "why": why, "text": items[i].text}


def shown(row: Mapping[str, Any], *, colours: bool = False) -> str:
    """One row to read; what was found stands in « and », or in red."""
    name = f"{row['set']}/{row['id']}"
    if row["verdict"] == "unknown":
        return f"unknown  {name}  {row['why']}"
    begin, end = ("\033[31m", "\033[0m") if colours else ("«", "»")
    text, out, last = row["text"], [], 0
    for first, after in row["marks"]:
        out += [text[last:first], begin, text[first:after], end]
        last = after
    lines = [f"{row['verdict']}  {name}  {row['rate']:.0%} (with templates {row['rate_with_templates']:.0%})"]
    lines += [f"  {line}" for line in "".join([*out, text[last:]]).splitlines() if line.strip()]
    for match in row["matches"]:
        other = f", {match['differing']} words differ" if match["differing"] else ""
        lines.append(f"  {match['share']:.0%} in {match['row']} ({match['source']}){other}")
    return "\n".join(lines)


def _head(item: Item, kind: str) -> dict[str, Any]:
    return {"set": item.set, "id": item.id, "verdict": kind}


def _marks(text: str, index: Index, document: int, marked: "np.ndarray") -> list[list[int]]:
    """Stretches of neighbouring marked words, in characters."""
    flags = marked[index.starts[document] : index.ends[document]].tolist()
    out = []
    for flag, group in groupby(zip(flags, places(text), strict=True), key=lambda pair: pair[0]):
        spans = [span for _, span in group]
        if flag:
            out.append([spans[0][0], spans[-1][1]])
    return out


def _matches(text: str, index: Index, document: int, tally: Tally) -> Iterator[dict[str, Any]]:
    """The rows with most of the item, by source, and what of it is in each."""
    spans, start = places(text), int(index.starts[document])
    for name in sorted(tally.sources):
        for example in tally.of(name).examples.get(document, ()):
            first, last = spans[example.first - start], spans[example.end - start - 1]
            found = {"text": text[first[0] : last[1]], "differing": example.differing}
            yield {"source": name, "row": example.row, "share": round(-example.share, 4), **found}
