"""Distractors are near, come from elsewhere, and could not do the job."""

from random import Random

import pytest
from expert_rows import experts
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import tools as any_tool
from strategies import trajectories

from agenttuning.corpus.abilities import LONGEST, ability, name_words
from agenttuning.corpus.distractor_tools import SHIPPED, THINGS, made_from
from agenttuning.corpus.distractors import Distractors, Pool, about, narrow, objects, similarity
from agenttuning.corpus.misnaming import misnamed
from agenttuning.dialects import check_call
from agenttuning.trajectory import Task, Tool, ToolCall, Trajectory

SEARCH = Tool(
    "search", "Open the page of this title.", {"properties": {"entity": {"type": "string"}}}, "search {entity}"
)
FLIGHTS = Tool("search_flights", "Search flights between two airports.", {"properties": {"origin": {}}})
SQL = Tool("execute_sql", "Run one MySQL statement and read its result.", {"properties": {"query": {}}})


def near(needed, query, seed=0, *, pool=(), environment="wiki", count=5, beside=()):
    return Distractors(pool).near(
        needed, query=query, environment=environment, count=count, random=Random(seed), beside=beside
    )


def test_at_least_forty_tools_are_shipped_each_with_a_schema_and_a_narrow_job():
    assert len(SHIPPED) >= 40
    assert len({tool.name for tool in SHIPPED}) == len(SHIPPED)
    for tool in SHIPPED:
        assert tool.parameters["type"] == "object"
        assert tool.arguments
        assert set(tool.required) <= set(tool.arguments)
        assert about(tool), tool.name
        assert tool.description[0].isupper()
        assert tool.description.endswith(".")
        assert not ability(tool).startswith("handle"), tool.name
        check_call(ToolCall(tool.name, {name: _value(tool, name) for name in tool.required}), SHIPPED)


def _value(tool, name):
    schema = tool.parameters["properties"][name]
    return {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": []}[schema["type"]]


def test_they_are_nearer_than_tools_drawn_blindly():
    for needed in (SEARCH, SQL, FLIGHTS):
        chosen = [similarity(needed, tool) for seed in range(30) for tool in near(needed, "Where is Oslo?", seed)]
        blind = [similarity(needed, tool) for tool in SHIPPED]
        assert sum(chosen) / len(chosen) > 1.5 * sum(blind) / len(blind)


def test_made_tools_keep_the_verb_and_change_the_object():
    tool = made_from(SEARCH, THINGS[0])
    assert (tool.name, tool.required) == ("search_print_job", ("job_number",))
    assert tool.description == "Search a print job in the queue of the office printer."
    assert made_from(SQL, THINGS[2]).name == "execute_voucher"


def test_what_the_query_speaks_of_is_left_out():
    names = {tool.name for seed in range(200) for tool in near(SEARCH, "Which podcasts are about hostels?", seed)}
    assert not names & {"search_podcasts", "search_hostels"}
    names = {tool.name for seed in range(200) for tool in near(SEARCH, "Where is Oslo?", seed)}
    assert {"search_podcasts", "search_hostels"} <= names


def test_tools_of_the_same_environment_and_tools_for_anything_do_not_replace():
    library = Tool("search_orchids", "Search a nursery for orchids.", {"properties": {"orchid": {}}})
    ask = Tool("search_web", "Search the web.", {"properties": {"query": {}}})
    twin = Tool("search_", "Open the page of this title.", {"properties": {"entity": {}}})
    pool = [("wiki", FLIGHTS), ("shop", library), ("shop", ask), ("shop", twin), ("shop", SQL)]
    names = {tool.name for seed in range(300) for tool in near(SEARCH, "Where is Oslo?", seed, pool=pool)}
    assert library.name in names
    assert not names & {FLIGHTS.name, ask.name, twin.name, SQL.name}


@pytest.mark.parametrize("episode", experts(1), ids=lambda e: e.task.environment)
def test_the_built_in_environments_tools_could_do_each_others_jobs_and_are_left_out(episode):
    assert not [tool.name for tool in episode.tools if narrow(tool)]


def test_a_tool_that_shares_the_needed_ones_object_is_left_out():
    weather = Tool("current_weather", "Weather in a city.", {"properties": {"city": {}}})
    names = {tool.name for seed in range(200) for tool in near(weather, "Do I need a coat in Oslo?", seed)}
    assert "get_weather_forecast" not in names


def test_names_that_are_taken_are_not_used_again():
    taken = [Tool(f"search_{thing}", "x", {}) for thing, *_ in THINGS]
    names = [tool.name for seed in range(50) for tool in near(SEARCH, "?", seed, beside=taken)]
    assert not set(names) & {tool.name for tool in taken}


def test_commands_get_commands():
    assert all(tool.phrase and set(tool.arguments) for tool in near(SEARCH, "Where is Oslo?"))
    assert all(tool.phrase is None for tool in near(SQL, "How many?"))


@given(needed=any_tool(), query=st.text(max_size=60), seed=st.integers(0, 99))
def test_distractors_are_distinct_and_never_the_needed_tool(needed, query, seed):
    found = near(needed, query, seed)
    assert len({tool.name for tool in found}) == len(found) == 5
    assert needed.name not in {tool.name for tool in found}
    assert found == near(needed, query, seed)
    for tool in found:
        assert not about(tool) & objects(query)


@settings(max_examples=25)
@given(st.lists(trajectories, max_size=4), st.randoms())
def test_the_pool_does_not_depend_on_the_order(episodes, random):
    one, other = Pool(0), Pool(0)
    for episode in episodes:
        one.add(episode)
    shuffled = list(episodes)
    random.shuffle(shuffled)
    for episode in shuffled:
        other.add(episode)
    names = [(environment, tool.name) for environment, tool in one.tools()]
    assert names == [(environment, tool.name) for environment, tool in other.tools()]
    assert set(names) == {(e.task.environment, tool.name) for e in episodes for tool in e.tools}


def test_the_pool_keeps_so_many_and_no_more():
    episodes = [
        Trajectory(Task("e", str(i), "train", ""), (Tool(f"tool_{i % 40}", "", {}),), "", "") for i in range(200)
    ]
    kept = []
    for order in (episodes, episodes[::-1]):
        pool = Pool(3, size=10)
        for episode in order:
            pool.add(episode)
        kept.append([tool.name for _, tool in pool.tools()])
    assert len(kept[0]) == 10
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("execute_sql", "Run one MySQL statement and read its result.", "run one MySQL statement and read its result"),
        ("search", "Open the page of this title.", "open the page of a given title"),
        ("count", "Count the members; makes a variable.", "count the members"),
        ("argmax", "Members with the highest attribute.", 'handle "argmax" requests'),
        ("getWeather", "Weather in a city", "get weather"),
        ("x", "This API returns the weather (in Celsius) of a city.", "return the weather"),
        ("x", "This tool can be used to search for hotels. Use with care.", "search for hotels"),
        ("x", "Queries the index", "query the index"),
        ("", "", 'handle "" requests'),
    ],
)
def test_abilities(name, description, expected):
    assert ability(Tool(name, description, {})) == expected


@given(st.text(max_size=40), st.text(max_size=300))
def test_an_ability_is_short_and_has_no_end(name, description):
    text = ability(Tool(name, description, {}))
    assert "\n" not in text.replace(name_words(name), "")
    assert len(text.split()) <= max(LONGEST, 2 + len(name_words(name).split()))


@given(st.lists(any_tool(), min_size=1, max_size=5, unique_by=lambda tool: tool.name), st.integers(0, 50))
def test_a_misnamed_tool_does_not_exist_and_is_nearest_to_one_that_does(tools, seed):
    asked, nearest = misnamed(tools[0], tools, Random(seed))
    assert asked not in {tool.name for tool in tools}
    assert nearest in tools


def test_names_are_mistaken_in_many_ways():
    names = {misnamed(SQL, (SQL, SEARCH), Random(seed))[0] for seed in range(100)}
    assert len(names) >= 12
    assert all(misnamed(SQL, (SQL, SEARCH), Random(seed))[1] is SQL for seed in range(100))
