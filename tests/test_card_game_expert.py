"""The card game's expert and its tasks: winning, honest thoughts, splits, the same everywhere."""

import json
import os
import random
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.dialects.base import check_call
from agenttuning.environments import make
from agenttuning.environments.base import Feedback
from agenttuning.environments.card_game import CardGame
from agenttuning.environments.card_game.expert import guess_call, move_call
from agenttuning.environments.card_game.files import setting
from agenttuning.environments.card_game.knowledge import Belief
from agenttuning.environments.card_game.match import Match, MatchSetting
from agenttuning.environments.card_game.player import Player, expert_dice, play_out
from agenttuning.environments.card_game.rules import SPECIES, Move
from agenttuning.environments.card_game.tasks import KINDS, draw, lineups, make_task
from agenttuning.rollout.validate import validate
from agenttuning.trajectory import SPLITS, Task


def play(environment: CardGame, task: Task) -> tuple[Feedback, list[str]]:
    said = [environment.reset(task)]
    feedback = Feedback("")
    for decision in environment.expert(task):
        assert decision.call is not None
        check_call(decision.call, environment.tools)
        assert decision.call in environment.choices()
        feedback = environment.step(decision.call)
        said += [decision.thought or "", feedback.observation]
    return feedback, said


# The expert


@pytest.mark.parametrize("split", SPLITS)
def test_the_expert_wins_every_built_in_game_within_the_calls(split):
    environment = CardGame()
    for task in environment.tasks(split, limit=24):
        feedback, said = play(environment, task)
        assert feedback.solved, task
        assert feedback.measures["win"] == 1.0
        assert len(said) // 2 <= environment.max_turns
        assert max(map(len, said)) < 900


def test_the_expert_wins_most_games_that_nobody_chose():
    for kind, least in zip(KINDS, (0.95, 0.95, 0.95, 0.85), strict=True):
        assert sum(play_out(draw("dev", kind, f"any-{n}")).won for n in range(40)) >= 40 * least, kind


@pytest.mark.parametrize("number", range(8))
def test_the_expert_needs_nothing_but_what_was_seen(number):
    """A player that is told of the phases as both sides saw them, and of nothing else, decides the same."""
    environment = CardGame()
    task = make_task("dev", 5, number)
    environment.reset(task)
    match, chosen = environment._match, setting(task.data)
    assert match is not None
    told = Player(chosen.side, chosen.own, expert_dice(chosen))
    heard = 0
    for decision in environment.expert(task):
        for played in match.log[heard:]:
            told.saw(played)
        heard = len(match.log)
        guessing = told.game.phase == "guess"
        assert decision.call == (guess_call(told.guess()) if guessing else move_call(told.move(), chosen.own))
        environment.step(decision.call)
    assert match.won


@given(st.integers(0, 10**6), st.sampled_from(KINDS))
@settings(max_examples=25)
def test_what_the_expert_believes_always_holds_the_truth(seed, kind):
    chosen = draw("train", kind, str(seed))
    match, dice = Match(chosen), random.Random(seed)
    belief, heard = Belief(chosen.side, chosen.own), 0
    while True:
        for played in match.log[heard:]:
            before = len(belief.worlds)
            belief.saw(played)
            assert 1 <= len(belief.worlds) <= before
        heard = len(match.log)
        for world in belief.worlds:
            for side in (0, 1):
                assert world.sides[side].hp == match.game.sides[side].hp
                assert world.sides[side].exposed == match.game.sides[side].exposed
        lineups_left = [world.sides[1 - chosen.side].species for world in belief.worlds]
        assert chosen.enemy in lineups_left
        for position in range(4):
            counts = belief.counts(position)
            assert sum(count for _, count in counts) == len(belief.worlds)
        if match.over:
            return
        if match.game.phase == "guess":
            match.guess(dice.choice([None, *match.game.guesses()]))
        else:
            match.act(dice.choice(match.game.moves()))


def test_a_deflection_and_an_aoe_tell_an_eel():
    player = Player(0, SPECIES, random.Random(0))
    match = Match(MatchSetting(SPECIES, ("eel", "flame", "sunfish", "spray"), 0, "random", 1))
    match.game.guess()
    seen = match.game.act(Move("attack", 0, 0))
    player.saw(type(seen)(0, None, ()))
    player.saw(seen)
    assert {species for species, _ in player.belief.counts(0)} == {"eel", "sunfish"}
    assert {species for species, _ in player.belief.counts(1)} == set(SPECIES)
    player.saw(match.game.guess())
    player.saw(match.game.act(Move("aoe", 0)))
    assert player.belief.counts(0) == [("eel", 6)]
    assert player.guess().species == "eel"


def test_the_expert_prefers_the_move_that_wins_and_avoids_the_one_that_loses():
    match = Match(MatchSetting(SPECIES, ("eel", "flame", "sunfish", "spray"), 0, "random", 1))
    player = Player(0, SPECIES, random.Random(0))
    for world in player.belief.worlds:
        world.guess()
        world.sides[1].hp = [0, 100, 0, 0]
    move = player.move()
    assert (move.kind, move.target) == ("attack", 1)
    assert player.worth(Move("aoe", 0)) < player.worth(move)
    assert match.game.phase == "guess"


def test_thoughts_vary_and_name_no_hidden_fish_as_certain_unless_it_is():
    environment = CardGame()
    thoughts = set()
    for task in environment.tasks("train", limit=20):
        environment.reset(task)
        for decision in environment.expert(task):
            thought = decision.thought
            assert thought is not None
            assert 10 < len(thought) < 200
            assert thought[0].isupper()
            assert thought.endswith(".")
            thoughts.add(re.sub(r"\d+|spray|flame|eel|sunfish|Spray|Flame|Eel|Sunfish", "_", thought))
            certain = re.search(r"can only be (\w+)|Only (\w+) fits|but (\w+) is ruled", thought)
            feedback = environment.step(decision.call)
            if certain:
                assert ": right" in feedback.observation
    assert len(thoughts) > 25


# Tasks


def test_tasks_are_the_same_each_time_and_a_smaller_limit_is_a_prefix():
    environment = CardGame()
    tasks = environment.tasks("test", limit=12, seed=3)
    assert environment.tasks("test", limit=5, seed=3) == tasks[:5]
    assert make_task("test", 3, 11) == tasks[11]
    assert environment.tasks("test", limit=5, seed=4) != tasks[:5]
    assert all(json.loads(json.dumps(task.data)) == task.data for task in tasks)
    assert len({task.goal for task in tasks}) > 8


def test_each_opponent_and_side_comes_equally_often():
    tasks = CardGame().tasks("test", limit=20)
    assert [task.kind for task in tasks] == list(KINDS) * 5
    assert [task.level for task in tasks[:4]] == ["easy", "easy", "medium", "hard"]
    for task in tasks:
        chosen = setting(task.data)
        assert task.kind == f"{chosen.opponent}_{('first', 'second')[chosen.side]}"
        assert f"{('first', 'second')[chosen.side]}" in task.goal
        assert ", ".join(chosen.own) in task.goal


def test_every_pair_of_line_ups_belongs_to_one_split():
    sets = [set(lineups(split)) for split in SPLITS]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 24 * 24
    assert len(sets[0]) > len(sets[2]) > len(sets[1]) > 50
    for split, pairs in zip(SPLITS, sets, strict=True):
        for task in CardGame().tasks(split, limit=12):
            assert (tuple(task.data["own"]), tuple(task.data["enemy"])) in pairs


def test_the_same_task_is_the_same_game_in_another_process():
    program = (
        "from agenttuning.environments.card_game import CardGame\n"
        "e = CardGame()\n"
        "for t in e.tasks('dev', limit=4):\n"
        "    print(t, e.reset(t))\n"
        "    for d in e.expert(t): print(d, e.step(d.call))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert "You win" in outputs.pop()


def test_validate_solves_every_task_through_worker_processes():
    result = validate("card_game", limit=8, workers=1)
    assert (result.tasks, result.solved, result.mean_reward, result.failures) == (24, 24, 1.0, ())
    assert make("card_game").tasks("test", limit=1)
