"""Questions over the built-in pages: bridges (one page names the next) and comparisons, thirteen kinds.

Every place belongs to the split of its country, the same as in `knowledge_graph_tasks`, and an element to its own:
no page that a test question needs is needed by a training question.

>>> task = make_tasks("train", 1, seed=0)[0]
>>> task.data["kind"], task.data["type"], task.data["answer"]
('capital_population', 'bridge', '1,453,975')
"""

import functools
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agenttuning.environments.hotpotqa_pages import World, code, load_world, number
from agenttuning.environments.hotpotqa_wording import KINDS
from agenttuning.environments.knowledge_graph_tasks import split_of
from agenttuning.trajectory import Split, Task

# Of twenty tasks in a row: easy 40 %, medium 35 %, hard 25 %.
LEVEL_PATTERN = "emhemehmeemhemehmemh"
LEVELS = {"e": "easy", "m": "medium", "h": "hard"}
Pool = Mapping[str, Sequence[Sequence[str]]]  # kind → the entities that questions may name, by country
TRIES = 300  # draws of entities for one task, until the facts fit and the question is new


@dataclass(frozen=True, slots=True)
class Draft:
    """A question without its words: `names` fill the wording, `evidence` is (entity, what its page tells)."""

    names: Mapping[str, str]
    answer: str
    evidence: tuple[tuple[str, str], ...]
    finding: str  # the thought that ends in the answer


@dataclass(frozen=True)
class Drawer:
    """Draws entities of one split; a method for each kind gives a Draft, or None where the facts do not fit."""

    world: World
    pool: Pool
    rng: random.Random

    def one(self, kind: str) -> str:
        """An entity of the kind, each country with the same chance, else most questions were about two."""
        return self.rng.choice(self.rng.choice(self.pool[kind]))

    def pair(self, kind: str) -> tuple[str, str]:
        """Two of different countries (elements: any two)."""
        first, second = self.rng.sample(self.pool[kind], 2)
        return self.rng.choice(first), self.rng.choice(second)

    def capital(self, country: str | None) -> str | None:
        city = self.world.end(country, "capital") if country else None
        if city is None or city not in self.world.pages:
            return None
        return city if self.world.country(city) == country else None

    def airport(self, city: str | None) -> str | None:
        """The city's airport, None where it has none or several."""
        found = [one for one in self.world.ends(city, "airports") if one in self.world.pages] if city else []
        return found[0] if len(found) == 1 else None

    def currency(self, country: str | None) -> str | None:
        money = self.world.end(country, "currency") if country else None
        return self.world.graph.label[money] if money else None

    def compare(self, entities: tuple[str, str], attribute: str, word: str, lower: bool = False) -> Draft | None:
        """Which of two has more (or less) of an attribute: the answer is its title."""
        values = [self.world.value(entity, attribute) for entity in entities]
        if None in values or values[0] == values[1]:
            return None
        first, second = (self.world.title(entity) for entity in entities)
        year = attribute == "discovery_year"
        said = [f"{value:.0f}" if year else number(value) for value in values if value is not None]
        better = (min if lower else max)(range(2), key=lambda i: values[i] or 0.0)
        answer = (first, second)[better]
        finding = f"{first}: {said[0]}, {second}: {said[1]}; the {word} is {answer}."
        evidence = tuple((entity, attribute) for entity in entities)
        return Draft({"first": first, "second": second}, answer, evidence, finding)

    def capital_population(self) -> Draft | None:
        country = self.one("country")
        city = self.capital(country)
        people = self.world.value(city, "population") if city else None
        if not city or not people:
            return None
        finding = f"The population of the capital {self.world.title(city)} is {number(people)}."
        evidence = ((country, "capital"), (city, "population"))
        return Draft({"country": self.world.title(country)}, number(people), evidence, finding)

    def airport_capital(self) -> Draft | None:
        airport = self.one("airport")
        country = self.world.country(airport)
        city = self.capital(country)
        if not country or not city or city in self.world.ends(airport, "city"):
            return None
        answer = self.world.title(city)
        finding = f"The capital of {self.world.title(country)} is {answer}."
        evidence = ((airport, "country"), (country, "capital"))
        return Draft({"airport": self.world.title(airport)}, answer, evidence, finding)

    def more_people(self) -> Draft | None:
        return self.compare(self.pair(self.rng.choice(("country", "city"))), "population", "larger")

    def higher_airport(self) -> Draft | None:
        return self.compare(self.pair("airport"), "elevation", "higher")

    def city_currency(self) -> Draft | None:
        city = self.one("city")
        country = self.world.country(city)
        money = self.currency(country)
        if not country or not money:
            return None
        finding = f"The currency of {self.world.title(country)} is {money}."
        evidence = ((city, "country"), (country, "currency"))
        return Draft({"city": self.world.title(city)}, money, evidence, finding)

    def city_calling_code(self) -> Draft | None:
        city = self.one("city")
        country = self.world.country(city)
        phone = country and self.world.end(country, "calling_code")
        if not country or not phone:
            return None
        answer = self.world.graph.label[phone]
        finding = f"The calling code of {self.world.title(country)} is {answer}."
        evidence = ((city, "country"), (country, "calling_code"))
        return Draft({"city": self.world.title(city)}, answer, evidence, finding)

    def airport_elevation(self) -> Draft | None:
        city = self.one("city")
        airport = self.airport(city)
        feet = self.world.value(airport, "elevation") if airport else None
        if airport is None or feet is None:
            return None
        answer = number(feet)
        finding = f"The elevation of {self.world.title(airport)} is {answer} feet."
        evidence = ((city, "airports"), (airport, "elevation"))
        return Draft({"city": self.world.title(city)}, answer, evidence, finding)

    def same_country(self) -> Draft | None:
        first, second = self.pair("airport")
        if self.rng.random() < 0.5:
            several = [group for group in self.pool["airport"] if len(group) > 1]
            first, second = self.rng.sample(self.rng.choice(several), 2)
        countries = [self.world.country(one) for one in (first, second)]
        if None in countries:
            return None
        where = [self.world.title(one) for one in countries if one]
        same = where[0] == where[1]
        finding = f"Both lie in {where[0]}: yes." if same else f"One lies in {where[0]}, one in {where[1]}: no."
        names = {"first": self.world.title(first), "second": self.world.title(second)}
        return Draft(names, "yes" if same else "no", ((first, "country"), (second, "country")), finding)

    def earlier_discovery(self) -> Draft | None:
        return self.compare(self.pair("element"), "discovery_year", "earlier", lower=True)

    def airport_capital_population(self) -> Draft | None:
        draft = self.airport_capital()
        if draft is None:
            return None
        city = self.capital(draft.evidence[1][0])
        people = self.world.value(city, "population") if city else None
        if not city or not people:
            return None
        finding = f"The population of the capital {self.world.title(city)} is {number(people)}."
        return Draft(draft.names, number(people), (*draft.evidence, (city, "population")), finding)

    def capital_airport_code(self) -> Draft | None:
        country = self.one("country")
        city = self.capital(country)
        airport = self.airport(city)
        if not city or not airport:
            return None
        finding = f"The IATA code of {self.world.title(airport)} is {code(airport)}."
        evidence = ((country, "capital"), (city, "airports"), (airport, "code"))
        return Draft({"country": self.world.title(country)}, code(airport), evidence, finding)

    def larger_capital(self) -> Draft | None:
        countries = self.pair("country")
        cities = [self.capital(country) for country in countries]
        if None in cities or cities[0] == cities[1]:
            return None
        first, second = (city for city in cities if city)
        draft = self.compare((first, second), "population", "larger")
        if draft is None:
            return None
        names = [self.world.title(country) for country in countries]
        answer = names[0] if draft.answer == self.world.title(first) else names[1]
        finding = f"{draft.finding[:-1]}, the capital of {answer}."
        evidence = ((countries[0], "capital"), (first, "population"), (countries[1], "capital"), (second, "population"))
        return Draft({"first": names[0], "second": names[1]}, answer, evidence, finding)

    def same_currency(self) -> Draft | None:
        groups = self.rng.sample(self.pool["city"], 2)
        if self.rng.random() < 0.5:
            by_money = defaultdict(list)
            for group in self.pool["city"]:
                by_money[self.currency(self.world.country(group[0]))].append(group)
            groups = self.rng.sample(self.rng.choice([g for g in by_money.values() if len(g) > 1]), 2)
        first, second = (self.rng.choice(group) for group in groups)
        countries = [self.world.country(one) for one in (first, second)]
        money = [self.currency(country) for country in countries]
        if None in money:
            return None
        same = money[0] == money[1]
        finding = f"Both use {money[0]}: yes." if same else f"One uses {money[0]}, the other {money[1]}: no."
        evidence = tuple(
            item
            for city, country in zip((first, second), countries, strict=True)
            if country
            for item in ((city, "country"), (country, "currency"))
        )
        names = {"first": self.world.title(first), "second": self.world.title(second)}
        return Draft(names, "yes" if same else "no", evidence, finding)


def make_tasks(split: Split, limit: int, seed: int) -> list[Task]:
    """The first `limit` tasks of a split's endless row; levels and kinds are mixed evenly."""
    rng = random.Random(f"hotpotqa/{split}/{seed}")
    drawer = Drawer(load_world(), _pools()[split], rng)
    by_level: dict[str, list[str]] = defaultdict(list)
    for name, kind in KINDS.items():
        by_level[kind.level].append(name)
    made = dict.fromkeys(by_level, 0)
    seen: set[str] = set()
    tasks: list[Task] = []
    for index in range(limit):
        level = LEVELS[LEVEL_PATTERN[index % len(LEVEL_PATTERN)]]
        name = by_level[level][made[level] % len(by_level[level])]
        made[level] += 1
        question, draft = _question(drawer, name, seen)
        told = drawer.world.told
        data = {
            "level": level,
            "kind": name,
            "type": KINDS[name].type,
            "answer": draft.answer,
            "evidence": [[drawer.world.title(entity), told[entity][fact]] for entity, fact in draft.evidence],
            "finding": draft.finding,
        }
        seen.add(question)
        tasks.append(Task("hotpotqa", f"{split}-{seed}-{index:06d}", split, question, data))
    return tasks


def _question(drawer: Drawer, name: str, seen: set[str]) -> tuple[str, Draft]:
    """A question of the kind, a new one as long as there are any."""
    draw: Callable[[], Draft | None] = getattr(drawer, name)
    last: tuple[str, Draft] | None = None
    for _ in range(TRIES):
        draft = draw()
        if draft is None or "(" in draft.answer:
            continue
        last = drawer.rng.choice(KINDS[name].wordings).format(**draft.names), draft
        if last[0] not in seen:
            break
    if last is None:
        raise AssertionError(f"no facts for a question of the kind {name}")
    return last


@functools.cache
def _pools() -> Mapping[Split, Pool]:
    """The pool of each split; titles with a remark in brackets are left out."""
    world = load_world()
    groups: dict[tuple[Split, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entity, page in world.pages.items():
        if "(" not in page.title:
            region = world.country(entity) or entity
            kinds = groups[split_of(world.graph, region), world.graph.kind[entity]]
            kinds[region].append(entity)
    pools: dict[Split, dict[str, list[list[str]]]] = defaultdict(dict)
    for (split, kind), regions in groups.items():
        pools[split][kind] = list(regions.values())
    return pools
