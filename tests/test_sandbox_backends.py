"""The parts of the sandbox beside the box itself: an ordinary user's box, Docker's command, control groups, filters."""

import os
import platform
import struct
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

import agenttuning
from agenttuning.errors import BadInput
from agenttuning.sandbox import MIB, Limits, Sandbox, docker, require, seccomp
from agenttuning.sandbox.bubblewrap import PYTHON, lacking
from agenttuning.sandbox.cgroups import Place, places, settings, sweep
from agenttuning.sandbox.masks import hidden

ORDINARY = """
from agenttuning.sandbox import Sandbox, Limits
with Sandbox(Limits(memory=256 << 20, disk=32 << 20, processes=48, seconds=3)) as box:
    for command in (
        "whoami; touch /usr/mine; ls /usr/mine",
        "useradd -M ada && id -u ada",
        "chown ada /root/.bashrc",
        "mount -t tmpfs none /mnt",
        "unshare --user true",
        "chmod 600 /dev/null",
        "head -c 1G /dev/zero > /usr/big",
        "python3 -c \\"b'x' * (1 << 30)\\"",
        ":(){ :|:& };: ; sleep 1",
        "echo $((6 * 7))",
    ):
        ran = box.run(command)
        print(ran.status, ran.output.replace("\\n", "|")[:60])
"""


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
@pytest.mark.skipif(lacking() is not None, reason=f"no sandbox here: {lacking()}")
def test_an_ordinary_user_gets_a_box_with_one_user_in_it(tmp_path: Path):
    """Given control groups of their own, as a systemd session gives them; without them they are refused."""
    package = Path(agenttuning.__file__).parent
    subprocess.run(["cp", "-r", package, tmp_path], check=True)
    # pytest's folders are its user's alone; there is one more where tests run side by side.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder != Path(tempfile.gettempdir()):
            folder.chmod(0o755)
    nobody = 65534
    groups = [place.folder / f"agenttuning-{os.getpid()}-user" for place in places()]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}

    def play(*, delegated: bool) -> subprocess.CompletedProcess[str]:
        def become() -> None:
            for group in groups if delegated else ():
                (group / "cgroup.procs").write_text(str(os.getpid()))
            os.setgroups([])
            os.setgid(nobody)
            os.setuid(nobody)

        return subprocess.run(
            [PYTHON, "-c", ORDINARY], preexec_fn=become, env=environment, cwd="/", capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip

    try:
        for group in groups:
            group.mkdir()
            for file in (group, *group.iterdir()):
                os.chown(file, nobody, nobody)
        allowed = play(delegated=True)
    finally:
        for group in groups:
            group.rmdir()
    if "Operation not permitted" in allowed.stderr:
        pytest.skip("this kernel makes no user namespaces for ordinary users")
    lines = allowed.stdout.splitlines()
    assert lines[:2] == ["0 root|/usr/mine|", "0 1001|"], allowed.stderr
    assert [line.split()[0] != "0" for line in lines[2:6]] == [True] * 4
    assert "No space left" in lines[6]
    assert lines[7].split()[0] in ("124", "137")
    assert lines[9] == "0 42|"
    refused = play(delegated=False)
    assert refused.returncode != 0
    assert "systemd-run --user" in refused.stderr


def test_docker_gets_every_limit(monkeypatch: pytest.MonkeyPatch):
    limits = Limits(memory=300 * MIB, disk=50 * MIB, processes=40)
    words = docker.command("debian:12", limits, "box-1")
    assert words[:4] == ["docker", "run", "--rm", "--interactive"]
    pairs = list(pairwise(words))
    for pair in (
        ("--network", "none"),
        ("--memory", str(300 * MIB)),
        ("--memory-swap", str(300 * MIB)),
        ("--pids-limit", "40"),
        ("--cap-drop", "MKNOD"),
        ("--cap-drop", "NET_RAW"),
        ("--security-opt", "no-new-privileges"),
        ("--ulimit", f"fsize={50 * MIB}"),
        ("--env", "TZ=UTC"),
        ("--entrypoint", "python3"),
    ):
        assert pair in pairs
    assert words[words.index("debian:12") + 1 :][:3] == ["-I", "-S", "-c"]
    compile(words[-1], "server.py", "exec")
    assert "--storage-opt" not in words
    monkeypatch.setenv("AGENTTUNING_DOCKER_QUOTA", "1")
    assert f"size={50 * MIB}" in docker.command("debian:12", limits, "box-1")
    assert not {"--privileged", "--volume", "--mount", "--device"} & set(words)


def test_an_unknown_backend_is_an_error_that_names_those_there_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENTTUNING_SANDBOX", "virtualbox")
    with pytest.raises(BadInput, match=r"virtualbox.*bubblewrap, docker"):
        require()
    with pytest.raises(BadInput):
        Sandbox()


def test_groups_of_version_1_are_made_below_the_own_one(tmp_path: Path):
    for name in ("memory/jobs/mine", "pids"):
        (tmp_path / name).mkdir(parents=True)
    mounts = "".join(
        f"30 20 0:2{i} / {tmp_path}/{name} rw - cgroup cgroup rw,{name}\n" for i, name in enumerate(("memory", "pids"))
    )
    found = places(mounts, "5:memory:/jobs/mine\n4:pids:/\n0::/\n")
    assert found == (Place(tmp_path / "memory/jobs/mine", "memory"), Place(tmp_path / "pids", "pids"))
    assert settings(found[1], Limits(processes=7)) == [("pids.max", "7")]
    assert places("", "0::/\n") == ()
    assert places(mounts.splitlines()[0], "5:memory:/jobs/mine\n4:pids:/\n") == ()  # memory alone is not enough


def test_a_group_of_version_2_is_made_where_its_controllers_are_given(tmp_path: Path):
    own = tmp_path / "user.slice" / "session.scope"
    own.mkdir(parents=True)
    for folder, controllers in ((own, ""), (own.parent, "cpu memory pids"), (tmp_path, "cpu")):
        (folder / "cgroup.subtree_control").write_text(controllers)
        (folder / "cgroup.procs").write_text("")
    mounts = f"30 20 0:26 / {tmp_path} rw,nosuid - cgroup2 cgroup2 rw\n"
    found = places(mounts, "0::/user.slice/session.scope\n")
    assert found == (Place(own.parent, "unified"),)
    assert ("memory.max", "1000") in settings(found[0], Limits(memory=1000))
    (own.parent / "cgroup.subtree_control").write_text("cpu")
    assert places(mounts, "0::/user.slice/session.scope\n") == ()


def test_groups_of_processes_that_have_ended_are_swept(tmp_path: Path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for number in (ended.pid, os.getpid()):
        (tmp_path / f"agenttuning-{number}-0").mkdir()
    (tmp_path / "other").mkdir()
    sweep(Place(tmp_path, "pids"))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted([f"agenttuning-{os.getpid()}-0", "other"])


def test_what_is_hidden_is_all_but_the_system(tmp_path: Path):
    for name in ("usr/bin/ls", "usr/local/bin/own", "etc/passwd", "etc/profile", "etc/pip.conf", "home/me/key",
                 "var/lib/dpkg/status", "var/lib/mysql/data", "opt/x", "secrets/y", "etc/security/secret"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "etc/security/secret").chmod(0o600)
    gone = set(hidden(tmp_path))
    assert {"home", "opt", "secrets", "usr/local", "etc/passwd", "etc/pip.conf", "var/lib/mysql"} <= gone
    assert "etc/security/secret" in gone
    assert not gone & {"usr", "usr/bin", "etc", "etc/profile", "var/lib/dpkg", "var", "var/lib", "etc/security"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_every_call(machine: str):
    """Run as the kernel would: what namespaces, mounts and other sockets need is refused, the rest is not."""
    code = seccomp.program(machine)
    assert code is not None
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    calls = {"x86_64": {"read": 0, "mount": 165, "clone": 56, "socket": 41, "unshare": 272},
             "aarch64": {"read": 63, "mount": 40, "clone": 220, "socket": 198, "unshare": 97}}[machine]  # fmt: skip
    allow, refuse, absent = 0x7FFF0000, 0x00050001, 0x00050026
    for name, argument, expected in (
        ("read", 0, allow), ("mount", 0, refuse), ("unshare", 0, refuse), ("clone", 0x11, allow),
        ("clone", 0x10000000, refuse), ("clone", 0x20000 | 0x11, refuse), ("socket", 1, allow), ("socket", 2, allow),
        ("socket", 10, allow), ("socket", 16, allow), ("socket", 17, refuse), ("socket", 40, refuse),
    ):  # fmt: skip
        assert verdict(code, calls[name], architecture, argument) == expected, (name, argument)
    assert verdict(code, 435, architecture, 0) == absent
    assert verdict(code, 0, 0x40000003, 0) == refuse  # 32-bit programs have calls of their own
    assert verdict(code, 0x40000000, architecture, 0) == refuse
    assert seccomp.program("vax") is None
    assert seccomp.program(platform.machine()) is None or len(code) % 8 == 0


def verdict(code: bytes, number: int, architecture: int, argument: int) -> int:
    data = {0: number, 4: architecture, 16: argument}
    lines = list(struct.iter_unpack("<HBBI", code))
    place, held = 0, 0
    while True:
        what, true, false, value = lines[place]
        place += 1
        if what == 0x20:
            held = data[value]
        elif what == 0x06:
            return value
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[what]
            place += true if holds else false
