"""The benchmark's seven tools over a graph, as a session of variables.

A variable stands for a set of entities of one kind, or for a number; an agent sees its kind and size and
never its members (AgentBench, arXiv 2308.03688, Knowledge Graph). A program is a list of calls, each of which
makes the next variable.

>>> session = run(load_graph(), [["get_neighbors", "Ghana", "neighbours"], ["argmax", "#0", "population"]])
>>> session.names("#1")
['Ivory Coast']
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from agenttuning.environments.graph import Graph
from agenttuning.errors import InvalidAction

NUMBER = "number"
PLURALS = {"series": "series", "affinity": "affinities", NUMBER: NUMBER}


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable holds; the one member of a number is its digits."""

    kind: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return f"{plural(self.kind)} ({self.members[0] if self.kind == NUMBER else len(self.members)})"


def plural(kind: str) -> str:
    """The name of many of a kind: "city" → "cities"."""
    kind = kind.replace("_", " ")
    if kind in PLURALS:
        return PLURALS[kind]
    return kind[:-1] + "ies" if kind[-1] == "y" and kind[-2] not in "aeiou" else kind + "s"


class Session:
    """The variables of one episode. Every method raises InvalidAction with what the agent should be told."""

    def __init__(self, graph: Graph, entities: Iterable[str] = ()):
        self.graph = graph
        self.entities = tuple(entities)
        self.variables: list[Value] = []

    def value(self, name: str) -> Value:
        """What an entity's name or id, or a variable like ``#0``, stands for."""
        name = name.strip()
        if name.startswith("#"):
            if name[1:].isdecimal() and int(name[1:]) < len(self.variables):
                return self.variables[int(name[1:])]
            made = ", ".join(f"#{i}" for i in range(len(self.variables))) or "none yet"
            raise InvalidAction(f"There is no variable {name}. The variables are: {made}.")
        entity = self.graph.names(name)
        if entity is None:
            raise InvalidAction(self._unknown(name))
        return Value(self.graph.kind[entity], (entity,))

    def names(self, variable: str) -> list[str]:
        """The members of a variable as people call them."""
        return [self.graph.label.get(member, member) for member in self.value(variable).members]

    def relations(self, variable: str) -> list[str]:
        value = self._entities(variable)
        return sorted({name for one in value.members for name in self.graph.forward.get(one, ())})

    def attributes(self, variable: str) -> list[str]:
        value = self._entities(variable)
        return sorted({name for one in value.members for name in self.graph.attributes.get(one, ())})

    def neighbors(self, variable: str, relation: str) -> Value:
        value, relation = self._entities(variable), relation.replace(" ", "_")
        ends: dict[str, None] = {}
        for member in value.members:
            ends.update(dict.fromkeys(self.graph.forward.get(member, {}).get(relation, ())))
        if not ends:
            raise InvalidAction(_no_such(variable, "relation", relation, self.relations(variable)))
        return Value(self.graph.kind[next(iter(ends))], tuple(ends))

    def intersection(self, variable1: str, variable2: str) -> Value:
        one, two = self._entities(variable1), self._entities(variable2)
        if one.kind != two.kind:
            raise InvalidAction(
                f"{variable1} holds {plural(one.kind)} and {variable2} {plural(two.kind)};"
                " an intersection needs two of one kind."
            )
        other = set(two.members)
        return Value(one.kind, tuple(member for member in one.members if member in other))

    def extreme(self, variable: str, attribute: str, *, highest: bool) -> Value:
        """The members with the highest or the lowest value; those without the attribute do not count."""
        value, attribute = self._entities(variable), attribute.replace(" ", "_")
        numbers = {
            member: self.graph.attributes[member][attribute]
            for member in value.members
            if attribute in self.graph.attributes.get(member, ())
        }
        if not numbers:
            raise InvalidAction(_no_such(variable, "attribute", attribute, self.attributes(variable)))
        best = (max if highest else min)(numbers.values())
        return Value(value.kind, tuple(member for member, number in numbers.items() if number == best))

    def count(self, variable: str) -> Value:
        return Value(NUMBER, (str(len(self._entities(variable).members)),))

    def make(self, tool: str, *arguments: str) -> str:
        """Call one of the tools that make a variable; gives the new variable's name."""
        match tool:
            case "get_neighbors":
                made = self.neighbors(*arguments)
            case "intersection":
                made = self.intersection(*arguments)
            case "argmax" | "argmin":
                made = self.extreme(*arguments, highest=tool == "argmax")
            case "count":
                made = self.count(*arguments)
            case _:
                raise InvalidAction(f"{tool} makes no variable.")
        self.variables.append(made)
        return f"#{len(self.variables) - 1}"

    def _entities(self, variable: str) -> Value:
        value = self.value(variable)
        if value.kind == NUMBER:
            raise InvalidAction(f"{variable} is a number; only entities have relations and attributes.")
        return value

    def _unknown(self, name: str) -> str:
        if len(self.graph.named.get(name, ())) > 1:
            ids = ", ".join(self.graph.named[name][:4])
            return f"Several entities are called {name!r}; use one of the ids {ids}."
        # Close matching over all names takes a second; the question's entities and those that begin alike do.
        alike = (one for one in self.graph.named if one[:2].casefold() == name[:2].casefold())
        near = (
            get_close_matches(name, self.entities, n=1)
            or get_close_matches(name, alike, n=1, cutoff=0.7)
            or self.entities[:1]
        )
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"There is no entity called {name[:80]!r}.{hint}"


def run(graph: Graph, program: Iterable[Sequence[str]]) -> Session:
    """A session in which the program has been carried out; its answer is the last variable."""
    session = Session(graph)
    for tool, *arguments in program:
        session.make(tool, *arguments)
    return session


def _no_such(variable: str, what: str, name: str, valid: Sequence[str]) -> str:
    near = get_close_matches(name, valid, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{variable} has no {what} {name[:80]!r}.{hint} It has: {', '.join(valid) or 'none'}."
