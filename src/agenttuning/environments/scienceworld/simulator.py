"""One simulator: a world that is loaded, acted in and scored.

>>> with borrowed(java) as simulator:
...     simulator.load("boil", 0, "easy")
...     simulator.step("teleport to kitchen"), simulator.score
('You teleport to the kitchen.', 0)

ScienceWorld keeps its dice, its counter of objects and its simplifications in variables of the whole program, so two
worlds in one program disturb each other. Here each simulator is a copy of the program, by a class loader of its own,
in the one Java of this process. Py4J remembers methods by the name of their class alone, hence all calls go through
Java's reflection. The Python package's own wrapper is left out: it starts a Java for each world and lists every
possible action at each step.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from agenttuning.environments.scienceworld.java import Java, jar
from agenttuning.errors import BadInput, EnvironmentFailure
from agenttuning.trajectory import Split

_INTERFACE = "scienceworld.runtime.pythonapi.PythonInterface"
_DRAWN = "inclined-plane"  # tasks that name two planes in an order that the dice decide while the world is made
_ENDING = 0.5  # seconds that a Java process which no longer answers has to be gone
_SCRAMBLE = 0x5DEECE66D  # what java.util.Random's setSeed does to a seed, as its documentation says


class Simulator:
    """Every method raises EnvironmentFailure where Java has died or the simulator fails."""

    def __init__(self, java: Java) -> None:
        self._java = java
        self._call(self._start)

    def _start(self) -> None:
        jvm = self._java.jvm
        places = self._java.array("net.URL", jvm.java.io.File(str(jar())).toURI().toURL())
        self._loader = jvm.java.net.URLClassLoader(places, None)
        kind = self._loader.loadClass(_INTERFACE)
        self._methods = {method.getName(): method for method in kind.getMethods()}
        self._interface = kind.getDeclaredConstructor(self._java.array("lang.Class")).newInstance(
            self._java.array("lang.Object")
        )

    def load(self, name: str, variation: int, simplification: str = "", *, gold: bool = False) -> None:
        """Begin a task; `gold` finds a solution first, which takes seconds. Raises BadInput for no such variation."""
        if gold:
            self._call(self._forget)
        self._invoke("load", name, variation, simplification, gold)
        if wrong := self._invoke("errorStr"):
            raise BadInput(f"ScienceWorld has no variation {variation} of {name!r} ({wrong}); see docs/environments.md")

    def step(self, command: str) -> str:
        return self._invoke("step", command)

    @property
    def score(self) -> int:
        """-100 to 100; what is below 0 says that the task has failed."""
        return round(100 * self._invoke("getScore"))

    @property
    def completed(self) -> bool:
        return self._invoke("getCompleted")

    @property
    def moves(self) -> int:
        """Ticks of the world's clock: looking around, the inventory and the task take none, waiting takes more."""
        return self._invoke("getNumMoves")

    @property
    def description(self) -> str:
        return self._invoke("getTaskDescription")

    @property
    def gold(self) -> tuple[str, ...]:
        """The solution that `load` found."""
        return self._call(self._lines, self._invoke("getGoldActionSequence"))

    def valid(self) -> tuple[str, ...]:
        """What the simulator thinks can be done now, in its wording. That is too much: see `objects`."""
        return self._listed("getValidActionObjectCombinations")

    def objects(self) -> tuple[str, ...]:
        """The names that the simulator understands here; `valid` also has things behind closed doors."""
        return self._listed("getPossibleObjects")

    def names(self) -> tuple[str, ...]:
        """The tasks, in the order that gives them their numbers in AgentTuning's code."""
        return self._call(self._lines, self._invoke("getTaskNames"))

    def variations(self, name: str, split: Split) -> tuple[int, ...]:
        self._invoke("taskStr_$eq", name)
        found = self._invoke(f"getVariations{split.capitalize()}")
        return tuple(map(int, re.findall(r"\d+", self._call(self._java.jvm.java.util.Objects.toString, found))))

    def describe(self, name: str, variation: int) -> str:
        """The goal of a variation, most often without making its world. What was loaded is lost."""
        if name.startswith(_DRAWN):
            self.load(name, variation)
            return self.description
        return self._call(self._told, self._invoke("taskMaker"), name, variation)

    def _told(self, maker: Any, name: str, variation: int) -> str:
        task = self._of(self._of(self._of(maker, "getTask", name), "get"), "setupGoals", variation)
        return self._of(task, "description").strip()

    def _listed(self, method: str) -> tuple[str, ...]:
        """The simulator throws dice for the names that it lists; they are put back."""
        dice, state = self._call(self._dice)
        try:
            return self._call(self._lines, self._invoke(method))
        finally:
            self._call(dice.setSeed, state ^ _SCRAMBLE)

    def _forget(self) -> None:
        """Drop the ways through the house that earlier solutions found: what is found must not depend on them."""
        self._of(self._of(self._single("scienceworld.goldagent.PathFinder"), "precomputedExhaustivePaths"), "clear")

    def _single(self, name: str) -> Any:
        """A singleton of the simulator's program."""
        return self._loader.loadClass(f"{name}$").getField("MODULE$").get(None)

    def _dice(self) -> tuple[Any, int]:
        """The simulator's dice, a java.util.Random, and the state they are in."""
        field = self._java.jvm.java.lang.Class.forName("java.util.Random").getDeclaredField("seed")
        field.setAccessible(True)
        dice = self._of(self._single("scala.util.Random"), "self")
        return dice, field.get(dice)

    def _of(self, thing: Any, name: str, *arguments: Any) -> Any:
        """A method of some other object of the simulator."""
        methods = thing.getClass().getMethods()
        method = next(m for m in methods if m.getName() == name and m.getParameterCount() == len(arguments))
        return method.invoke(thing, self._java.array("lang.Object", *arguments))

    def _lines(self, texts: Any) -> tuple[str, ...]:
        joined = self._java.jvm.java.lang.String.join("\n", texts)
        return tuple(joined.split("\n")) if joined else ()

    def _invoke(self, method: str, *arguments: Any) -> Any:
        array = self._call(self._java.array, "lang.Object", *arguments)
        return self._call(self._methods[method].invoke, self._interface, array)

    def _call(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:  # Py4J has many of its own, and lets those of sockets through
            if self._java.ends_within(_ENDING):
                raise EnvironmentFailure("the Java process of the simulator died") from None
            raise EnvironmentFailure(f"the simulator failed: {_reason(error)}") from None


@contextmanager
def borrowed(java: Java) -> Generator[Simulator]:
    """A simulator for a while."""
    simulator = take(java)
    try:
        yield simulator
    finally:
        java.idle.append(simulator)


def take(java: Java) -> Simulator:
    """One that nobody plays in; give it back with ``java.idle.append``."""
    return java.idle.pop() if java.idle else Simulator(java)


def _reason(error: Exception) -> str:
    """The line that names what Java has thrown; the first cause stands deepest."""
    causes = re.findall(r"^(?:Caused by: )?([\w.$]+(?:Exception|Error)\b.*)$", str(error), re.MULTILINE)
    return str(causes[-1] if causes else f"{type(error).__name__}: {error}")[:300]
