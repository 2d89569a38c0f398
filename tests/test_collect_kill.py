"""SIGKILL at ten random moments: no episode is lost, none is played twice, the file is the same to the byte."""

import random
import signal
import subprocess
import sys
import time

import pytest

from agenttuning.atif import read_trajectories

TASKS = 1000
COMMAND = [
    sys.executable, "-m", "agenttuning", "collect", "--environments.database", str(TASKS), "--workers", "2",
]  # fmt: skip


def episodes(path):
    """What is on disk of a run that may have been cut in the middle of a line."""
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.slow
def test_collect_survives_ten_kills(tmp_path):
    """Each kill comes after a random number of further episodes, often in the middle of writing one."""
    moments = random.Random(5)
    killed, partial = tmp_path / "killed", tmp_path / "killed.partial" / "database.jsonl.partial"
    before = 0
    for _ in range(10):
        process = subprocess.Popen([*COMMAND, "--out", killed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        target = before + moments.randint(1, 25)
        while episodes(partial) < target:
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert episodes(partial) >= target, "an episode was lost"
        before = episodes(partial)
    for folder in (killed, tmp_path / "whole"):
        subprocess.run([*COMMAND, "--out", folder], check=True, capture_output=True)
    file = killed / "database.jsonl"
    keys = [t.key for t in read_trajectories(file)]
    assert len(keys) == len(set(keys)) == TASKS
    assert file.read_bytes() == (tmp_path / "whole" / "database.jsonl").read_bytes()
