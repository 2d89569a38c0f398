"""Contamination: what of the evaluation's items stands in the training rows (arXiv 2307.09288 §A.6, 2310.12823 §3).

From the ground up: `words` of a text as hashes, `grams` of words, `items` to look for, their `index`, `mark` (a pure
function of texts and the index), `tally` (a union over rows), `table` and `listing`, `stage` (files to files).

>>> index = build(found.items, Rules())
>>> mark(index, [text]).matches.T
array([[  0,   3, 120, 134,   2]])
"""

from agenttuning.corpus.contamination.index import Index, Rules, build
from agenttuning.corpus.contamination.items import Found, Item
from agenttuning.corpus.contamination.mark import Marks, mark
from agenttuning.corpus.contamination.stage import DecontaminateConfig, decontaminate
from agenttuning.corpus.contamination.table import contamination_lines, contamination_table
from agenttuning.corpus.contamination.tally import Tally

__all__ = [
    "DecontaminateConfig",
    "Found",
    "Index",
    "Item",
    "Marks",
    "Rules",
    "Tally",
    "build",
    "contamination_lines",
    "contamination_table",
    "decontaminate",
    "mark",
]
