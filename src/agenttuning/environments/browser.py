"""A headless Chromium for environments: one a process, a tab for each seat, gone when its process is gone.

Debian's chromium, driven by Playwright (Chromium is never downloaded). Everything the browser keeps stands in one
temporary folder. A guard, a small shell script that waits for the end of its input, sees every end of this process,
a SIGKILL included: it ends whatever of driver and browser is still there and removes the folder.

>>> with shared().page() as tab, tab.within(30):
...     tab.page.goto("file:///usr/share/doc/index.html")

Playwright's objects belong to the thread that made them, so `shared()` gives each thread a browser of its own. It ends
with its last tab, and one that died is started again for the next tab.
"""

import atexit
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Self, TypeAlias

from agenttuning import temporary
from agenttuning.errors import EnvironmentFailure, MissingProgram

Page: TypeAlias = Any  # Playwright's; its package may not be installed
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "AGENTTUNING_CHROMIUM"  # the browser's path, where it is none of these
STARTING = 60.0  # seconds
ACTION = 5.0  # seconds that a single action of Playwright waits for its element
ARGUMENTS = ("--disable-gpu", "--disable-background-networking", "--no-proxy-server")
# Driver and browser carry the folder in their environment or arguments; two seconds are theirs to end by themselves.
GUARD = """
read -r folder; read -r _
left() { printf '%s\\n' "$folder" | grep -lasF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline; }
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(left)" ] && break; sleep 0.2; done
for file in $(left); do file=${file#/proc/}; kill -9 "${file%%/*}"; done
rm -rf -- "$folder"
"""

_threads = threading.local()


def find_chromium() -> str | None:
    """The path of the browser, None where there is none."""
    named = os.environ.get(VARIABLE)
    return shutil.which(named) if named else next(filter(None, map(shutil.which, PROGRAMS)), None)


def check() -> None:
    """Raises MissingProgram where no browser can be found."""
    if find_chromium() is None:
        named = os.environ.get(VARIABLE)
        what = f"{VARIABLE} names {named!r}, which is no program" if named else "chromium is not installed"
        raise MissingProgram(what, f"unset {VARIABLE}" if named else "apt-get install chromium")


def shared() -> "Browser":
    """The browser of this thread, which every environment in it uses."""
    if not hasattr(_threads, "browser"):
        _threads.browser = Browser()
        atexit.register(_threads.browser.close)
    return _threads.browser


class Browser:
    """Chromium and Playwright's driver, started with the first tab."""

    def __init__(self) -> None:
        self._tabs: set[Tab] = set()
        self._guard: subprocess.Popen[str] | None = None
        self._folder = ""
        self._playwright: Any = None
        self._chromium: Any = None
        self._broken = False

    @property
    def alive(self) -> bool:
        return self._chromium is not None and not self._broken and self._chromium.is_connected()

    def page(self, *, network: bool = False, **context: Any) -> "Tab":
        """A page in a context (cookies, storage) of its own; further arguments are those of Playwright's new_context.

        Without `network` it reads files only. Raises EnvironmentFailure when the browser does not start,
        or when it died since the last call: Playwright hears of that with the next one, and then it is started again.
        """
        if not self.alive:
            self.close()
            self._start()
        try:
            with self.within(STARTING):
                made = self._chromium.new_context(offline=not network, **context)
                made.set_default_timeout(ACTION * 1000)
                made.set_default_navigation_timeout(STARTING * 1000)
                tab = Tab(self, made.new_page())
        except _library().Error as error:
            raise EnvironmentFailure(f"the browser opened no page: {_first_line(error)}") from None
        self._tabs.add(tab)
        return tab

    def _start(self) -> None:
        check()
        self._folder = temporary.folder("browser", sockets=True)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is not for it
        )
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{self._folder}\n")
        self._guard.stdin.flush()
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = self._folder
        try:
            with self.within(STARTING):
                self._playwright = _library().sync_playwright().start()
                self._chromium = self._playwright.chromium.launch(
                    executable_path=find_chromium(),
                    args=list(ARGUMENTS),
                    chromium_sandbox=os.geteuid() != 0,  # Chromium refuses it to root
                    timeout=STARTING * 1000,
                )
        except (_library().Error, EnvironmentFailure) as error:
            self.close()
            if "No usable sandbox" in f"{error} {error.__context__}":
                raise MissingProgram("chromium has no sandbox here", "apt-get install chromium-sandbox") from None
            raise EnvironmentFailure(f"the browser did not start: {_first_line(error)}") from None
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before

    @contextmanager
    def within(self, seconds: float) -> Generator[None]:
        """What takes longer ends with the browser; Playwright has no limit of its own for a page's script.

        Raises EnvironmentFailure in place of Playwright's errors when the time ran out or the browser died.
        """
        expired = threading.Event()

        def end() -> None:
            expired.set()
            self._release()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except _library().Error as error:
            if expired.is_set():
                self._broken = True
                raise EnvironmentFailure(f"the browser did not answer within {seconds:g} s") from None
            if not self.alive or type(error).__name__ == "TargetClosedError" or "crashed" in str(error):
                self._broken = True  # Playwright may hear of the end later than of its consequences
                raise EnvironmentFailure(f"the browser died: {_first_line(error)}") from None
            raise
        finally:
            timer.cancel()

    def _release(self) -> None:
        """End of the guard's input: it ends what is left of the browser."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError):
                self._guard.stdin.close()

    def has(self, tab: "Tab") -> bool:
        return self.alive and tab in self._tabs

    def forget(self, tab: "Tab") -> None:
        self._tabs.discard(tab)
        if not self._tabs:
            self.close()

    def close(self) -> None:
        """End the browser and all its tabs; a later `page()` starts it again."""
        self._tabs.clear()
        if self._chromium is not None:
            with suppress(Exception), self.within(ACTION):  # it may have died in any way
                self._chromium.close()
        if self._playwright is not None:
            with suppress(Exception), self.within(ACTION):
                self._playwright.stop()
        self._chromium = self._playwright = None
        self._broken = False
        self._release()
        if self._guard is not None:
            self._guard.wait()
            self._guard = None
            shutil.rmtree(self._folder, ignore_errors=True)  # the guard may have been killed itself


class Tab:
    """A page of the browser; `page` is Playwright's."""

    def __init__(self, browser: Browser, page: Page):
        self._browser, self.page = browser, page

    @property
    def alive(self) -> bool:
        """Whether it is a tab of the browser that runs now."""
        return self._browser.has(self) and not self.page.is_closed()

    @contextmanager
    def within(self, seconds: float) -> Generator[None]:
        """See Browser.within. Raises EnvironmentFailure for a tab of a browser that is gone."""
        if not self.alive:
            raise EnvironmentFailure("the browser died, or was started again since")
        with self._browser.within(seconds):
            yield

    def close(self) -> None:
        if self.alive:
            with suppress(Exception), self.within(ACTION):
                self.page.context.close()
        self._browser.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _library() -> Any:
    """Playwright, imported with the first browser: it takes a while."""
    return import_module("playwright.sync_api")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
