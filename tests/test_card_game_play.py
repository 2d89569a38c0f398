"""The card game in play: what holds in any game, and the scripted opponents."""

import random

from card_game_reference import Reference
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.card_game.opponents import OPPONENTS, make_opponent
from agenttuning.environments.card_game.rules import PHASES, SPECIES, TEAM_HP, Event, Game, Guess, Move, Played

SPRAY, FLAME, EEL, SUNFISH = range(4)  # the positions in the plain line-up
PLAIN = SPECIES


# Any game


lineup = st.permutations(SPECIES)


@given(lineup, lineup, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_in_any_game_hp_only_fall_are_what_was_hit_and_it_ends(first, second, dice):
    game = Game(first, second)
    while game.winner is None:
        before_game = game.copy()
        before = [side.hp for side in before_game.sides]
        if game.phase == "guess":
            options = [None, *game.guesses()]
            played = game.guess(dice.choice(options))
        else:
            played = game.act(dice.choice(game.moves()))
        lost = {(side, fish): 0 for side in (0, 1) for fish in range(4)}
        for event in played.events:
            if event.kind == "hit":
                lost[event.side, event.position] += event.amount
            elif event.kind == "right":
                for fish in range(4):
                    lost[event.side, fish] += event.amount
        for side in (0, 1):
            old = before_game.sides[side].attack
            assert all(new >= was for new, was in zip(game.sides[side].attack, old, strict=True))
            assert min(game.sides[side].wounds) >= 0
            for fish in range(4):
                assert game.sides[side].hp[fish] == max(0, before[side][fish] - lost[side, fish])
        if isinstance(played.done, Move):
            assert sum(lost.values()) == expected_damage(before_game, played.done) + 30 * [
                e.kind for e in played.events
            ].count("counter")
    assert game.played <= PHASES


@given(lineup, lineup, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=120)
def test_a_second_engine_that_keeps_its_books_otherwise_plays_every_game_alike(first, second, dice, guessing):
    game, other = Game(first, second), Reference(first, second)
    while game.winner is None:
        if game.phase == "guess":
            guess = dice.choice([*game.guesses(), None]) if dice.random() < guessing else None
            game.guess(guess)
            other.guess(*(guess or ()))
        else:
            move = dice.choice(game.moves())
            game.act(move)
            getattr(other, move.kind)(move.fish, move.target)
        for side, team in zip(game.sides, other.teams, strict=True):
            assert list(zip(side.hp, side.attack, side.exposed, strict=True)) == team.shown
        assert (game.mover, game.played, game.winner) == (other.mover, other.phases, other.winner)


def expected_damage(game: Game, move: Move) -> int:
    """All damage of a move but the counters, reckoned from the rules' text: a deflected hit loses what is rounded."""
    own, enemy = game.sides[game.mover], game.sides[1 - game.mover]
    if move.kind == "infight":
        return 75
    attack = own.attack[move.fish]
    hit = attack // 2 if move.kind == "attack" else 70 if own.species[move.fish] == "spray" else int(attack * 0.35)
    sharing = len(enemy.alive) - 1
    total = 0
    for target in [move.target] if move.kind == "attack" else enemy.alive:
        deflected = enemy.species[target] in ("eel", "sunfish") and sharing
        total += int(hit * 0.7) + int(hit * 0.3) // sharing * sharing if deflected else hit
    return total


@given(lineup, lineup, st.sampled_from(OPPONENTS), st.sampled_from(OPPONENTS), st.integers(0, 99))
@settings(max_examples=40)
def test_the_same_seed_plays_the_same_game_and_the_opponents_never_break_a_rule(first, second, one, other, seed):
    assert played_out(first, second, (one, other), seed) == played_out(first, second, (one, other), seed)


def played_out(first, second, names, seed) -> tuple[int, list[Played]]:
    game = Game(first, second)
    players = [make_opponent(name, side, f"{seed}-{side}") for side, name in enumerate(names)]
    log = []
    while game.winner is None:
        player = players[game.mover]
        log.append(game.guess(player.guess(game)) if game.phase == "guess" else game.act(player.act(game)))
        for watcher in players:
            watcher.saw(log[-1])
    return game.winner, log


# The opponents


def test_the_inferring_opponent_beats_the_random_one_from_either_side():
    dice, won = random.Random(0), [0, 0]
    for seed in range(150):
        first, second = dice.sample(SPECIES, 4), dice.sample(SPECIES, 4)
        for side, names in enumerate((("inferring", "random"), ("random", "inferring"))):
            won[side] += played_out(first, second, names, seed)[0] == side
    assert min(won) >= 0.97 * 150


def test_the_inferring_opponent_guesses_what_it_saw():
    game = Game(PLAIN, ("sunfish", "flame", "spray", "eel"))
    watcher = make_opponent("inferring", 0, seed=0)
    game.guess()
    watcher.saw(game.act(Move("attack", FLAME, 3)))  # 3 deflects
    game.guess()
    watcher.saw(game.act(Move("aoe", 3)))  # and has an aoe: eel
    assert watcher.guess(game) == Guess(3, "eel")
    game.guess()
    game.act(Move("attack", SPRAY, 0))
    game.sides[1].exposed[3] = True
    watcher.saw(Played(0, Guess(0, "flame"), (Event("wrong", 1, 0),)))
    for _ in range(5):
        guess = watcher.guess(game)
        assert guess is not None
        assert guess.position != 3
        assert guess.species != "eel"
        assert guess != Guess(0, "flame")


def test_the_inferring_opponent_kills_then_waves_then_hits_who_moved_last():
    game = Game(PLAIN, PLAIN)
    game.guess()
    watcher = make_opponent("inferring", 0, seed=0)
    assert watcher.act(game) == Move("aoe", SPRAY)
    game.sides[0].hp[SPRAY] = 0
    assert watcher.act(game) == Move("aoe", EEL)
    game.sides[1].hp[SUNFISH] = 100
    move = watcher.act(game)
    assert (move.kind, move.target) == ("attack", SUNFISH)
    game.sides[0].hp = [0, 400, 0, 400]
    game.sides[1].hp = [400, 400, 400, 0]
    game.sides[0].attack[FLAME] = 201
    watcher.saw(Played(1, Move("attack", EEL, FLAME), ()))
    assert watcher.act(game) == Move("attack", FLAME, EEL)


def test_no_opponent_looks_at_what_is_hidden():
    """With another hidden line-up and the same events the same choices come."""
    for name in OPPONENTS:
        chosen = []
        for second in (PLAIN, ("sunfish", "eel", "flame", "spray")):
            game = Game(PLAIN, second)
            player = make_opponent(name, 0, seed=3)
            guess = player.guess(game)
            game.phase = "act"
            chosen.append((guess, player.act(game)))
        assert chosen[0] == chosen[1]


def test_all_hp_of_a_team():
    assert sum(Game(PLAIN, PLAIN).sides[0].hp) == TEAM_HP == 1600


def test_the_random_opponent_uses_every_move_but_no_ability_of_an_exposed_fish():
    game = Game(PLAIN, PLAIN)
    game.guess()
    player = make_opponent("random", 0, seed=0)
    moves = [player.act(game) for _ in range(400)]
    assert {move.kind for move in moves} == {"attack", "aoe", "infight"}
    assert 0.2 < sum(move.kind == "attack" for move in moves) / 400 < 0.4
    assert {(move.kind, move.fish) for move in moves} >= {("infight", FLAME), ("aoe", EEL), ("attack", SUNFISH)}
    game.sides[0].exposed = [True] * 4
    assert {player.act(game).kind for _ in range(100)} == {"attack"}
    game.sides[1].exposed = [True] * 4
    assert player.guess(game) is None
