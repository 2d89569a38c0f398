"""Rows that are the same as one before, by the hash of all that was said; ids and weights do not count.

Memory is 11 to 16 bytes a distinct row: 64-bit hashes in an open-addressing table that is between half and three
quarters full. Of ten million rows, two different ones share a hash with a probability of about 3 in a million.
"""

from array import array
from collections.abc import Iterator
from hashlib import blake2b

from agenttuning.corpus.lint.rule import Check, Found, starting_rule
from agenttuning.corpus.lint.view import View

_SMALLEST = 1024  # slots


class Hashes:
    """A set of hashes, each a number from 1 to 2^64 - 1."""

    def __init__(self) -> None:
        self.slots = array("Q", bytes(8 * _SMALLEST))
        self.count = 0

    def __contains__(self, hash: int) -> bool:
        size = len(self.slots)
        place = hash % size
        while self.slots[place]:
            if self.slots[place] == hash:
                return True
            place = place + 1 if place + 1 < size else 0
        return False

    def add(self, hash: int) -> bool:
        """Whether it is new."""
        if 4 * self.count >= 3 * len(self.slots):
            self._grow()
        if new := _put(self.slots, hash):
            self.count += 1
        return new

    def _grow(self) -> None:
        larger = array("Q", bytes(8 * (len(self.slots) * 3 // 2)))
        for hash in self.slots:
            if hash:
                _put(larger, hash)
        self.slots = larger


def _put(slots: array, hash: int) -> bool:
    size = len(slots)
    place = hash % size
    while slots[place]:
        if slots[place] == hash:
            return False
        place = place + 1 if place + 1 < size else 0
    slots[place] = hash
    return True


@starting_rule("duplicate-row", "info", "the row says the same as one before it", masks=False)
def duplicate_row() -> Check:
    seen = Hashes()

    def check(view: View) -> Iterator[Found]:
        if not seen.add(hash_of(view)):
            yield None, next((part.text for part in view.parts if part.role == "user"), "")

    return check


def hash_of(view: View) -> int:
    """Of every turn's role, text and calls, and the tools."""
    said = [
        f"{part.role}\0{part.text}\0{part.calls!r}" if part.calls else f"{part.role}\0{part.text}"
        for part in view.parts
    ]
    tools = [f"{tool.name}\0{tool.parameters!r}" for tool in view.tools]
    text = "\1".join([*said, *tools])
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
