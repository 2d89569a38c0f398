"""The rows of a corpus as tokens, and in which step each is trained on.

A corpus is encoded once for a tokenizer, a chat template and a length, by all processors, and kept in the cache.
Rows keep the corpus's own order, for the mixture already ordered them by seed: which rows a step takes is a function of
the corpus and the step alone.

>>> rows, dropped = read_rows(Path("corpus/corpus.jsonl"), tokenizer, 2048)
>>> len(batch(rows, 8, step=3))
8
"""

import hashlib
import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agenttuning.conversation import Conversation, from_row
from agenttuning.errors import BadInput, MaskError, UserError
from agenttuning.files import Lines, disk_error, line_blocks, locked, read_jsonl, sha256
from agenttuning.models import cache_folder
from agenttuning.training.encode import Encoded, Encoder, cut
from agenttuning.training.row_store import COUNTS, Block, StoredRows, block, store

_FORMAT = 1  # of what is stored: raise it when masks or files change
BLOCK_ROWS = 2000
PARALLEL_FROM = 10  # blocks; fewer are encoded before other processes have started
_KEPT_DAYS = 30  # that a stored corpus lives on without being used
CUT, NOTHING_TRAINED = "cut to max_length", "no trained token within max_length"
OTHER_TEMPLATE = "written under another chat template"


def read_rows(corpus: Path, tokenizer: Any, length: int) -> tuple[StoredRows, dict[str, int]]:
    """(rows of at most `length` tokens, how many were cut, dropped or are in doubt, by reason).

    Raises BadInput for a row that is no conversation (file:line), and where no row is left, with a reason.
    """
    rows = _stored(corpus, tokenizer, length)
    if not len(rows):
        refused = [example for reason, example in rows.examples.items() if example]
        raise BadInput(
            f"{corpus}: no row has a trained token within {length} tokens; "
            + (f"for example {refused[0]}" if refused else "look at one: agenttuning show")
        )
    return rows, {CUT: 0, NOTHING_TRAINED: 0} | rows.dropped


def batch(rows: Sequence[Encoded], size: int, step: int) -> list[Encoded]:
    """The rows of a step, which counts from 0; after the last row comes the first again."""
    return [rows[i % len(rows)] for i in range(step * size, (step + 1) * size)]


def _stored(corpus: Path, tokenizer: Any, length: int) -> StoredRows:
    """The corpus's rows from the cache, encoded now where they are not there."""
    folder = cache_folder() / "encoded" / _key(corpus, tokenizer, length)
    # Every process of a training on several cards comes here; one encodes, the others wait for it.
    with locked(folder, wait=True):
        if not (folder / COUNTS).is_file():
            _forget(folder.parent)
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            try:
                store(partial, _blocks(corpus, tokenizer, length))
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
            except OSError as error:
                raise disk_error(error, folder) from error
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    os.utime(folder)
    return StoredRows(folder)


def _key(corpus: Path, tokenizer: Any, length: int) -> str:
    from agenttuning.chat_template import ChatTemplate

    if not corpus.is_file():
        raise BadInput(f"{corpus}: no such file; give a corpus of chat rows")
    parts = (
        str(_FORMAT),
        str(length),
        sha256(corpus),
        tokenizer.backend_tokenizer.to_str(),
        str(tokenizer.special_tokens_map),
        str(getattr(tokenizer, "stop_tokens", "")),
        ChatTemplate(tokenizer).fingerprint,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _forget(cache: Path) -> None:
    oldest = time.time() - _KEPT_DAYS * 86400
    with suppress(OSError):
        for folder in cache.iterdir():
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _blocks(corpus: Path, tokenizer: Any, length: int) -> Iterator[Block]:
    """The corpus in blocks, in order, encoded by as many processes as there are processors."""
    blocks = line_blocks(corpus, BLOCK_ROWS)
    first = list(islice(blocks, PARALLEL_FROM))
    processes = _processors()
    if len(first) < PARALLEL_FROM or processes == 1:
        encoder = Encoder(tokenizer)
        yield from (_encode(lines, encoder, corpus, length) for lines in chain(first, blocks))
        return
    context = get_context("forkserver")
    context.set_forkserver_preload(["transformers"])
    with ProcessPoolExecutor(processes, context, _begin, (tokenizer, corpus, length)) as pool:
        waiting = deque(pool.submit(_work, lines) for lines in first)
        for lines in blocks:
            yield waiting.popleft().result()
            waiting.append(pool.submit(_work, lines))
        for one in waiting:
            yield one.result()


def _processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_worker: tuple[Encoder, Path, int] | None = None  # of one encoding process


def _begin(tokenizer: Any, corpus: Path, length: int) -> None:
    global _worker
    _worker = Encoder(tokenizer), corpus, length


def _work(lines: Lines) -> Block:
    assert _worker is not None
    encoder, corpus, length = _worker
    return _encode(lines, encoder, corpus, length)


def _encode(lines: Lines, encoder: Encoder, corpus: Path, length: int) -> Block:
    counts: Counter[str] = Counter()
    own = encoder.masker.template.fingerprint

    def conversations() -> Iterator[tuple[Conversation, str]]:
        for number, row in read_jsonl(corpus, block=lines):
            conversation = from_row(row, where=f"{corpus}:{number}")
            counts[OTHER_TEMPLATE] += conversation.meta.get("chat_template", own) != own
            yield conversation, str(row.get("source", ""))

    kept: list[Encoded] = []
    examples: dict[str, str] = {}
    for encoded in encoder.encode_all(conversations()):
        if isinstance(encoded, UserError):
            reason = encoded.reason if isinstance(encoded, MaskError) else "refused by the chat template"
            counts[reason] += 1
            examples.setdefault(reason, str(encoded))
            continue
        for row in encoded:
            short = cut(row, length)
            counts[NOTHING_TRAINED] += short is None
            if short is not None:
                counts[CUT] += len(short.ids) < len(row.ids)
                kept.append(short)
    out = block(kept)
    out.dropped, out.examples = {reason: n for reason, n in counts.items() if n}, examples
    return out
