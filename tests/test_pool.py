"""Workers: one environment's are not another's, they are replaced before they leak, and a death costs one episode."""

import json
import threading
import time

import pytest
import worlds

from agenttuning.agents.expert import ExpertAgent
from agenttuning.atif import read_trajectories
from agenttuning.errors import EnvironmentFailure
from agenttuning.rollout.collect import CollectConfig, collect
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.workers import Bounds, Pool


@pytest.fixture(autouse=True)
def world(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("worlds")
    worlds.install(folder)
    monkeypatch.syspath_prepend(str(folder))
    return lambda **how: monkeypatch.setenv("WORLDS", json.dumps(how))


def processes_of(pool, episodes):
    """The process of each of so many episodes, one after the other."""
    about, tasks, _ = pool.listed("steady", "train", limit=episodes)

    return [run_episode_at(pool, about, task).opening.split()[-1] for task in tasks]


def test_a_worker_is_replaced_after_so_many_episodes(world):
    world(steady={"tell": True})
    with Pool({"steady": None}, processes=1, bounds=Bounds(episodes=3)) as pool:
        found = processes_of(pool, 8)
    # the list of tasks was the first worker's first use
    assert [found.count(one) for one in dict.fromkeys(found)] == [2, 3, 3]


def test_a_worker_that_gains_memory_is_replaced(world):
    world(steady={"tell": True, "bytes": 4_000_000})
    with Pool({"steady": None}, processes=1, bounds=Bounds(gained=20_000_000)) as pool:
        found = processes_of(pool, 30)
    assert len(set(found)) == 2
    assert 20 <= found.count(found[0]) <= 26  # the first 20 say what it needs


def test_a_slow_environment_keeps_nobody_waiting_but_itself(world):
    world(sluggish={"seconds": 60})
    with Pool({"steady": None, "sluggish": None}, processes=1, timeout=90) as pool:
        _, (task, *_), _ = pool.listed("sluggish", "train")
        stepping = threading.Event()

        def sit():
            with pool.seat("sluggish") as seat:
                seat.reset(task)
                decision = seat.expert_decision(task)
                stepping.set()
                with pytest.raises(EnvironmentFailure, match="the worker process died in sluggish"):
                    seat.step(decision.call)

        slow = threading.Thread(target=sit)
        slow.start()
        assert stepping.wait(30)
        assert len(processes_of(pool, 3)) == 3
        assert slow.is_alive()
        pool._places["sluggish"][0].worker._process.kill()
        slow.join()


def test_a_death_is_the_outcome_of_its_episode_alone(world, tmp_path):
    world(steady={"die": [4]})
    counts = collect(CollectConfig({"steady": 9}, workers=1), tmp_path, dialect="command", seed=0)
    assert counts["environments"]["steady"]["outcomes"] == {"environment_error": 1, "solved": 8}
    (broken,) = [t for t in read_trajectories(tmp_path / "steady.jsonl") if not t.solved]
    assert (broken.task.data["number"], broken.meta["reason"]) == (4, "the worker process died in steady.step")


def test_who_sat_beside_it_plays_again(world):
    world(steady={"die": [1]})
    with Pool({"steady": None}, processes=1) as pool:
        about, (fine, deadly), _ = pool.listed("steady", "train", limit=2)
        tries = []

        def use(seat):
            tries.append(seat)
            seat.reset(fine)
            if len(tries) == 1:
                assert run_episode_at(pool, about, deadly).outcome == "environment_error"
            return run_episode(seat, about, fine, ExpertAgent())

        assert pool.play("steady", use).solved
        assert len(tries) == 2


def run_episode_at(pool, about, task):
    with pool.seat("steady") as seat:
        return run_episode(seat, about, task, ExpertAgent())


def test_an_environment_that_is_done_leaves_its_place_to_others():
    with Pool({"steady": None, "sluggish": None}, processes=2) as pool:
        with pool.seat("sluggish") as seat:
            seat.describe()
        pool.release("sluggish")
        assert pool._places.keys() == {"steady"}
        assert pool.size("sluggish") == 1
        with pool.seat("steady") as seat:
            assert seat.describe().name == "steady"


def test_calls_that_have_to_wait_bring_another_worker(world):
    world(steady={"seconds": 0.4})
    with Pool({"steady": None, "sluggish": None}, processes=4) as pool:
        pool._share = 1
        _, tasks, _ = pool.listed("steady", "train", limit=4)

        def play(task):
            def use(seat):
                seat.reset(task)
                seat.step(seat.expert_decision(task).call)

            pool.play("steady", use)

        began = time.monotonic()
        while pool.size("steady") == 1 and time.monotonic() < began + 60:
            threads = [threading.Thread(target=play, args=(task,)) for task in tasks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert 2 <= pool.size("steady") <= 3
