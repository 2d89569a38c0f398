"""The built-in sites as an environment sees them: start one for an episode, on fresh data, and end it.

>>> with arena().site("shop", "train") as site:
...     urllib.request.urlopen(site.address)

A process per site serves all environments of this process. Snapshots are built once and kept in the cache folder, by
the versions of the programs and of their contents.
"""

import atexit
import fcntl
import hashlib
import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from agenttuning import temporary
from agenttuning.environments.webarena.contents import contents
from agenttuning.errors import EnvironmentFailure
from agenttuning.models import cache_folder
from agenttuning.trajectory import Split

MODULE = "agenttuning.environments.webarena.sites.serve"
DISTRIBUTIONS = ("django", "django-oscar", "roundup", "wiki")
BUILDING = 110.0  # seconds
STARTING = 60.0
ANSWERING = 10.0


@dataclass
class RunningSite:
    """A site that runs for one episode. `cookies` are those of its sessions, by part ("shop", "shop_admin")."""

    address: str
    cookies: Mapping[str, list[dict[str, str]]]
    _process: "_Process"
    _server: int

    def check(self) -> None:
        """Raises EnvironmentFailure where it takes no connection any more: it died."""
        place = urlsplit(self.address)
        try:
            socket.create_connection((place.hostname, place.port), ANSWERING).close()
        except OSError:
            raise EnvironmentFailure(f"the site at {self.address} died") from None

    def close(self) -> None:
        self._process.stop(self._server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Arena:
    """The sites' processes of this process."""

    def __init__(self) -> None:
        self._processes: dict[str, _Process] = {}

    def site(self, name: str, split: Split) -> RunningSite:
        """Raises EnvironmentFailure where the site does not start."""
        process = self._processes.get(name)
        if process is not None and not process.alive:
            process.close()
            process = None
        if process is None:
            process = self._processes[name] = _Process(name)
        return process.start(split)

    def close(self) -> None:
        for process in self._processes.values():
            process.close()
        self._processes.clear()


@cache
def arena() -> Arena:
    """The arena that all environments of this process share; it ends with the process."""
    made = Arena()
    atexit.register(made.close)
    return made


class _Process:
    """The parent's side of `serve`."""

    def __init__(self, name: str):
        self._name = name
        self._home = temporary.folder("arena")  # of the copies; whoever ends last removes it
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, name, self._home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def start(self, split: Split) -> RunningSite:
        found = self._ask({"do": "start", "snapshot": str(self._snapshot(split))}, STARTING)
        return RunningSite(f"http://127.0.0.1:{found['port']}", found["cookies"], self, found["server"])

    def stop(self, server: int) -> None:
        with suppress(EnvironmentFailure):
            self._ask({"do": "stop", "server": server}, STARTING)

    def close(self) -> None:
        """With its input gone it cleans up by itself."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)  # it may be busy with a request
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _snapshot(self, split: Split) -> Path:
        """The folder with the data of a split, built where it is not there yet."""
        base = cache_folder() / "arena" / _key()
        folder = base / f"{self._name}-{split}"
        if folder.is_dir():
            return folder
        base.mkdir(parents=True, exist_ok=True)
        with (base / f"{self._name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be building it
            if not folder.is_dir():
                made = Path(tempfile.mkdtemp(prefix="building-", dir=base))
                try:
                    self._ask({"do": "build", "folder": str(made), "split": split}, BUILDING)
                    made.rename(folder)
                except BaseException:
                    shutil.rmtree(made, ignore_errors=True)
                    raise
        return folder

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            with selectors.DefaultSelector() as waiting:
                waiting.register(stdout, selectors.EVENT_READ)
                if not waiting.select(seconds):
                    raise EnvironmentFailure(f"the site {self._name} did not answer within {seconds:.0f} s")
            line = stdout.readline()
        except (OSError, ValueError):  # it died, or has been closed
            line = ""
        except EnvironmentFailure:
            self._process.kill()
            raise
        if not line:
            raise EnvironmentFailure(f"the site {self._name} died")
        answer = json.loads(line)
        if "error" in answer:
            raise EnvironmentFailure(f"the site {self._name} could not be built: {answer['error']}")
        return answer


@cache
def _key() -> str:
    """Changes with the programs, with how they are filled, and with what."""
    digest = hashlib.sha256()
    for name in DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    digest.update(json.dumps([contents(split) for split in ("train", "dev", "test")], sort_keys=True).encode())
    return f"{digest.hexdigest()[:16]}-{os.getuid()}"
