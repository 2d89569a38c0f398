"""The browser for environments: real Chromium, ended in every way that a process can end."""

import os
import signal
import subprocess
import sys
import time

import pytest
from browser_processes import NEEDS_BROWSER, browsers, gone, processes, temporary_files

from agenttuning.environments import browser
from agenttuning.environments.browser import Browser, check
from agenttuning.errors import EnvironmentFailure, MissingProgram

pytestmark = NEEDS_BROWSER
LOOP = "() => { while (true) {} }"
# A process that opens a tab, says so, and waits.
HOLDER = """
import sys
from agenttuning.environments.browser import shared
tab = shared().page()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def page_file(tmp_path):
    file = tmp_path / "page.html"
    file.write_text("<title>Here</title><p>Hello</p>")
    return file.as_uri()


@pytest.fixture
def temporary(monkeypatch):
    with temporary_files(monkeypatch) as folder:
        yield folder


def test_a_tab_reads_files_runs_scripts_and_leaves_nothing_behind(page_file, temporary):
    with Browser().page() as tab:
        tab.page.goto(page_file)
        assert tab.page.title() == "Here"
        assert tab.page.evaluate("6 * 7") == 42
        assert len(processes(temporary)) >= 3
    assert gone(temporary, 1.0)
    assert os.environ["TMPDIR"] == str(temporary)


def test_tabs_share_the_browser_and_nothing_else(page_file, temporary):
    here = Browser()
    with here.page() as one, here.page() as other:
        for tab in (one, other):
            tab.page.goto(page_file)
        one.page.evaluate("localStorage.setItem('a', 'b')")
        assert other.page.evaluate("localStorage.getItem('a')") is None
        assert len(browsers(temporary)) == 1
        one.close()
        assert other.alive
        assert not one.alive
    assert not here.alive


def test_a_page_without_network_reaches_none(temporary):
    from playwright.sync_api import Error

    with Browser().page() as tab, pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        tab.page.goto("http://127.0.0.1:9/")


def test_a_script_without_end_is_ended_and_the_next_page_has_a_new_browser(temporary):
    here = Browser()
    tab = here.page()
    began = time.monotonic()
    with pytest.raises(EnvironmentFailure, match="within 1 s"), tab.within(1):
        tab.page.evaluate(LOOP)
    assert time.monotonic() - began < 10
    assert not tab.alive
    with here.page() as again:
        assert again.page.evaluate("1 + 1") == 2
    assert gone(temporary, 1.0)


@pytest.mark.parametrize("part", ["--remote-debugging-pipe", "run-driver"])
def test_a_browser_that_dies_is_started_again(temporary, part):
    here = Browser()
    tab = here.page()
    for process in processes(temporary, part):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(EnvironmentFailure, match="the browser died"), tab.within(10):
        tab.page.evaluate("1 + 1")
    assert not tab.alive
    with here.page() as again:
        assert again.page.evaluate("1 + 1") == 2
    assert gone(temporary, 5.0)


def test_no_file_is_left_where_the_guard_was_killed(temporary):
    here = Browser()
    with here.page() as tab:
        assert tab.page.evaluate("1 + 1") == 2
        assert here._guard is not None
        here._guard.kill()
    assert gone(temporary)


@pytest.mark.parametrize("how", ["end", "kill", "kill while the driver sleeps", "kill both"])
def test_no_process_and_no_file_outlives_the_process(temporary, how):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    (driver,) = processes(temporary, "run-driver")
    assert len(browsers(temporary)) == 1
    if how == "end":
        holder.stdin.close()
        assert holder.wait() == 0
    if how == "kill while the driver sleeps":
        os.kill(driver, signal.SIGSTOP)
    holder.kill()
    if how == "kill both":
        os.kill(driver, signal.SIGKILL)
    holder.wait()
    assert gone(temporary)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    with pytest.raises(MissingProgram, match="chromium is not installed; run: apt-get install chromium"):
        check()
    monkeypatch.setenv(browser.VARIABLE, "/no/such/browser")
    with pytest.raises(MissingProgram, match="/no/such/browser"):
        check()
