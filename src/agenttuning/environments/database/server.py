"""A private MariaDB: a temporary folder, a unix socket, no port, no system service, no rights beyond its own schemas.

>>> with private_server() as address:
...     backend = MariaBackend(address)

It ends with the process that started it, whatever ends that: a shell holds the reading end of a pipe, and when the
pipe closes it stops the server and removes the folder.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from agenttuning import temporary
from agenttuning.errors import MissingProgram

FOLDERS = "/usr/sbin:/usr/local/sbin"  # where Debian puts servers, not always on the path
PROGRAMS = ("mariadbd", "mariadb-install-db")
INSTALL = "apt-get install mariadb-server"
_USER = "agenttuning"
_RIGHTS = (
    f"CREATE USER IF NOT EXISTS {_USER}@localhost;\n"
    rf"GRANT ALL ON `agenttuning\_%`.* TO {_USER}@localhost;" + "\n"
)
# All tables in one file that cannot outgrow this.
_DISK = ("--innodb-data-file-path=ibdata1:12M:autoextend:max:512M", "--innodb-file-per-table=OFF")
# A small server: what one worker's episodes need. A row or a message of more than a megabyte is refused.
_SMALL = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-temp-data-file-path=ibtmp1:12M:autoextend:max:256M",
    "--max-allowed-packet=1M",
    "--performance-schema=OFF",
    "--local-infile=OFF",
    "--skip-networking",
    "--debug-no-sync",
)
# Standard input is the pipe to the process that wants the server.
_GUARD = '"$@" </dev/null & server=$!; read -r _; kill $server 2>/dev/null; wait $server; rm -rf "$FOLDER"'
_START_SECONDS = 30.0


def check(folders: str = FOLDERS) -> None:
    """Raises MissingProgram where the server's programs are neither on the path nor in `folders`."""
    if not all(_program(name, folders) for name in PROGRAMS):
        raise MissingProgram("a MariaDB server", INSTALL)


def _program(name: str, folders: str = FOLDERS) -> str | None:
    return shutil.which(name) or shutil.which(name, path=folders)


@contextmanager
def private_server() -> Generator[str]:
    """The address of a running server of its own, for `MariaBackend`."""
    check()
    folder = Path(temporary.folder("mariadb", sockets=True))
    guard = None
    try:
        guard = _start(folder)
        yield f"mysql://{_USER}@{folder}/socket"
    finally:
        if guard is not None and guard.stdin is not None:
            guard.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                guard.wait(timeout=_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    common = ["--no-defaults", f"--datadir={folder / 'data'}", "--innodb-log-file-size=8M", *_DISK]
    if os.getuid() == 0:
        common.append("--user=root")
    made = subprocess.run(
        [_program(PROGRAMS[1]) or "", *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise RuntimeError(f"mariadb-install-db failed: {(made.stderr or made.stdout).strip()[-300:]}")
    (folder / "rights.sql").write_text(_RIGHTS)
    server = [
        _program(PROGRAMS[0]) or "", *common, *_SMALL, f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}",
        f"--tmpdir={folder}", f"--init-file={folder / 'rights.sql'}", f"--log-error={folder / 'log'}",
    ]  # fmt: skip
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", *server],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "FOLDER": str(folder)},
        start_new_session=True,  # Ctrl-C is for us, who then let the server go
    )
    deadline = time.monotonic() + _START_SECONDS
    while not ((folder / "socket").exists() and (folder / "pid").exists()):  # the latter comes last
        if time.monotonic() > deadline or guard.poll() is not None:
            log = (folder / "log").read_text(errors="replace") if (folder / "log").exists() else "no log"
            raise RuntimeError(f"mariadbd did not start: {log.strip()[-300:]}")
        time.sleep(0.05)
    return guard
