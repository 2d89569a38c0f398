"""A step's packs dealt to the ranks.

Sharded weights are gathered layer by layer by all ranks at once, so every rank makes the same number of passes, and a
pass takes as long as its largest pack: packs of about the same size go into one pass, and a rank that has none left
computes two tokens that count nothing.

>>> deal([300, 1000, 900, 200, 250], 2)     # the packs' places, by pass and rank
[[1, 2], [4, 0], [None, 3]]
"""

from collections.abc import Sequence

from agenttuning.training.pack import Group, Pack


def deal(sizes: Sequence[int], ranks: int) -> list[list[int | None]]:
    """For each pass the pack of each rank; in a pass the rank that has computed least so far gets the largest."""
    order = sorted(range(len(sizes)), key=lambda i: -sizes[i])
    totals = [0] * ranks
    passes = []
    for at in range(0, len(order), ranks):
        taken: list[int | None] = [None] * ranks
        for i, receiver in zip(order[at : at + ranks], sorted(range(ranks), key=totals.__getitem__), strict=False):
            taken[receiver] = i
            totals[receiver] += sizes[i]
        passes.append(taken)
    return passes


def packs_of_rank(packs: Sequence[Pack], rank: int, ranks: int) -> list[tuple[Pack, bool]]:
    """What a rank computes pass by pass, and whether it counts."""
    if ranks == 1:
        return [(pack, True) for pack in packs]
    passes = deal([len(pack.ids) for pack in packs], ranks)
    own = [taken[rank] for taken in passes]
    return [(_idle(packs[0]), False) if i is None else (packs[i], True) for i in own]


def _idle(like: Pack) -> Pack:
    """The smallest pack there is, with a source of `like`."""
    return Pack(
        ids=[0, 0],
        positions=[0, 1],
        targets=[0, 0],
        weights=[1.0, 0.0],
        rows=[0, 0],
        groups=[Group(0, 0, [2])],
        sources=like.sources[:1],
        row_ids=[""],
    )
