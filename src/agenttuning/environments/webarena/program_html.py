"""The benchmark's check of what the sites hold in the end: `program_html` (`evaluation_harness/evaluators.py`).

A target names a page (an address, "last" for where the agent ended, or a helper), a part of it (a JavaScript
expression for the page, nothing for all of its HTML, or a helper), and what that part must be or hold.

>>> program_html([{"url": "last", "locator": "document.title", "required_contents": {"exact_match": "Home"}}], page)
True
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from agenttuning.environments.webarena.helpers import call_helper
from agenttuning.environments.webarena.string_match import exact_match, must_include
from agenttuning.errors import EnvironmentFailure

LOCATORS = ("document.", "[...document.", "func:")  # or nothing
HELPER = "func:"
TRIES = 4  # to open a page
PAUSE = 500.0  # milliseconds between them


class Page(Protocol):
    """The part of Playwright's page that is needed here."""

    @property
    def url(self) -> str: ...
    def goto(self, url: str) -> Any: ...
    def content(self) -> str: ...
    def evaluate(self, expression: str) -> Any: ...
    def wait_for_timeout(self, timeout: float) -> None: ...


def program_html(targets: Sequence[Mapping[str, Any]], page: Page) -> bool:
    """Whether every target holds what it must. The page is somewhere else afterwards.

    Raises EnvironmentFailure where a helper's site does not answer.
    """
    return all(_holds(target["required_contents"], _selected(target, page)) for target in targets)


def _selected(target: Mapping[str, Any], page: Page) -> str:
    """The text of the part; "" where the page does not have it."""
    url, locator = target["url"], target["locator"]
    if url.startswith(HELPER):
        url = call_helper(url.removeprefix(HELPER), page)
    if url != "last" and not _opened(page, url):
        return ""
    if not locator.strip():
        text = page.content()
    elif locator.startswith(HELPER):
        text = call_helper(locator.removeprefix(HELPER), page)
    else:
        for action in target.get("prep_actions", ()):
            if _evaluated(page, action) is None:
                break
        text = _evaluated(page, locator) or ""
    return html.unescape(text)


def _opened(page: Page, url: str) -> bool:
    """Whether there is a page: a site may say with an empty answer that there is none."""
    from playwright.sync_api import Error

    for tries_left in reversed(range(TRIES)):
        try:
            page.goto(url)
            return True
        except Error as error:
            if "ERR_HTTP_RESPONSE_CODE_FAILURE" in str(error):
                return False
            # The page of an error that came before may still be on its way, and so may this one then.
            if not tries_left or "interrupted by another navigation" not in str(error):
                raise EnvironmentFailure(f"{url} cannot be opened: {str(error).splitlines()[0][:200]}") from None
            page.wait_for_timeout(PAUSE)
    raise AssertionError("not reached")


def _evaluated(page: Page, expression: str) -> str | None:
    """What the page's own JavaScript makes of the expression, None where that fails: then it is the wrong page."""
    from playwright.sync_api import Error

    try:
        return str(page.evaluate(f"() => {expression}"))
    except Error:
        return None


def _holds(required: Mapping[str, Any], text: str) -> bool:
    if "exact_match" in required:
        return exact_match(required["exact_match"], text)
    return all(must_include(content, text) for content in required["must_include"])
