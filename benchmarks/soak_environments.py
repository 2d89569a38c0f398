"""A soak: experts play all environments at once while processes under them are killed at random.

Collection runs as a user starts it, with its temporary files in a folder of its own. Every so often one of the
processes that it started, a worker, a browser, a Java, a site, a database server, a sandbox, is killed with SIGKILL.
Afterwards every episode must be on disk with an outcome, and no process and no temporary file may be left. Memory is
that of the collecting process, the mean of each quarter of the time. Ends with status 1 where something is amiss.

    python benchmarks/soak_environments.py                  # 25 episodes of each of the twelve environments
    python benchmarks/soak_environments.py --episodes 3 --every 2 --environments miniwob webarena
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import fmean

from agenttuning.atif import read_trajectories
from agenttuning.environments import missing, names

KINDS = ("chrom", "java", "mariadbd", "bwrap", "sites.serve", "playwright", "resource_tracker", "spawn_main")
LEFT = 20  # seconds in which what was started has to be gone


def processes(mark: str) -> dict[int, str]:
    """Command lines of those processes that were started under the mark, by id; a sandbox's own are behind it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def kind(command: str) -> str:
    return next((word for word in KINDS if word in command), "other")


def resident(process: int) -> int:
    """Bytes of main memory that a process holds; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 0


def soak(chosen: list[str], episodes: int, every: float, seed: int, folder: Path, workers: int) -> dict:
    temporary, out, mark = folder / "tmp", folder / "run", f"soak-{os.getpid()}-{time.time_ns()}"
    temporary.mkdir()
    command = [sys.executable, "-m", "agenttuning", "collect", "--out", str(out), "--agent", "expert"]
    command += ["--split", "train", "--workers", str(workers), "--seed", str(seed)]
    command += [word for name in chosen for word in (f"--environments.{name}", str(episodes))]
    environment = {**os.environ, "SOAK": mark, "TMPDIR": str(temporary)}
    dice, killed, memory, began = random.Random(seed), Counter(), [], time.monotonic()
    with (folder / "log").open("w") as log:
        driver = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        due = time.monotonic() + every
        while driver.poll() is None:
            time.sleep(0.5)
            memory.append(resident(driver.pid))
            if time.monotonic() < due or not any(folder.rglob("*.jsonl.partial")):  # not before the first episode
                continue
            due = time.monotonic() + dice.uniform(0.5, 1.5) * every
            alive = {process: text for process, text in processes(mark).items() if process != driver.pid}
            if alive:
                # By kind first: a browser has many processes, a Java one.
                victim = dice.choice(sorted({kind(text) for text in alive.values()}))
                process = dice.choice(sorted(process for process, text in alive.items() if kind(text) == victim))
                try:
                    os.kill(process, signal.SIGKILL)
                    killed[victim] += 1
                except ProcessLookupError:
                    pass
    deadline = time.monotonic() + LEFT
    while (processes(mark) or any(temporary.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.2)
    outcomes = {
        name: dict(Counter(trajectory.outcome for trajectory in read_trajectories(out / f"{name}.jsonl")))
        for name in chosen
        if (out / f"{name}.jsonl").is_file()
    }
    broken = Counter(
        f"{name}: {' '.join(str(trajectory.meta.get('reason')).split())[:150]}"
        for name in outcomes
        for trajectory in read_trajectories(out / f"{name}.jsonl")
        if trajectory.outcome == "environment_error"
    )
    quarter = max(1, len(memory) // 4)
    return {
        "status": driver.returncode,
        "asked": episodes * len(chosen),
        "episodes": sum(sum(found.values()) for found in outcomes.values()),
        "outcomes": outcomes,
        "broken": dict(broken),
        "killed": dict(killed),
        "processes_left": sorted(processes(mark).values()),
        "files_left": sorted(path.name for path in temporary.iterdir()),
        "memory_mb": [
            round(fmean(memory[i : i + quarter]) / 1e6) for i in range(0, 4 * quarter, quarter) if memory[i:]
        ],
        "seconds": round(time.monotonic() - began),
        "log": (folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:] if driver.returncode else "",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", nargs="*", help="by default all that can run here")
    parser.add_argument("--episodes", type=int, default=25, help="of each environment")
    parser.add_argument("--every", type=float, default=8.0, help="seconds between two kills, on average")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    lacking = missing(names())
    for name, why in lacking.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    chosen = told.environments or [name for name in names() if name not in lacking]
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        found = soak(chosen, told.episodes, told.every, told.seed, folder, told.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=2))
    whole = found["episodes"] == found["asked"] and found["status"] == 0
    return 0 if whole and not found["processes_left"] and not found["files_left"] else 1


if __name__ == "__main__":
    sys.exit(main())
