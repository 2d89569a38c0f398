"""The built-in encyclopedia: a page of three to six sentences for each country, large city, airport and element.

Every number and name comes from the knowledge graph (GeoNames and others, see `graph.py`), every sentence is ours.
A page opens with what the thing is; two sentences of much asked facts follow, then others that a search does not
show, each part in an order and wording of the page's own.

>>> world = load_world()
>>> world.pages["country.EE"].sentences[0]
'Estonia lies in Europe.'
"""

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agenttuning.environments.graph import Graph, load_graph
from agenttuning.environments.text_index import Page, fold

LARGE_CITY = 200_000  # smaller ones have a page only where they are capitals
MOST_AIRPORTS = 3  # a city's page names them all, so one with more has none of them named
Line = tuple[str, Sequence[str]]  # what the sentence tells, its wordings


@dataclass(frozen=True, eq=False)
class World:
    graph: Graph
    pages: Mapping[str, Page]
    """entity → page; titles are unique even without case and accents"""
    told: Mapping[str, Mapping[str, int]]
    """entity → what is told ("population", "neighbours", ...) → the sentence that tells it"""

    def ids(self, kind: str) -> list[str]:
        return [entity for entity in self.pages if self.graph.kind[entity] == kind]

    def title(self, entity: str) -> str:
        return self.pages[entity].title

    def ends(self, entity: str, relation: str) -> list[str]:
        return list(self.graph.forward.get(entity, {}).get(relation, ()))

    def end(self, entity: str, relation: str) -> str | None:
        """The relation's only end, None where there is none or several."""
        ends = self.ends(entity, relation)
        return ends[0] if len(ends) == 1 else None

    def value(self, entity: str, attribute: str) -> float | None:
        return self.graph.attributes.get(entity, {}).get(attribute)

    def country(self, entity: str) -> str | None:
        return entity if self.graph.kind[entity] == "country" else self.end(entity, "country")


def number(value: float) -> str:
    """As pages write it: thousands apart, no decimals where there are none."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,}"


def code(entity: str) -> str:
    """An airport's IATA code or an element's symbol: the last part of its id."""
    return entity.partition(".")[2]


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@functools.cache
def load_world() -> World:
    """All pages, the same in every run. Raises MissingExtra without the packages of the graph."""
    graph = load_graph()
    titles = _titles(graph)
    writers = {"country": _country, "city": _city, "airport": _airport, "element": _element}
    pages, told = {}, {}
    for entity, title in titles.items():
        core, near, far = writers[graph.kind[entity]](graph, entity, titles)
        rng = random.Random(f"page {entity}")
        rng.shuffle(near)
        rng.shuffle(far)
        lines = [core, *near, *far]
        pages[entity] = Page(title, tuple(rng.choice(wordings) for _, wordings in lines))
        told[entity] = {fact: i for i, (facts, _) in enumerate(lines) for fact in facts.split()}
    return World(graph, pages, told)


def _titles(graph: Graph) -> dict[str, str]:
    """The entities that have a page, with titles; of two with one name the later is told apart in brackets."""
    kinds: dict[str, list[str]] = {"country": [], "element": [], "city": [], "airport": []}
    for entity, kind in graph.kind.items():
        if kind in kinds:
            kinds[kind].append(entity)
    large = {city for city in kinds["city"] if graph.attributes.get(city, {}).get("population", 0) >= LARGE_CITY}
    capitals = {city for country in kinds["country"] for city in graph.forward[country].get("capital", ())}
    cities = [city for city in kinds["city"] if city in large or city in capitals]
    cities.sort(key=lambda city: -graph.attributes[city].get("population", 0))
    kept = set(cities)
    airports = [a for a in kinds["airport"] if set(graph.forward[a].get("city", ())) & kept]
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for entity in (*kinds["country"], *kinds["element"], *cities, *airports):
        label = " ".join(graph.label[entity].split())
        around = graph.forward[entity]
        country = graph.label[around["country"][0]] if "country" in around else ""
        own_name = graph.kind[entity] if country == label else country  # "Luxembourg (Luxembourg)" helps nobody
        marks = (code(entity),) if graph.kind[entity] == "airport" else (own_name, code(entity))
        for title in (label, *(f"{label} ({mark})" for mark in marks)):
            if fold(title) not in taken:
                titles[entity] = title
                taken.add(fold(title))
                break
    return titles


def _names(graph: Graph, entity: str, relation: str, titles: Mapping[str, str]) -> list[str]:
    return [titles.get(end, graph.label[end]) for end in graph.forward.get(entity, {}).get(relation, ())]


def _country(graph: Graph, entity: str, titles: Mapping[str, str]) -> tuple[Line, list[Line], list[Line]]:
    name, numbers = titles[entity], graph.attributes.get(entity, {})
    (continent,) = _names(graph, entity, "continent", titles)
    openings = [f"{name} is a country in {continent}.", f"{name} lies in {continent}."]
    # GeoNames counts islands without people among the countries.
    core: Line = ("continent", openings if "capital" in graph.forward[entity] else openings[1:])
    near: list[Line] = []
    far: list[Line] = []
    for capital in _names(graph, entity, "capital", titles):
        largest = max(
            (city for city in graph.forward[entity].get("cities", ()) if city in titles),
            key=lambda city: graph.attributes.get(city, {}).get("population", 0),
        )
        wordings = [f"Its capital is {capital}.", f"The government sits in the capital, {capital}."]
        if titles[largest] != capital:
            wordings = [
                f"Its capital is {capital}, its largest city {titles[largest]}.",
                f"{titles[largest]} is the largest city, but the capital is {capital}.",
            ]
        near.append(("capital", wordings))
    area = f" on {number(numbers['area'])} square kilometres" if numbers.get("area") else ""
    if numbers.get("population"):
        people = number(numbers["population"])
        wordings = [f"It has a population of {people}{area}.", f"Its population is {people}{area}."]
        near.append(("population", wordings))
    for money in _names(graph, entity, "currency", titles):
        far.append(("currency", [f"The currency is {money}.", f"People pay in the currency {money}."]))
    for phone in _names(graph, entity, "calling_code", titles):
        wordings = [f"Its calling code is {phone}.", f"Calls from abroad begin with the calling code {phone}."]
        far.append(("calling_code", wordings))
    languages = _names(graph, entity, "languages", titles)[:4]
    spoken = f"People there speak {listed(languages)}" if languages else "No language is listed for it"
    neighbours = _names(graph, entity, "neighbours", titles)
    borders = f"it borders {listed(neighbours)}" if neighbours else "it borders no other country"
    wordings = [f"{spoken}; {borders}.", f"{borders[0].upper()}{borders[1:]}; {spoken[0].lower()}{spoken[1:]}."]
    far.append(("languages neighbours", wordings))
    return core, near, far


def _city(graph: Graph, entity: str, titles: Mapping[str, str]) -> tuple[Line, list[Line], list[Line]]:
    name, numbers, around = titles[entity], graph.attributes.get(entity, {}), graph.forward[entity]
    (country,) = _names(graph, entity, "country", titles)
    if "capital_of" in around:
        core: Line = ("country", [f"{name} is the capital of {country}.", f"{name} is the capital city of {country}."])
    else:
        where = listed([*_names(graph, entity, "state", titles), country]).replace(" and ", ", ")
        core = ("country", [f"{name} is a city in {where}.", f"{name} is a large city in {where}."])
    near: list[Line] = []
    if numbers.get("population"):
        people = number(numbers["population"])
        wordings = [f"It has a population of {people}.", f"The city has a population of {people}."]
        near.append(("population", wordings))
    airports = [titles[one] for one in around.get("airports", ()) if one in titles]
    if 0 < len(airports) <= MOST_AIRPORTS:
        word = "airport" if len(airports) == 1 else "airports"
        wordings = [f"Its {word}: {listed(airports)}.", f"Flights use the {word} {listed(airports)}."]
        near.append(("airports", wordings))
    (zone,) = _names(graph, entity, "timezone", titles)
    far: list[Line] = [
        ("timezone", [f"Clocks follow the time zone {zone}.", f"Its time zone is {zone}."]),
        ("latitude", [f"It lies {_latitude(numbers['latitude'])} of the equator."]),
    ]
    return core, near, far


def _latitude(latitude: float) -> str:
    return f"{abs(latitude):.1f} degrees {'north' if latitude >= 0 else 'south'}"


def _airport(graph: Graph, entity: str, titles: Mapping[str, str]) -> tuple[Line, list[Line], list[Line]]:
    name, numbers = titles[entity], graph.attributes[entity]
    (country,), (city,) = (_names(graph, entity, relation, titles) for relation in ("country", "city"))
    core: Line = (
        "country city",
        [f"{name} is an airport that serves {city}, {country}.", f"{name} is the airport of {city} in {country}."],
    )
    iata = code(entity)
    feet = number(numbers["elevation"])
    near: list[Line] = [
        ("code", [f"Its IATA code is {iata}.", f"On tickets it has the IATA code {iata}."]),
        ("elevation", [f"Its elevation is {feet} feet.", f"It has an elevation of {feet} feet."]),
    ]
    far: list[Line] = [("latitude", [f"It lies {_latitude(numbers['latitude'])} of the equator."])]
    for zone in _names(graph, entity, "timezone", titles):
        far.append(("timezone", [f"Its clocks follow {zone}.", f"Its time zone is {zone}."]))
    return core, near, far


def _element(graph: Graph, entity: str, titles: Mapping[str, str]) -> tuple[Line, list[Line], list[Line]]:
    name, numbers = titles[entity], graph.attributes[entity]
    place, symbol = int(numbers["atomic_number"]), code(entity)
    core: Line = (
        "symbol atomic_number",
        [
            f"{name} is a chemical element with the symbol {symbol} and atomic number {place}.",
            f"{name} ({symbol}) is the chemical element of atomic number {place}.",
        ],
    )
    near: list[Line] = []
    row = _elements(graph)
    if 1 < place < len(row):
        before, after = titles[row[place - 2]], titles[row[place]]
        near.append(
            (
                "next",
                [
                    f"In the periodic table it follows {before} and comes before {after}.",
                    f"The element before it is {before}, the element after it {after}.",
                ],
            )
        )
    weight = number(numbers["atomic_weight"])
    near.append(("atomic_weight", [f"Its atomic weight is {weight}.", f"It has an atomic weight of {weight}."]))
    far: list[Line] = []
    (series,) = _names(graph, entity, "series", titles)
    (period,) = _names(graph, entity, "period", titles)
    far.append(("series period", [f"It stands in {period}, among the {series}."]))
    if year := numbers.get("discovery_year"):
        wordings = [f"It was discovered in {year:.0f}.", f"Chemists discovered it in {year:.0f}."]
        far.append(("discovery_year", wordings))
    if heat := numbers.get("melting_point"):
        far.append(("melting_point", [f"Its melting point is {round(heat):,} kelvin."]))
    if lattice := _names(graph, entity, "lattice", titles):
        far.append(("lattice", [f"Its crystals have a {lattice[0]}.", f"As a solid it forms a {lattice[0]}."]))
    return core, near, far[:3]


@functools.lru_cache(maxsize=2)
def _elements(graph: Graph) -> list[str]:
    """The elements by atomic number, from 1."""
    found = [entity for entity, kind in graph.kind.items() if kind == "element"]
    return sorted(found, key=lambda entity: graph.attributes[entity]["atomic_number"])
