"""Temporary folders that say whose they are, so that they can be removed for an owner who could not.

A browser's or a site's folder is removed by its owner or, where that is killed, by what stands guard over it. Where
both are killed, whoever started the owner removes it by the owner's process id.

>>> folder("browser")
'/tmp/agenttuning-browser-4711-x7_zq2kd'
>>> remove_of(4711)
"""

import os
import shutil
import tempfile
from pathlib import Path

LONGEST = 22  # characters; Chromium keeps a socket some way below its folder, and its path may have 107
SYSTEM = "/tmp"


def folder(kind: str, *, sockets: bool = False) -> str:
    """A new folder of this process. With `sockets` it is under /tmp where the usual place's path is too long."""
    short = len(tempfile.gettempdir()) <= LONGEST
    where = None if short or not sockets else SYSTEM
    return tempfile.mkdtemp(prefix=f"agenttuning-{kind}-{os.getpid()}-", dir=where)


def remove_of(process: int) -> None:
    """Remove the folders of a process that has ended."""
    for place in {tempfile.gettempdir(), SYSTEM}:
        for left in Path(place).glob(f"agenttuning-*-{process}-*"):
            shutil.rmtree(left, ignore_errors=True)
