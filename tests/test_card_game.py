"""The card game as an environment: tools and phases, what is told, the expert, tasks, splits, files of games."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.dialects.command import Command
from agenttuning.environments.card_game import CardGame
from agenttuning.environments.card_game.rules import SPECIES
from agenttuning.errors import InvalidAction
from agenttuning.trajectory import Task, ToolCall

GAME = {"own": list(SPECIES), "enemy": ["eel", "spray", "sunfish", "flame"], "first": "agent", "opponent": "inferring"}
GAME["seed"] = 1


def begun(**changes) -> CardGame:
    environment = CardGame()
    environment.reset(Task("card_game", "x", "test", "Win.", {**GAME, **changes}))
    return environment


def call(name: str, *values) -> ToolCall:
    tool = next(tool for tool in CardGame.tools if tool.name == name)
    return ToolCall(name, dict(zip(tool.arguments, values, strict=True)))


# Phases and what is told


def test_a_turn_is_a_guess_and_a_move_and_then_the_enemys_turn():
    environment = CardGame()
    opening = environment.reset(Task("card_game", "x", "test", "Win.", GAME))
    assert opening == (
        "Win.\n"
        "You (hp, attack): 0 spray 400, 200; 1 flame 400, 200; 2 eel 400, 200; 3 sunfish 400, 200\n"
        "Enemy (hp): 0 unknown 400; 1 unknown 400; 2 unknown 400; 3 unknown 400\n"
        "Guess or skip."
    )
    assert environment.step(call("guess", 2, "sunfish")).observation == (
        "You guess that enemy 2 is sunfish: right, every enemy loses 50.\n"
        "You (hp, attack): 0 spray 400, 200; 1 flame 400, 200; 2 eel 400, 200; 3 sunfish 400, 200\n"
        "Enemy (hp): 0 unknown 350; 1 unknown 350; 2 sunfish 350; 3 unknown 350\n"
        "Move: attack, aoe or infight."
    )
    told = environment.step(call("aoe", "spray")).observation.splitlines()
    assert told[0] == (
        "Your spray uses aoe: enemy 0 -56, enemy 1 -84, enemy 2 -56, enemy 3 -84; deflected by enemy 0, enemy 2."
    )
    assert re.fullmatch(r"The enemy guesses that your \w+ is \w+: (wrong\.|right, each of yours loses 50\.)", told[1])
    assert told[2] == (
        "Enemy 1 uses aoe: your spray -84, your flame -84, your eel -56, your sunfish -56; "
        "deflected by your eel, your sunfish."
    )
    assert told[-1] == "Guess or skip."


def test_who_moves_second_reads_the_enemys_turn_first():
    environment = CardGame()
    opening = environment.reset(Task("card_game", "x", "test", "Win.", {**GAME, "first": "enemy"}))
    assert opening.splitlines()[1].startswith("The enemy guesses that your ")
    assert "Enemy 1 uses aoe: your spray -84" in opening


def test_counters_infight_and_the_dead_are_told():
    environment = begun()
    match = environment._match
    assert match is not None
    match.game.sides[1].hp = [130, 400, 400, 0]
    environment.step(call("skip_guess"))
    told = environment.step(call("attack", "flame", 0)).observation
    assert told.startswith(
        "Your flame attacks enemy 0: your flame -30, enemy 0 -70, enemy 1 -15, enemy 2 -15; "
        "deflected by enemy 0; countered for enemy 0 (1 x 30).\n"
    )
    assert "3 unknown dead" in told
    environment.step(call("skip_guess"))
    told = environment.step(call("infight", "flame", "spray")).observation
    assert told.startswith("Your flame uses infight on your spray: your spray -75.\n")
    assert re.search(r"1 flame \d+, 340", told)


def test_winning_and_losing_end_the_game_with_its_measures():
    environment = begun()
    match = environment._match
    assert match is not None
    match.game.sides[1].hp = [0, 40, 0, 0]
    won = environment.step(call("guess", 1, "spray"))
    assert (won.terminated, won.reward, won.solved) == (True, 1.0, True)
    assert won.measures == {"win": 1.0, "damage": 1.0}
    assert won.observation.endswith("You win: no enemy fish is left.")
    environment = begun()
    match = environment._match
    assert match is not None
    match.game.sides[0].hp = [60, 0, 0, 0]
    match.game.sides[1].hp = [400, 400, 400, 0]
    environment.step(call("skip_guess"))
    lost = environment.step(call("aoe", "spray"))
    assert (lost.terminated, lost.reward, lost.solved) == (True, 0.0, False)
    assert lost.measures["win"] == 0.0
    assert 0.3 < lost.measures["damage"] < 0.5
    assert lost.observation.endswith("You lose: no fish of yours is left.")
    with pytest.raises(InvalidAction, match="over"):
        environment.step(call("skip_guess"))


def test_the_measures_stand_at_every_step_for_a_game_that_the_turns_end():
    environment = begun()
    assert environment.step(call("skip_guess")).measures == {"win": 0.0, "damage": 0.0}
    told = environment.step(call("aoe", "spray"))
    assert not told.terminated
    assert told.measures["damage"] >= 280 / 1600


# Wrong calls


@pytest.mark.parametrize(
    ("before", "action", "why"),
    [
        ([], call("guess", 3, "eel"), "enemy 3 is dead and cannot be guessed"),
        ([], call("guess", 2, "eel"), "enemy 2 is known already"),
        ([call("skip_guess")], call("attack", "spray", 3), "enemy 3 is dead and cannot be attacked"),
        ([call("skip_guess")], call("attack", "eel", 0), "your eel is dead and cannot act"),
        ([call("skip_guess")], call("aoe", "eel"), "your eel is dead and cannot act"),
        ([call("skip_guess")], call("infight", "flame", "flame"), "flame cannot infight with itself"),
        ([call("skip_guess")], call("infight", "flame", "eel"), "your eel is dead and cannot be hurt"),
    ],
)
def test_a_move_against_the_rules_loses_and_says_why(before, action, why):
    environment = begun()
    match = environment._match
    assert match is not None
    match.game.sides[1].hp[3] = 0
    match.game.sides[1].exposed[2] = True
    match.game.sides[0].hp[2] = 0
    for one in before:
        environment.step(one)
    feedback = environment.step(action)
    assert feedback.terminated
    assert not feedback.solved
    assert feedback.reward == 0
    assert feedback.measures == {"win": 0.0, "damage": 0.25}
    assert why in feedback.observation
    assert "You lose the game." in feedback.observation
    with pytest.raises(InvalidAction):
        environment.step(action)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (call("attack", "spray", 0), "This is the guess phase; use one of: guess, skip_guess."),
        (ToolCall("fly"), "use one of: guess, skip_guess"),
        (call("guess", 4, "eel"), "position must be a position, 0 to 3"),
        (call("guess", True, "eel"), "position must be a position"),
        (call("guess", "1", "eel"), "position must be a position"),
        (call("guess", 1, "shark"), "species must be one of spray, flame, eel, sunfish"),
        (call("guess", 1, ["eel"]), "species must be one of"),
        (ToolCall("guess", {"position": 1}), "species must be one of"),
    ],
)
def test_a_call_that_is_no_move_is_told_and_the_game_goes_on(action, told):
    environment = begun()
    with pytest.raises(InvalidAction, match=re.escape(told)):
        environment.step(action)
    environment.step(call("skip_guess"))
    with pytest.raises(InvalidAction, match="move phase; use one of: attack, aoe, infight"):
        environment.step(call("skip_guess"))
    for wrong in (call("aoe", "flame"), call("infight", "eel", "spray"), call("attack", "spray", -1)):
        with pytest.raises(InvalidAction):
            environment.step(wrong)
    assert not environment.step(call("aoe", "spray")).terminated


@given(
    st.integers(0, 10**6),
    st.lists(
        st.builds(
            ToolCall,
            st.sampled_from([tool.name for tool in CardGame.tools]),
            st.dictionaries(
                st.sampled_from(["position", "species", "fish", "target", "ally"]),
                st.one_of(st.integers(-1, 4), st.sampled_from([*SPECIES, "", "shark"]), st.none(), st.booleans()),
                max_size=3,
            ),
        ),
        max_size=12,
    ),
)
@settings(max_examples=150)
def test_any_call_is_played_told_or_loses(seed, calls):
    environment = begun(seed=seed, first="enemy" if seed % 2 else "agent")
    over = False
    for action in calls:
        try:
            feedback = environment.step(action)
        except InvalidAction:
            continue
        assert not over
        over = feedback.terminated
        assert 0 < len(feedback.observation) < 900
    if over:
        assert environment.choices() == []


def test_choices_are_exactly_what_the_rules_allow():
    environment = begun()
    assert len(environment.choices()) == 17
    match = environment._match
    assert match is not None
    match.game.sides[1].exposed[0] = True  # an eel: three fish may each be one of three
    assert len(environment.choices()) == 10
    environment.step(call("skip_guess"))
    # four attack four, two have an aoe, two may infight with three
    assert len(environment.choices()) == 16 + 2 + 6
    for choice in environment.choices():
        trial = begun()
        trial.step(call("skip_guess"))
        assert "against the rules" not in trial.step(choice).observation


def test_every_call_survives_the_command_dialect():
    environment, dialect = begun(), Command()
    calls = list(environment.choices())
    environment.step(call("skip_guess"))
    for one in [*calls, *environment.choices()]:
        assert dialect.read(f"Thought: go\nAction: {written(one)}", environment.tools).call == one


def written(one: ToolCall) -> str:
    return " ".join(map(str, (one.name, *one.arguments.values())))
