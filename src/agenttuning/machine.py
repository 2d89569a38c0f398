"""What this machine has for a process: processors, main memory with the limits of its control groups, GPUs.

Asked without torch, which takes seconds to import.

>>> main_memory()
Memory(total=16670146560, available=12048330752)
>>> cards()
[Card(name='NVIDIA H100 80GB HBM3', total=85520809984, available=84966113280)]
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True)
class Memory:
    """Bytes. `available` is what a process may still take without others losing any."""

    total: int
    available: int


@dataclass(frozen=True)
class Card(Memory):
    """A GPU's memory, and the GPU's name."""

    name: str


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resident(process: int) -> int:
    """Bytes of main memory that a process and those below it hold, what they share counted for each; 0 off Linux."""
    folder = Path("/proc") / str(process)
    try:
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
        below = [int(one) for file in folder.glob("task/*/children") for one in file.read_text().split()]
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE") + sum(map(resident, below))


def main_memory(root: Path = Path("/")) -> Memory | None:
    """The machine's, or its control group's where that is less; None where the system does not say (no Linux)."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        machine = {key: int(value.split()[0]) * 1024 for key, _, value in (line.partition(":") for line in lines)}
        limits = [Memory(machine["MemTotal"], machine["MemAvailable"]), *_groups(root)]
    except (OSError, KeyError, ValueError, IndexError):
        return None
    return Memory(min(limit.total for limit in limits), min(limit.available for limit in limits))


def cards() -> list[Card]:
    """The GPUs by their own tool; none where it is missing or fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [line.rsplit(", ", 2) for line in answer.strip().splitlines()]
        return [Card(int(total) * MIB, int(free) * MIB, name) for name, total, free in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def _groups(root: Path) -> Iterator[Memory]:
    """The limits of this process's control groups and of those above them, version 1 or 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        own = mount / path.lstrip("/")  # not there inside a container, which sees its own group as the mount's root
        for folder in (own, *own.parents):
            if folder.is_relative_to(mount) and (limit := _group(folder, *names)):
                yield limit


def _group(folder: Path, limit: str, usage: str, reclaimable: str) -> Memory | None:
    """None where the group has no limit."""
    try:
        most = int((folder / limit).read_text())
        used = int((folder / usage).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such group, or "max"
        return None
    return Memory(most, max(0, most - used + int(stat.get(reclaimable, 0))))
