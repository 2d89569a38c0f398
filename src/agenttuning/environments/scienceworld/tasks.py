"""The thirty kinds of task, and the order in which their variations are played.

The simulator has 7,207 variations and says which are for training, development and testing. They come in rounds, a
variation of each kind a round, and within a kind as AgentTuning shuffles them. Its protocol takes the first ten test
variations of each kind, or all where there are fewer, and nine of one kind; so the first 270 tasks of the test split
are the protocol's (eval_heldout/science-world/eval_utils.py there).

>>> [pair for pair in ordered("test", 0, variations)][:2]
[('melt', 25), ('find-plant', 290)]
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agenttuning.trajectory import Split, Task

PARTS: tuple[Split, ...] = ("train", "dev", "test")
EASY = "easy"  # the simplifications that AgentTuning plays with
SIMPLIFICATIONS = (
    EASY, "teleportAction", "openDoors", "openContainers", "selfWateringFlowerPots", "noElectricalAction",
)  # fmt: skip
MOVES = 100  # ticks of the world's clock that AgentTuning gives a task
ELECTRICAL = ("power-component", "conductivity")  # without electrical actions these have no solution
PROTOCOL = 10  # variations of a kind that AgentTuning takes
_QUOTAS = {"inclined-plane-friction-named-surfaces": 9}


@dataclass(frozen=True, slots=True)
class Kind:
    """`number` is the paper's (arXiv 2203.07540); `moves` is above AgentTuning's limit where solutions are longer."""

    number: str
    level: Literal["easy", "medium", "hard"]
    moves: int = MOVES


KINDS: dict[str, Kind] = {
    "boil": Kind("1-1", "hard", 400),
    "melt": Kind("1-2", "hard", 400),
    "freeze": Kind("1-3", "hard", 400),
    "change-the-state-of-matter-of": Kind("1-4", "hard", 400),
    "use-thermometer": Kind("2-1", "medium"),
    "measure-melting-point-known-substance": Kind("2-2", "hard", 250),
    "measure-melting-point-unknown-substance": Kind("2-3", "hard", 250),
    "power-component": Kind("3-1", "easy"),
    "power-component-renewable-vs-nonrenewable-energy": Kind("3-2", "medium"),
    "test-conductivity": Kind("3-3", "medium"),
    "test-conductivity-of-unknown-substances": Kind("3-4", "medium"),
    "find-living-thing": Kind("4-1", "easy"),
    "find-non-living-thing": Kind("4-2", "easy"),
    "find-plant": Kind("4-3", "easy"),
    "find-animal": Kind("4-4", "easy"),
    "grow-plant": Kind("5-1", "hard", 150),
    "grow-fruit": Kind("5-2", "hard", 150),
    "chemistry-mix": Kind("6-1", "medium"),
    "chemistry-mix-paint-secondary-color": Kind("6-2", "easy"),
    "chemistry-mix-paint-tertiary-color": Kind("6-3", "medium"),
    "lifespan-longest-lived": Kind("7-1", "easy"),
    "lifespan-shortest-lived": Kind("7-2", "easy"),
    "lifespan-longest-lived-then-shortest-lived": Kind("7-3", "easy"),
    "identify-life-stages-1": Kind("8-1", "medium"),
    "identify-life-stages-2": Kind("8-2", "easy"),
    "inclined-plane-determine-angle": Kind("9-1", "hard", 400),
    "inclined-plane-friction-named-surfaces": Kind("9-2", "hard", 1000),
    "inclined-plane-friction-unnamed-surfaces": Kind("9-3", "hard", 1000),
    "mendelian-genetics-known-plant": Kind("10-1", "hard", 250),
    "mendelian-genetics-unknown-plant": Kind("10-2", "hard", 250),
}


def ordered(split: Split, seed: int, variations: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int]]:
    """All (kind, variation) of a split, given the variations of each kind. Seed 0 is AgentTuning's seed 1."""
    rounds: list[list[tuple[str, int]]] = []
    for name, all_of_it in variations.items():
        shuffled = list(all_of_it)
        random.Random(seed + 1).shuffle(shuffled)
        quota = _QUOTAS.get(name, PROTOCOL)
        for place, variation in enumerate(shuffled):
            number = place if place < quota else place + PROTOCOL - quota
            while len(rounds) <= number:
                rounds.append([])
            rounds[number].append((name, variation))
    for number, pairs in enumerate(rounds):
        random.Random(f"scienceworld/{split}/{seed}/{number}").shuffle(pairs)
        yield from pairs


def to_task(name: str, variation: int, split: Split, goal: str, simplification: str = EASY) -> Task:
    kind = KINDS[name]
    data: dict[str, Any] = {
        "level": kind.level,
        "kind": name,
        "variation": variation,
        "simplification": simplification,
        "moves": kind.moves,
    }
    how = "" if simplification == EASY else f"-{simplification.replace(',', '+') or 'plain'}"
    return Task("scienceworld", f"{name}-{variation}{how}", split, goal, data)
