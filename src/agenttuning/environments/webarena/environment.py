"""The environment itself: a browser on real web applications, seen as an accessibility tree.

>>> environment = WebArena()
>>> print(environment.reset(environment.tasks("train", limit=1)[0]))
>>> environment.step(ToolCall("click", {"id": 12}))
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from agenttuning.dialects import check_call
from agenttuning.environments import browser
from agenttuning.environments.base import Feedback, Metric
from agenttuning.environments.official import Official
from agenttuning.environments.webarena.addresses import OFFICIAL, PARTS, Addresses, address, placeholders
from agenttuning.environments.webarena.evaluation import passes, rehearsed
from agenttuning.environments.webarena.script import play
from agenttuning.environments.webarena.sites.arena import RunningSite, arena
from agenttuning.environments.webarena.tools import TOOLS
from agenttuning.environments.webarena.window import SIZE, BrowserWindow
from agenttuning.errors import BadInput, EnvironmentFailure, InvalidAction, NoExpert
from agenttuning.trajectory import Decision, Split, Task, Tool, ToolCall

BUDGET = "AGENTTUNING_WEBARENA_CHARACTERS"
CHARACTERS = 6000  # of a view: about the 1,920 tokens that upstream gives to an observation
STEP = 60.0  # seconds for an action or a look
BEGINNING = 100.0  # seconds for the first pages, and for the checks at the end


class WebArena:
    """Do what is asked on web sites: find information, change settings, buy, report.

    Built-in tasks play on a shop, its dashboard, an issue tracker and a wiki that run on this machine; `data` takes
    the benchmark's files, whose sites stand where environment variables say.
    """

    name = "webarena"
    packages = ("playwright", "oscar", "roundup", "wiki", "whoosh")
    held = "out"
    tools: Sequence[Tool] = TOOLS
    instructions = (
        "You work in a web browser. You see the part of the page that the window shows, as a tree of elements with "
        "their numbers in brackets. Do what the objective asks, one action at a time; scroll for what is out of sight. "
        "Once it is done, stop, with the answer where the objective is a question. If it cannot be done, the answer is "
        "N/A."
    )
    metric: Metric = "success_rate"
    max_turns = 30

    @classmethod
    def check(cls) -> None:
        browser.check()

    def __init__(self, data: Path | None = None, *, skip_bad: bool = False) -> None:
        self._data = Path(data) if data is not None else None
        self._skip_bad = skip_bad
        self._task: Task | None = None
        self._tab: browser.Tab | None = None
        self._window: BrowserWindow | None = None
        self._sites: dict[str, RunningSite] = {}
        self._addresses = Addresses({})

    @cached_property
    def _official(self) -> Official:
        from agenttuning.environments.webarena.official import load

        assert self._data is not None
        return load(self._data, skip_bad=self._skip_bad)

    @property
    def skipped(self) -> Sequence[str]:
        return self._official.skipped if self._data is not None else ()

    def tasks(self, split: Split, *, limit: int | None = None, seed: int = 0) -> Sequence[Task]:
        """Built-in tasks of the split; with `data` all tasks of the files, whatever the split."""
        if self._data is not None:
            return self._official.tasks[:limit]
        from agenttuning.environments.webarena.generate import generate

        return tuple(generate(split, seed, number) for number in range(100 if limit is None else limit))

    def reset(self, task: Task) -> str:
        """Start the task's sites, log in, open its first page."""
        before = self._tab, self._window  # closed last: the browser ends with its last tab
        self._tab = self._window = None
        self._end()
        self._task = task
        try:
            real, cookies = self._locate(task)
            self._addresses = Addresses(real)
            self._open(task, cookies)
            return f"Objective: {task.goal}\n{self._look()}"
        except BaseException:
            self._end()
            raise
        finally:
            _leave(*before)

    def step(self, call: ToolCall) -> Feedback:
        if self._task is None or self._window is None or self._tab is None:
            raise InvalidAction("There is no task yet.")
        check_call(call, TOOLS)
        if call.name == "stop":
            return self._judged(str(call.arguments.get("answer", "")))
        with self._tab.within(STEP):
            arguments = {
                name: self._addresses.real(_whole(value) if name == "url" else value)
                if isinstance(value, str)
                else value
                for name, value in call.arguments.items()
            }
            try:
                self._window.act(ToolCall(call.name, arguments))
            except InvalidAction as error:
                raise InvalidAction(self._addresses.shown(str(error))) from None
            return Feedback(self._look())

    def expert(self, task: Task) -> Iterator[Decision]:
        """Plays the script of a built-in task, by what it sees. Raises NoExpert for the benchmark's own tasks."""
        if "script" not in task.data:
            raise NoExpert(f"{task.id}: the benchmark's tasks come without gold actions")
        return play(task, self._current_window)

    def rehearse(self, task: Task) -> Feedback | None:
        """For tasks on sites that are not at hand: their references pass their own checks."""
        if all(os.environ.get(name) for name in self._names(task) if name in OFFICIAL):
            return None
        right, told = rehearsed(task.data["eval"], task.goal)
        return Feedback(told, float(right), terminated=True, success=right)

    def close(self) -> None:
        self._end()

    def _names(self, task: Task) -> set[str]:
        """The sites of a task as placeholders' names."""
        named = placeholders(repr((task.data["start_url"], task.data["eval"])))
        return named | {name.upper() for name in task.data["sites"]}

    def _locate(self, task: Task) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """The address of each site, and the cookies of its session."""
        real: dict[str, str] = {}
        cookies: list[dict[str, Any]] = []
        for name in sorted(self._names(task)):
            part = name.lower()
            if part in PARTS:
                site, path = PARTS[part]
                if site not in self._sites:
                    self._sites[site] = arena().site(site, task.split)
                real[name] = self._sites[site].address + path
                if task.data["require_login"] and part in task.data["sites"]:
                    found = self._sites[site].cookies.get(part, [])
                    cookies += [{**cookie, "url": self._sites[site].address} for cookie in found]
            elif name in OFFICIAL:
                real[name] = address(name)
            else:
                raise BadInput(f"{task.id}: unknown site {name}")
        if os.environ.get("HOMEPAGE"):
            real["HOMEPAGE"] = address("HOMEPAGE")
        return real, cookies

    def _open(self, task: Task, cookies: list[dict[str, Any]]) -> None:
        from playwright.sync_api import Error

        options: dict[str, Any] = {
            "viewport": SIZE,
            "locale": "en-GB",
            "timezone_id": "UTC",
            "accept_downloads": False,
        }
        if task.data["storage_state"] and task.data["require_login"]:
            options["storage_state"] = self._storage(task.data["storage_state"])
        if task.data["geolocation"]:
            options |= {"geolocation": task.data["geolocation"], "permissions": ["geolocation"]}
        self._tab = browser.shared().page(network=True, **options)
        with self._tab.within(BEGINNING):
            context = self._tab.page.context
            context.add_cookies(cookies)  # type: ignore[arg-type]
            if self._sites:
                context.route("**/*", self._pass_or_stop)
            budget = int(os.environ.get(BUDGET) or CHARACTERS)
            self._window = BrowserWindow(self._tab, allows=self._addresses.allows, budget=budget)
            urls = [self._addresses.fill(url.strip()) for url in task.data["start_url"].split(" |AND| ")]
            try:
                self._window.open(*urls)
            except Error as error:
                raise EnvironmentFailure(f"{urls[0]} cannot be opened: {str(error).splitlines()[0][:200]}") from None

    def _storage(self, path: str) -> str:
        """The file of a session, as upstream's `auto_login.py` writes it: by the tasks or in the current folder."""
        assert self._data is not None
        base = self._data if self._data.is_dir() else self._data.parent
        places = [folder / path for folder in (Path.cwd(), base, base.parent)]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise BadInput(f"{path}: no such file; upstream's browser_env/auto_login.py writes it")
        return str(found)

    def _pass_or_stop(self, route: Any) -> None:
        """A built-in task reaches its own sites and nothing else on this machine."""
        if self._addresses.allows(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _check_sites(self) -> None:
        """A built-in site that died is nothing that the agent did."""
        for site in self._sites.values():
            site.check()

    def _look(self) -> str:
        self._check_sites()
        assert self._window is not None
        assert self._tab is not None
        with self._tab.within(STEP):
            return self._addresses.shown(self._window.look())

    def _current_window(self) -> BrowserWindow:
        if self._window is None:
            raise NoExpert("the expert plays after reset")
        return self._window

    def _judged(self, answer: str) -> Feedback:
        self._check_sites()
        assert self._task is not None
        assert self._window is not None
        assert self._tab is not None
        evaluation = self._addresses.fill(self._task.data["eval"])
        with self._tab.within(BEGINNING):
            right = passes(evaluation, self._addresses.real(answer), self._window.page, intent=self._task.goal)
        if not right:
            self._check_sites()
        return Feedback("Done." if right else "That is not it.", float(right), terminated=True, success=right)

    def _end(self) -> None:
        """The tabs and the sites of the episode go."""
        _leave(self._tab, self._window)
        self._tab = self._window = self._task = None
        for site in self._sites.values():
            site.close()
        self._sites.clear()


def _whole(url: str) -> str:
    """An address that was written without its scheme, with it."""
    return url.strip() if "://" in url else f"http://{url.strip()}"


def _leave(tab: browser.Tab | None, window: BrowserWindow | None) -> None:
    if tab is not None:
        if window is not None:
            with suppress(EnvironmentFailure), tab.within(STEP):
                window.close()
        tab.close()
