"""SIGKILL at ten random moments: no episode is lost, none is played twice, the file is the same to the byte."""

import random
import signal
import subprocess
import sys
import time

import pytest

from agenttuning.atif import read_trajectories

TASKS = 400
COMMAND = [
    sys.executable, "-m", "agenttuning", "collect", "--environments.database", str(TASKS), "--workers", "2",
]  # fmt: skip


def episodes(path):
    """What is on disk of a run that may have been cut in the middle of a line."""
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.slow
def test_collect_survives_ten_kills(tmp_path):
    whole = tmp_path / "whole"
    began = time.monotonic()
    subprocess.run([*COMMAND, "--out", whole], check=True, capture_output=True)
    seconds = time.monotonic() - began
    random_moment = random.Random(5)
    killed = tmp_path / "killed"
    partial = tmp_path / "killed.partial" / "database.jsonl.partial"
    kills = before = 0
    while kills < 10:
        process = subprocess.Popen([*COMMAND, "--out", killed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(random_moment.uniform(0.3, 1.0) * seconds * (0.9 if kills < 7 else 0.6))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            assert episodes(partial) >= before, "an episode was lost"
            before = episodes(partial)
            continue
        assert kills, "the run ended before it was killed once"
        break
    subprocess.run([*COMMAND, "--out", killed], check=True, capture_output=True)
    file = killed / "database.jsonl"
    keys = [t.key for t in read_trajectories(file)]
    assert len(keys) == len(set(keys)) == TASKS
    assert file.read_bytes() == (whole / "database.jsonl").read_bytes()
