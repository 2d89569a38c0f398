"""Built-in problems about the system: processes, the environment, hosts, commands of one's own."""

from agenttuning.environments.operating_system.scene import Draft, Family, Scene


def _daemon(name: str, count: int = 1) -> str:
    """So many processes of a name, which they bear only once the kernel has run the program: that is waited for."""
    started = f"cp /bin/sleep /usr/local/bin/{name}\n" + f"{name} 100000 &\n" * count
    return f"{started}for i in $(seq 100); do [ $(pgrep -xc {name}) -ge {count} ] && break; sleep 0.02; done\n"


def count_processes(scene: Scene) -> Draft:
    app, other, count = scene.app(), scene.app(), scene.number(2, 6)
    return Draft(
        (
            f"How many processes named {app} are running?",
            f"Count the running processes whose name is exactly {app}.",
        ),
        "true\n",
        (
            (
                scene.pick(
                    (
                        "pgrep -x matches the exact name and -c counts.",
                        "I count the processes with exactly this name.",
                    )
                ),
                f"pgrep -x -c {app}",
            ),
        ),
        f"{count} of them are running.",
        str(count),
        start=_daemon(app, count) + _daemon(other, scene.number(1, 3)),
    )


def stop_process(scene: Scene) -> Draft:
    app, other = scene.app(), scene.app()
    return Draft(
        (
            f"Stop all processes named {app}. Others, such as {other}, must go on.",
            f"End every running {app} process and leave {other} alone.",
        ),
        "true\n",
        (
            (
                scene.pick(
                    (
                        "I look at what is running under these names.",
                        "Before I stop anything I look at what is running.",
                    )
                ),
                f"pgrep -l '{app}|{other}'",
            ),
            (f"pkill -x ends exactly the ones called {app}.", f"pkill -x {app}; sleep 0.1; pgrep -l '{app}|{other}'"),
        ),
        f"{app} has ended and {other} runs on.",
        # One that was ended stands in the table until its parent has looked.
        check=f"for i in $(seq 50); do pgrep -x {app} >/dev/null || break; sleep 0.02; done; "
        f"! pgrep -x {app} >/dev/null && pgrep -x {other} >/dev/null",
        start=_daemon(app, scene.number(1, 3)) + _daemon(other),
    )


def variable(scene: Scene) -> Draft:
    app, key = scene.app().upper(), scene.key().upper()
    name, value = f"{app}_{key}", scene.pick((scene.value(), str(scene.number(2, 900))))
    return Draft(
        (
            f"What is the value of the environment variable {name}?",
            f"Tell me what {name} is set to in your shell.",
        ),
        "true\n",
        (
            (
                scene.pick(
                    (
                        "printenv prints a variable's value.",
                        "The variable is in the shell's environment; printenv shows it.",
                    )
                ),
                f"printenv {name}",
            ),
        ),
        f"It is {value}.",
        value,
        start=f"export {name}={value} {app}_OTHER={scene.number(1, 9)}",
    )


def lasting_variable(scene: Scene) -> Draft:
    name, value = f"{scene.app().upper()}_{scene.key().upper()}", scene.value()
    return Draft(
        (
            f"Every new login shell of root should have the environment variable {name} with the value {value}. "
            "Arrange that in /root/.profile.",
            f"Add a line to /root/.profile so that login shells export {name}={value}.",
        ),
        "true\n",
        ((scene.pick((
            "I append an export line, so what is in the file stays.",
            "The line goes to the end of the file; the rest must stay.",
        )),
          f"echo 'export {name}={value}' >> /root/.profile && tail -n 2 /root/.profile"),),
        "A new login shell will have it.",
        check=f"[ \"$(env -i HOME=/root PATH=$PATH bash -lc 'printenv {name}')\" = {value} ] "
        "&& grep -q bashrc /root/.profile",
    )  # fmt: skip


def host_address(scene: Scene) -> Draft:
    names = [f"{scene.thing()}.internal" for _ in range(4)]
    block = {"train": "10.1", "dev": "10.2", "test": "10.3"}[scene.split]
    addresses = [f"{block}.{scene.number(0, 200)}.{n}" for n in scene.dice.sample(range(2, 250), 4)]
    lines = "\n".join(f"{address} {name}" for address, name in zip(addresses, names, strict=True))
    return Draft(
        (
            f"Which IP address does this machine use for the host {names[0]}?",
            f"Look up the address of {names[0]}; there is no network, only the machine's own list of hosts.",
        ),
        f"cat >> /etc/hosts <<'END'\n{lines}\nEND\n",
        (
            (
                scene.pick(
                    (
                        "Names that need no network stand in /etc/hosts.",
                        "The machine's own list of hosts is /etc/hosts.",
                    )
                ),
                f"grep {names[0]} /etc/hosts",
            ),
        ),
        f"The line gives {addresses[0]}.",
        addresses[0],
    )


def make_command(scene: Scene) -> Draft:
    name = scene.app()
    what, body, expected = scene.pick((
        ("the number of its lines", "wc -l < \"$1\"", "3"),
        ("its first line", "head -n 1 \"$1\"", "a b"),
        ("the number of its words", "wc -w < \"$1\"", "4"),
        ("its last line", "tail -n 1 \"$1\"", "d"),
    ))  # fmt: skip
    return Draft(
        (
            f"Make a command {name}: given a file's path, it prints {what} and nothing else.",
            f"I want to type `{name} FILE` anywhere and see {what}. Install such a script in /usr/local/bin.",
        ),
        "true\n",
        (
            (scene.pick((
            "A small script in /usr/local/bin, made executable, is a command.",
            "I write the script to /usr/local/bin and make it executable.",
        )),
             f"printf '%s\\n' '#!/bin/bash' '{body}' > /usr/local/bin/{name} && chmod +x /usr/local/bin/{name}"),
            (scene.pick((
            "I try it on a file of the system.",
            "Now I test it on a file that is surely there.",
        )), f"{name} /etc/passwd"),
        ),
        "The command works.",
        check="t=$(mktemp -d)\nprintf 'a b\\nc\\nd\\n' > \"$t/x y\"\ncd /\n"
        f"[ \"$({name} \"$t/x y\" | xargs)\" = '{expected}' ]",
    )  # fmt: skip


FAMILIES = (
    Family("variable", "easy", variable),
    Family("host_address", "easy", host_address),
    Family("count_processes", "easy", count_processes),
    Family("stop_process", "hard", stop_process),
    Family("lasting_variable", "hard", lasting_variable),
    Family("make_command", "hard", make_command),
)
