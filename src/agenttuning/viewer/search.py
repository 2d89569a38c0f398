"""What a search asks for: words that all occur, each as the beginning of a word (a single letter as a word of its own),
"phrases", and parts of a trajectory as ``thought:``, ``call:``, ``observation:``, ``task:``.

>>> match('select call:"drop table"')
'"select"* AND call : "drop table"'
"""

import re

PARTS = ("thought", "call", "observation", "task")
_TERM = re.compile(rf'(?:({"|".join(PARTS)}):)?(?:"([^"]*)"?|([^\s"]+))', re.IGNORECASE)
# Scripts without spaces between words: Japanese, Chinese, Korean, Thai, Lao, Khmer. Each character is a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def match(asked: str) -> str | None:
    """The search as an FTS5 expression, None where it names no word."""
    terms = []
    for found in _TERM.finditer(asked.replace("\0", " ")):
        part, phrase, word = found.groups()
        words = (phrase if phrase is not None else word).strip()
        if any(map(str.isalnum, words)):
            column = f"{part.lower()} : " if part else ""
            # One letter begins a large share of all words, and is mostly still being typed on.
            end = "" if phrase is not None or sum(map(str.isalnum, words)) == 1 else "*"
            terms.append(f'{column}"{spaced(words)}"{end}')
    return " AND ".join(terms) or None


def spaced(text: str) -> str:
    """The text with the characters of unspaced scripts as words of their own, as it is stored and asked for."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)
