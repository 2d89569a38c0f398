"""MiniWoB++ in worker processes: shared browsers, and what happens when one dies."""

import os
import signal

import pytest
from browser_processes import NEEDS_BROWSER, browsers, gone, temporary_files

from agenttuning.agents.expert import ExpertAgent
from agenttuning.environments.miniwob.tasks import make_task
from agenttuning.errors import EnvironmentFailure
from agenttuning.rollout.episode import run_episode
from agenttuning.rollout.workers import Pool
from agenttuning.trajectory import ToolCall

pytestmark = NEEDS_BROWSER
CLICK = ToolCall("click", {"element": 1})


@pytest.fixture
def temporary(monkeypatch):
    with temporary_files(monkeypatch) as folder:
        yield folder


def test_seats_of_a_process_share_a_browser_and_it_ends_with_the_pool(temporary):
    with Pool({"miniwob": None}, processes=1) as pool, pool.seat("miniwob") as one, pool.seat("miniwob") as other:
        about = one.describe()
        tasks = one.tasks("test", limit=3)
        other.reset(tasks[2])
        first = run_episode(one, about, tasks[0], ExpertAgent())
        second = run_episode(other, about, tasks[1], ExpertAgent())
        assert [first.outcome, second.outcome] == ["solved", "solved"]
        assert first.opening.startswith("Goal: ")
        assert len(browsers(temporary)) == 1
    assert gone(temporary)


def test_a_browser_that_dies_costs_its_episode_and_no_other(temporary):
    with Pool({"miniwob": None}, processes=1) as pool, pool.seat("miniwob") as seat:
        about = seat.describe()
        task = make_task("click-test", "test", 0)
        seat.reset(task)
        for process in browsers(temporary):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(EnvironmentFailure, match="the browser died"):
            seat.step(CLICK)
        assert run_episode(seat, about, task, ExpertAgent()).outcome == "solved"
        for process in browsers(temporary):  # between two episodes
            os.kill(process, signal.SIGKILL)
        assert run_episode(seat, about, task, ExpertAgent()).outcome == "solved"


def test_a_worker_that_is_killed_leaves_nothing_and_is_replaced(temporary):
    with Pool({"miniwob": None}, processes=1) as pool:
        task = make_task("click-test", "test", 0)
        with pool.seat("miniwob") as seat:
            seat.reset(task)
            (browser,) = browsers(temporary)
            pool._places["miniwob"][0].worker._process.kill()
            with pytest.raises(EnvironmentFailure, match="died"):
                seat.step(CLICK)
        with pool.seat("miniwob") as seat:
            assert run_episode(seat, seat.describe(), task, ExpertAgent()).outcome == "solved"
        assert browser not in browsers(temporary)
    assert gone(temporary)
