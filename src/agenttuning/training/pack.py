"""Rows laid end to end with no padding, and what they share computed once.

Trajectories of one environment begin with the same instructions and tools. In a pack that prefix stands once and
every row attends to it and to itself, never to another row, at the positions it would have alone: the loss and
its gradient are those of the rows one by one.

>>> packs = make_packs(rows, length=1024)
>>> packs[0].groups
[Group(start=0, prefix=122, rows=[131, 140, 127]), Group(start=520, prefix=0, rows=[98])]
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agenttuning.training.encode import Encoded

MIN_PREFIX = 16  # a shorter common beginning is not worth a group of its own
_PREFIX_ROW = -1


@dataclass(slots=True)
class Group:
    """Rows that share a beginning: `prefix` tokens at `start`, then the rest of each row, `rows` tokens long."""

    start: int
    prefix: int
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Pack:
    """Parallel lists, one entry a token. `targets` is the next token of the row, `weights` its loss weight
    (0: none), `rows` its row's number (-1 in a shared prefix); `groups` says who sees whom."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)  # by row number, as are the next
    row_ids: list[str] = field(default_factory=list)
    tokens: int = 0  # what the rows would hold one by one

    @property
    def trained(self) -> list[int]:
        """The positions whose next token carries loss."""
        return [i for i, weight in enumerate(self.weights) if weight > 0]


def make_packs(rows: Sequence[Encoded], length: int, *, share_from: int | None = MIN_PREFIX) -> list[Pack]:
    """All rows in packs of at most `length` tokens, by best fit, longest first (a longer row gets its own).

    A common beginning of at least `share_from` tokens is computed once a pack; None shares nothing.
    """
    groups = _groups(rows, share_from) if share_from else [(0, [row]) for row in rows]
    return [_lay([(groups[g][0], members) for g, members in plan.items()]) for plan in _plan(groups, length)]


def _plan(groups: Sequence[tuple[int, list[Encoded]]], length: int) -> list[dict[int, list[Encoded]]]:
    """For each pack the rows that it gets, by group.

    A row goes where it leaves the least room: first among the packs that hold its prefix already, then among all.
    """
    plans: list[dict[int, list[Encoded]]] = []
    room: list[int] = []
    everywhere: list[tuple[int, int]] = []  # (room, pack), sorted, as are the lists of the packs of each group
    holding: list[list[tuple[int, int]]] = [[] for _ in groups]
    order = sorted(
        ((g, row) for g, (_, members) in enumerate(groups) for row in members), key=lambda item: -len(item[1].ids)
    )
    for g, row in order:
        own, whole = len(row.ids) - groups[g][0], len(row.ids)
        for places, need in ((holding[g], own), (everywhere, whole)):
            at = bisect_left(places, (need, -1))
            if at < len(places):
                pack = places[at][1]
                break
        else:
            pack, need = len(plans), whole
            plans.append({})
            room.append(length)
            everywhere.append((length, pack))  # the most room there is, so still sorted
        if g not in plans[pack]:
            plans[pack][g] = []
            insort(holding[g], (room[pack], pack))
        plans[pack][g].append(row)
        left = max(room[pack] - need, 0)
        for places in (everywhere, *(holding[other] for other in plans[pack])):
            del places[bisect_left(places, (room[pack], pack))]
            insort(places, (left, pack))
        room[pack] = left
    return plans


def _groups(rows: Sequence[Encoded], share_from: int) -> list[tuple[int, list[Encoded]]]:
    """(common prefix length, rows) of those that begin alike; only untrained tokens are shared."""
    by_start: dict[tuple, list[Encoded]] = {}
    for row in rows:
        by_start.setdefault((row.source, row.ids[:share_from].tobytes()), []).append(row)
    groups = []
    for members in by_start.values():
        limit = min(row.prompt for row in members)
        prefix = _common(members, limit) if len(members) > 1 else 0
        # The token before the first target must stay in the row: its prediction is the row's own.
        prefix = min(prefix, limit - 1)
        groups.append((prefix if prefix >= share_from else 0, members))
    return groups


def _common(rows: Sequence[Encoded], limit: int) -> int:
    """Up to `limit`, how many tokens all rows begin with."""
    first = rows[0].ids[:limit]
    for row in rows[1:]:
        same = row.ids[: len(first)] == first
        first = first[: same.argmin()] if not same.all() else first
    return len(first)


def _lay(groups: Iterable[tuple[int, list[Encoded]]]) -> Pack:
    """Each group's prefix, then the rest of each of its rows."""
    pack = Pack()
    for prefix, members in groups:
        group = Group(len(pack.ids), prefix)
        pack.groups.append(group)
        pack.ids += members[0].ids[:prefix].tolist()
        pack.positions += range(prefix)
        pack.targets += [0] * prefix
        pack.weights += [0.0] * prefix
        pack.rows += [_PREFIX_ROW] * prefix
        for row in members:
            number = len(pack.sources)
            pack.sources.append(row.source)
            pack.row_ids.append(row.id)
            pack.tokens += len(row.ids)
            group.rows.append(len(row.ids) - prefix)
            ids, weights = row.ids[prefix:].tolist(), row.weights[prefix:].tolist()
            pack.ids += ids
            pack.positions += range(prefix, len(row.ids))
            pack.targets += [*ids[1:], 0]
            pack.weights += [*weights[1:], 0.0]
            pack.rows += [number] * len(ids)
    return pack
