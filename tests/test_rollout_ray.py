"""Rollouts on Ray: a cluster of two nodes on this machine, one of which is killed, and a driver that is."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import worlds

from agenttuning.atif import read_trajectories
from agenttuning.files import read_json

EPISODES = 16
# A node that is gone is noticed in seconds.
QUICK = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3, "health_check_timeout_ms": 5000}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What a command needs: environments whose steps take a moment, one task that its worker dies over."""
    folder = tmp_path_factory.mktemp("worlds")
    worlds.install(folder)
    how = {"steady": {"seconds": 0.1, "die": [5]}, "sluggish": {"seconds": 0.2}}
    return {**os.environ, "PYTHONPATH": str(folder), "WORLDS": json.dumps(how)}


@pytest.fixture(scope="module")
def cluster(place):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ.update(place)  # its nodes inherit it
    try:
        cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": QUICK}
        )
        yield cluster
        cluster.shutdown()
    finally:
        os.environ.clear()
        os.environ.update(before)


def command(out, *more):
    words = [sys.executable, "-m", "agenttuning", "collect", "--out", str(out), *more]
    return [*words, "--environments.steady", str(EPISODES), "--environments.sluggish", str(EPISODES)]


@pytest.fixture(scope="module")
def without_ray(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    subprocess.run(command(out, "--workers", "4"), env=place, check=True, capture_output=True)
    assert read_json(out / "manifest.json")["counts"]["environments"]["steady"]["outcomes"] == {
        "environment_error": 1,
        "solved": EPISODES - 1,
    }
    return {name: (out / f"{name}.jsonl").read_bytes() for name in ("steady", "sluggish")}


def episodes(out):
    partial = out.with_name(out.name + ".partial")
    return sum(file.read_bytes().count(b"\n") for file in partial.glob("*.jsonl.partial"))


def until(process, out, count):
    deadline = time.monotonic() + 120
    while episodes(out) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_driver_goes_on_and_a_killed_node_loses_only_what_is_running(cluster, place, without_ray, tmp_path):
    node = cluster.add_node(num_cpus=1)
    out = tmp_path / "out"
    words = command(out, "--ray", cluster.address, "--workers", "4")
    with subprocess.Popen(words, env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(process, out, 6)
        process.send_signal(signal.SIGKILL)
    before = episodes(out)
    assert before >= 6
    with subprocess.Popen(words, env=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until(process, out, before + 4)
        cluster.remove_node(node, allow_graceful=False)
        after = episodes(out)
        _, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
    assert before < after < 2 * EPISODES
    for name, whole in without_ray.items():
        assert (out / f"{name}.jsonl").read_bytes() == whole
        keys = [t.key for t in read_trajectories(out / f"{name}.jsonl")]
        assert len(keys) == len(set(keys)) == EPISODES


def test_a_cluster_that_is_not_there_is_told(place, tmp_path):
    pytest.importorskip("ray")
    words = command(tmp_path / "out", "--ray", "nonsense://here")
    done = subprocess.run(words, env=place, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "error: ray: nonsense://here cannot be used" in done.stderr
