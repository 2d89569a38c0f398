"""Files of card games: what loads, what is refused and how, and what is left out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.card_game import CardGame
from agenttuning.environments.card_game.files import setting
from agenttuning.environments.card_game.match import MatchSetting
from agenttuning.environments.card_game.rules import SPECIES
from agenttuning.environments.card_game.tasks import KINDS
from agenttuning.errors import BadInput

GAME = {"own": list(SPECIES), "enemy": ["eel", "spray", "sunfish", "flame"], "first": "agent", "opponent": "inferring"}
GAME["seed"] = 1


# Files of games


def written_file(path: Path, *rows) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_file_of_games_is_played_as_it_stands(tmp_path):
    path = written_file(tmp_path / "games.jsonl", {**GAME, "id": "one"}, "", {**GAME, "first": "enemy", "seed": "b"})
    environment = CardGame(path)
    tasks = environment.tasks("train")
    assert [(task.id, task.kind, task.split) for task in tasks] == [
        ("one", "inferring_first", "test"),
        ("game-000003", "inferring_second", "test"),
    ]
    assert setting(tasks[0].data) == MatchSetting(SPECIES, tuple(GAME["enemy"]), 0, "inferring", 1)
    assert environment.tasks("test", limit=1) == tasks[:1]
    for task in tasks:
        assert environment.reset(task)
        calls = [decision.call for decision in environment.expert(task) if environment.step(decision.call)]
        assert len(calls) <= environment.max_turns
        assert environment.choices() == []  # the game is over


def test_the_benchmark_writes_games_that_load(tmp_path):
    script = Path(__file__).parents[1] / "benchmarks" / "card_game.py"
    path = tmp_path / "games.jsonl"
    command = [sys.executable, str(script), "--write", str(path), "--games", "3"]
    assert "12 games" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [task.kind for task in CardGame(path).tasks("test")] == [kind for kind in KINDS for _ in range(3)]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("{oops", "not JSON"),
        ("[1]", "expected a JSON object, found list"),
        ({}, "no field 'own'; AgentBench publishes no games; a line of ours is {"),
        ({**GAME, "own": ["spray"] * 4}, "'own' should be a list with each of spray, flame, eel, sunfish once"),
        ({**GAME, "own": 7}, "'own' should be a list"),
        ({**GAME, "enemy": {"spray": 1}}, "'enemy' should be a list"),
        ({**GAME, "enemy": [None, [], 1, "x" * 500]}, "'enemy' should be a list"),
        ({**GAME, "first": True}, "'first' should be one of agent, enemy, found True"),
        ({**GAME, "opponent": ["random"]}, "'opponent' should be one of random, inferring"),
        ({**GAME, "seed": 1.5}, "'seed' should be a whole number or a short text, found 1.5"),
        ({**GAME, "seed": None}, "'seed' should be"),
        ({**GAME, "id": "a\nb"}, "'id' should be a short text"),
        ({**GAME, "id": "\ud800"}, "'id' should be a short text"),
        ({**GAME, "id": "good"}, "'id' is 'good', as in an earlier line"),
    ],
)
def test_a_wrong_line_is_named_or_left_out(tmp_path, row, what):
    path = written_file(tmp_path / "games.jsonl", {**GAME, "id": "good"}, row)
    with pytest.raises(BadInput) as caught:
        CardGame(path).tasks("test")
    assert str(caught.value).startswith(f"{path}:2: ")
    assert what in str(caught.value)
    assert str(caught.value).endswith("; --skip-bad leaves such records out")
    environment = CardGame(path, skip_bad=True)
    assert [task.id for task in environment.tasks("test")] == ["good"]
    (line,) = environment.skipped
    assert line.startswith(f"{path}:2: ")
    assert "\n" not in line
    assert CardGame().skipped == ()


def test_a_file_without_games_says_that_there_are_no_official_ones(tmp_path):
    for path in (written_file(tmp_path / "empty.jsonl"), tmp_path / "absent.jsonl"):
        with pytest.raises(BadInput, match=path.name):
            CardGame(path).tasks("test")
    with pytest.raises(BadInput, match="AgentBench publishes no games"):
        CardGame(tmp_path / "empty.jsonl").tasks("test")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
fields = st.fixed_dictionaries({}, optional={key: json_values | st.just(GAME[key]) for key in GAME})


@given(st.one_of(st.lists(fields | json_values, max_size=3), st.binary(max_size=60)), st.booleans())
@settings(max_examples=150)
def test_any_file_loads_or_is_bad_input(tmp_path_factory, content, skip):
    path = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else "\n".join(map(json.dumps, content)).encode())
    environment = CardGame(path, skip_bad=skip)
    try:
        tasks = environment.tasks("test")
    except BadInput as error:
        message = str(error)
    else:
        message = str(path)
        for task in tasks:
            assert environment.reset(task)
    assert message.startswith(str(path))
