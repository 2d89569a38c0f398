"""The viewer's page in a browser: open, filter, search, keys, side by side, tokens; safe, accessible, the same from
a disk."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from example_run import write_run
from viewer_runs import LONG, built_in, nasty, write_lines

from agenttuning.atif import write_trajectories
from agenttuning.environments.browser import find_chromium, shared
from agenttuning.trajectory import Decision, Step, Task, Trajectory
from agenttuning.viewer.bundle import write_bundle
from agenttuning.viewer.index import Index, Query
from agenttuning.viewer.server import Server
from agenttuning.viewer.tokens import Tokens

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("playwright") is None, reason="needs the extra browser"),
    pytest.mark.skipif(find_chromium() is None, reason="chromium is not installed (apt-get install chromium)"),
]
SECONDS = 60.0  # of one test's page, on a busy machine


@pytest.fixture(scope="module", autouse=True)
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTTUNING_CACHE", str(tmp_path_factory.mktemp("cache")))
        with shared().page():  # the browser stays from test to test
            yield


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return Index.of([write_run(tmp_path_factory.mktemp("runs") / "example", tasks=40)])


@pytest.fixture(scope="module", params=["server", "folder"])
def address(request: pytest.FixtureRequest, index: Index, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The same run from a server and from a folder on the disk."""
    if request.param == "folder":
        out = tmp_path_factory.mktemp("out") / "view"
        write_bundle(index, out, tokens=None, limit=1000)
        yield (out / "index.html").as_uri()
        return
    with served(index) as url:
        yield url


@contextmanager
def served(index: Index, tokens: Tokens | None = None) -> Generator[str]:
    with Server(index, tokens, 0) as server:
        server.in_background()
        yield server.url
        server.shutdown()


@contextmanager
def opened(address: str, **context: Any) -> Generator[Any]:
    """The page, which must log nothing: no script of a trajectory ran, no policy was broken."""
    with shared().page(network=True, viewport={"width": 1200, "height": 800}, **context) as tab, tab.within(SECONDS):
        page, said = tab.page, []
        page.set_default_timeout(20_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto(address)
        page.wait_for_selector("#trajectory h2")
        yield page
        assert said == []


def count(page: Any, expected: int) -> None:
    page.wait_for_function(
        "n => document.querySelector('#count').textContent.replace(/,/g, '').startsWith(n + ' traj')", arg=expected
    )


def title(page: Any) -> str:
    return page.inner_text("#trajectory h2")


def selected(page: Any) -> int:
    return int(page.get_attribute('[aria-selected="true"]', "aria-posinset"))


def test_filters_and_search_narrow_the_list(index: Index, address: str):
    with opened(address) as page:
        count(page, index.total)
        page.select_option("#filter-environment", "=hotpotqa")
        count(page, index.listed(Query(environment="hotpotqa")).total)
        page.select_option("#filter-outcome", "=solved")
        solved = index.listed(Query(environment="hotpotqa", outcome="solved")).total
        count(page, solved)
        page.select_option("#filter-environment", "")
        for search in ("select coun", '"count select"', "call:lighth", "thought:lighthouse", "1801", "task:oker aller"):
            page.fill("#search", search)
            count(page, index.listed(Query(search=search, outcome="solved")).total)
        page.wait_for_function("() => location.hash.includes('search=task')")
        assert "outcome=solved" in page.url
        page.focus("#search")
        page.keyboard.press("Escape")
        count(page, index.listed(Query(outcome="solved")).total)


def test_what_was_searched_for_is_marked(address: str):
    with opened(address) as page:
        page.fill("#search", "call:lighth 1804")
        page.wait_for_selector("mark")
        assert {text.lower() for text in page.locator("mark").all_inner_texts()} == {"lighth", "1804"}


def test_the_keyboard_is_enough(address: str):
    with opened(address) as page:
        page.wait_for_selector("[data-id]")
        first = title(page)
        for key in ("j", "j", "ArrowDown"):
            page.keyboard.press(key)
        assert selected(page) == 4
        page.keyboard.press("k")
        page.keyboard.press("ArrowUp")
        assert selected(page) == 2
        page.wait_for_function("old => document.querySelector('#trajectory h2').textContent !== old", arg=first)
        page.keyboard.press("End")
        page.wait_for_selector('[aria-posinset="240"][aria-selected="true"]')
        assert page.locator("[role=option]").count() < 40  # what is in sight, not all
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "trajectory"
        page.keyboard.press("n")
        assert "Turn 1" in page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "rows"
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("j?aller")  # in the search they are letters
        assert page.input_value("#search") == "j?aller"
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert page.locator("dialog").get_attribute("open") is not None
        page.click("dialog button")
        assert page.locator("dialog").get_attribute("open") is None


def test_before_and_after_side_by_side(index: Index, address: str):
    row = index.page(Query(change="gained", environment="database"), 0, 1)[0]
    with opened(f"{address}#environment=database&change=gained&id={row['id']}") as page:
        page.keyboard.press("s")
        page.wait_for_selector(".both")
        assert page.locator(".both h3").all_inner_texts()[:2] == ["evaluation/base", "evaluation/tuned"]
        assert page.locator(".both").last.inner_text().count("reward") == 1 or "solved, reward 1" in page.inner_text(
            "main"
        )
        page.keyboard.press("j")  # stays side by side
        page.wait_for_function("old => !location.hash.includes('id=' + old + '&')", arg=row["id"])
        page.wait_for_function("() => location.hash.includes('view=side')")
        page.reload()
        page.wait_for_selector(".both")


def test_a_turn_has_all_its_parts(index: Index, address: str):
    row = index.page(Query(environment="database", outcome="solved"), 0, 1)[0]
    with opened(f"{address}#id={row['id']}") as page:
        text = page.inner_text("#trajectory")
        for part in (
            "Thought",
            "Call",
            "Observation",
            "Reward 1",
            "execute_sql",
            "41 tokens written, 310 read",
            "288 cached",
        ):
            assert part in text.replace("\n", " ")
        assert "solved, reward 1" in text


@pytest.mark.parametrize("kind", ["server", "folder"])
def test_hostile_text_is_text(tmp_path: Path, kind: str):
    index = Index.of([write_lines(tmp_path / "bad.jsonl")])
    write_bundle(index, tmp_path / "out", tokens=None, limit=10)
    with served(index) as url:
        address = url if kind == "server" else (tmp_path / "out" / "index.html").as_uri()
        with opened(f"{address}#id=0") as page:
            assert page.locator("#trajectory :is(script, img), #list :is(script, img)").count() == 0
            text = page.inner_text("#trajectory")
            assert "<script>alert(1)</script>" in text
            assert "pay U+202E001U+202C dollars U+200B" in text
            assert "␛[31mred␛[0m␇" in text
            assert "needle" not in text  # the long text is cut
            assert (
                page.locator("#trajectory pre").evaluate_all("all => Math.max(...all.map(p => p.textContent.length))")
                < 5000
            )
            while page.locator(".more").count():
                page.locator(".more").first.click()
            longest = page.locator("#trajectory pre").evaluate_all(
                "all => Math.max(...all.map(p => p.textContent.length))"
            )
            assert longest == len(LONG)
            page.keyboard.press("s")
            page.wait_for_selector(".note")
            page.click("#bad summary")
            assert "4 lines could not be read" in page.inner_text("#bad")
            assert "bad.jsonl:2: not JSON" in page.inner_text("#bad")


@pytest.mark.slow
def test_trained_tokens_are_marked(tmp_path: Path, index: Index):
    pytest.importorskip("transformers")
    row = index.page(Query(environment="database", outcome="solved"), 0, 1)[0]
    tokens = Tokens(built_in(), "command")
    with served(index, tokens) as url, opened(f"{url}#id={row['id']}&view=tokens") as page:
        page.wait_for_selector(".tokens .trained")
        trained = "".join(page.locator(".tokens .trained").all_inner_texts())
        assert trained.startswith("Thought: The table has a column")
        assert page.inner_text(".legend").split("\n")[0] in {"reasoning", "instruction following"}
        write_trajectories(tmp_path / "one.jsonl", [nasty()])
    one = Index.of([tmp_path / "one.jsonl"])
    write_bundle(one, tmp_path / "out", tokens=tokens, limit=10)
    with opened(f"{(tmp_path / 'out' / 'index.html').as_uri()}#id=0&view=tokens") as page:
        page.wait_for_selector(".tokens .trained")
        assert "<script>alert(1)</script>" in page.inner_text(".tokens")


def test_without_a_model_the_page_says_how_to_see_tokens(address: str):
    with opened(address) as page:
        page.keyboard.press("t")
        page.wait_for_selector("text=--model NAME")


def test_a_narrow_screen_shows_one_pane_at_a_time(address: str):
    with opened(address) as page:
        page.set_viewport_size({"width": 360, "height": 700})
        assert not page.is_visible("#trajectory")
        page.click('[aria-posinset="2"]')
        page.wait_for_selector("#trajectory h2", state="visible")
        assert not page.is_visible("#rows")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.click(".back")
        assert page.is_visible("#rows")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(index: Index, scheme: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    row = index.page(Query(change="gained", environment="database"), 0, 1)[0]
    with served(index) as url, opened(f"{url}#id={row['id']}&search=lighthouse", color_scheme=scheme) as page:
        for view in ("turns", "side", "help", "narrow"):
            if view == "side":
                page.keyboard.press("s")
                page.wait_for_selector(".both")
            elif view == "help":
                page.keyboard.press("?")
            elif view == "narrow":
                page.keyboard.press("Escape")
                page.set_viewport_size({"width": 360, "height": 700})
            found = axe.run(page).response["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], view


def test_a_long_list_scrolls_to_any_place(tmp_path: Path):
    def episodes(n: int) -> Generator[Trajectory]:
        for i in range(n):
            task = Task("many", f"task-{i:06}", "test", f"Goal number {i}")
            yield Trajectory(task, (), "", "", (Step(Decision("I think."), "ok"),))

    write_trajectories(tmp_path / "many.jsonl", episodes(3000))
    index = Index.of([tmp_path / "many.jsonl"])
    with served(index) as url, opened(url) as page:
        page.evaluate("document.querySelector('#rows').scrollTop = 1500 * 76")
        page.wait_for_selector("text=Goal number 1501")
        page.keyboard.press("End")
        page.wait_for_selector("text=Goal number 2999")
        page.wait_for_function("() => document.querySelector('#trajectory h2').textContent.includes('task-002999')")
        page.fill("#search", "1234")
        count(page, 1)
        page.fill("#search", "")
        count(page, 3000)
        assert selected(page) == 1235  # the same trajectory in the longer list
        page.wait_for_selector('[aria-posinset="1235"][data-id]')
