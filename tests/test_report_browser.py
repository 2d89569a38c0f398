"""The report in real Chromium: accessible by axe, nothing asked for, narrow, by keyboard, on paper, in the dark."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import pytest
from example_run import HOSTILE, write_run

from agenttuning.environments.browser import Browser, find_chromium
from agenttuning.evaluation.comparison import compare_scores
from agenttuning.files import read_json, write_json
from agenttuning.report import write_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("playwright") is None, reason="needs the extra browser"),
    pytest.mark.skipif(find_chromium() is None, reason="chromium is not installed (apt-get install chromium)"),
]
VISIBLE = "[...document.querySelectorAll('pre')].filter(e => e.checkVisibility()).length"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with every part, a caution and what a hostile model wrote."""
    run = write_run(tmp_path_factory.mktemp("runs") / "example", tasks=9)
    path = run / "evaluation" / "tuned" / "scores.json"
    scores = read_json(path)
    scores["environments"]["database"]["outcomes"]["model_error"] = 2
    write_json(path, scores)
    base = read_json(run / "evaluation" / "base" / "scores.json")
    write_json(run / "evaluation" / "comparison.json", compare_scores(base, scores))
    return write_report(run).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    here = Browser()
    yield here
    here.close()


@pytest.mark.skipif(find_spec("axe_playwright_python") is None, reason="axe-playwright-python is not installed")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_axe_finds_nothing(browser: Browser, address: str, scheme: str, width: int) -> None:
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    viewport = {"width": width, "height": 900}
    with browser.page(color_scheme=scheme, viewport=viewport, bypass_csp=True) as tab:  # the page allows no script
        tab.page.goto(address)
        tab.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        tab.page.evaluate(axe)
        found = tab.page.evaluate("axe.run()")
    assert [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert {"color-contrast", "svg-img-alt", "region"} <= {one["id"] for one in found["passes"]}


def test_nothing_is_asked_for_and_nothing_runs(browser: Browser, address: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    with browser.page(network=True) as tab:
        tab.page.on("request", lambda request: asked.append(request.url))
        tab.page.on("console", lambda message: said.append(message.text))
        tab.page.on("dialog", lambda dialog: said.append("dialog") or dialog.dismiss())
        tab.page.goto(address)
        assert HOSTILE in tab.page.content().replace("&lt;", "<").replace("&gt;", ">")
        assert tab.page.evaluate("getComputedStyle(document.querySelector('.findings')).listStyleType") == "none"
    assert asked in ([address], [address, "data:,"])
    assert said == []


def test_no_word_is_lost_on_a_narrow_screen(browser: Browser, address: str) -> None:
    with browser.page(viewport={"width": 360, "height": 740}) as tab:
        tab.page.goto(address)
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert not tab.page.locator("svg.broad").first.is_visible()
        assert tab.page.locator("svg.narrow").first.is_visible()
        cut = "[...document.querySelectorAll('h1, h2, p, li, figcaption')].filter(e => e.scrollWidth > 360).length"
        assert tab.page.evaluate(cut) == 0


def test_it_is_read_by_keyboard(browser: Browser, address: str) -> None:
    with browser.page() as tab:
        page = tab.page
        page.goto(address)
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to the results"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#results"
        page.locator("summary", has_text="How the episodes ended").focus()
        assert not page.get_by_text("Outcomes of the episodes").is_visible()
        page.keyboard.press("Enter")
        assert page.get_by_text("Outcomes of the episodes").is_visible()
        page.locator("nav a", has_text="Errors").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#errors"
        for link in page.locator("nav a").all():
            assert page.locator(str(link.get_attribute("href"))).count() == 1


def test_paper_gets_what_is_folded_away_on_the_screen(browser: Browser, address: str) -> None:
    with browser.page(color_scheme="dark") as tab:
        tab.page.goto(address)
        on_screen = tab.page.evaluate(VISIBLE)
        tab.page.emulate_media(media="print", color_scheme="dark")
        assert tab.page.evaluate(VISIBLE) > on_screen
        assert tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 253, 251)"
        assert not tab.page.locator("#episodes").is_visible()
        assert len(re.findall(rb"/Type\s*/Page\b", tab.page.pdf(format="A4"))) > 3


def test_dark_and_light_are_different_papers(browser: Browser, address: str) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        with browser.page(color_scheme=scheme) as tab:
            tab.page.goto(address)
            papers.add(tab.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.innerText"))
