"""A browser window for one episode: its tabs, what can be seen in them, and the actions.

>>> window = BrowserWindow(tab, allows=addresses.allows, budget=6000)
>>> window.open("http://127.0.0.1:8000/")
>>> window.act(ToolCall("click", {"id": 3}))
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from agenttuning.environments.browser import Tab
from agenttuning.environments.webarena.observation import Element, Numbers, View, Window, capture, render
from agenttuning.errors import InvalidAction
from agenttuning.trajectory import ToolCall

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

SIZE = {"width": 1280, "height": 720}  # pixels, as upstream
MOST_TABS = 8
LONGEST_TEXT = 5000  # characters that one `type` may have
LONGEST_URL = 300  # characters of it that are shown
LOOKS = 4  # tries, while a page is replaced by the next
LOADING = 20_000  # milliseconds for a page
STARTING = 120  # milliseconds in which what an action sets off shows
SETTLING = 3_000  # milliseconds for a page's own requests
# Answered once the page has dealt with what came before, such as a click.
_TURN = "() => new Promise((answer) => setTimeout(answer, 0))"
# Chooses an option of a list, by the option itself or by its text; null where this is no list.
_CHOOSE = """function(text) {
  const list = this.tagName === "OPTION" ? this.closest("select") : this;
  if (!list || list.tagName !== "SELECT") return null;
  const plain = (option) => option.text.replace(/\\s+/g, " ").trim().toLowerCase();
  const wanted = this.tagName === "OPTION" ? this
    : [...list.options].find((option) => plain(option) === text.trim().toLowerCase());
  if (!wanted) return "missing";
  if (list.multiple) wanted.selected = !wanted.selected; else list.value = wanted.value;
  list.dispatchEvent(new Event("input", {bubbles: true}));
  list.dispatchEvent(new Event("change", {bubbles: true}));
  return "chosen";
}"""
_CLEAR = """function() {
  this.focus();
  if (this.isContentEditable) { document.getSelection().selectAllChildren(this); return true; }
  if (this.select) { this.select(); return !this.disabled && !this.readOnly; }
  return false;
}"""


class BrowserWindow:
    """`allows` says which addresses may be opened; `budget` is the most characters of a view."""

    def __init__(self, tab: Tab, *, allows: Callable[[str], bool], budget: int):
        self._tab, self._allows, self._budget = tab, allows, budget
        self._numbers = Numbers()
        self._sessions: dict[Page, Any] = {}
        self._serials: dict[Page, int] = {}  # of the tabs, in the order in which they were opened
        self._busy = 0  # requests on their way
        self._leaving: set[Request] = set()  # those of them that replace a page
        self._page: Page = tab.page
        self._pages: list[Page] = []
        self._adopt(tab.page)
        tab.page.context.on("page", self._adopt)
        self.view = View(())

    @property
    def page(self) -> "Page":
        return self._page

    def _adopt(self, page: "Page") -> None:
        """A new tab comes to the front, as in a browser."""
        if page in self._pages:
            return
        self._pages.append(page)
        self._serials[page] = len(self._serials)
        self._page = page
        page.on("dialog", lambda dialog: dialog.accept())
        page.on("close", self._forget)
        page.on("request", self._begun)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        if len(self._pages) > MOST_TABS:
            page.close()

    def _forget(self, page: "Page") -> None:
        if page in self._pages:
            self._pages.remove(page)
        self._sessions.pop(page, None)
        if self._page is page and self._pages:
            self._page = self._pages[-1]

    def _begun(self, request: "Request") -> None:
        self._busy += 1
        if request.is_navigation_request():
            self._leaving.add(request)

    def _ended(self, request: "Request") -> None:
        self._busy = max(0, self._busy - 1)
        self._leaving.discard(request)

    def open(self, *urls: str) -> None:
        """Open an address in each of as many tabs; the first one stays in front. Raises Playwright's errors."""
        for i, url in enumerate(urls):
            page = self._page if i == 0 else self._tab.page.context.new_page()
            page.goto(url, timeout=LOADING)
        self._page = self._pages[0]

    def look(self) -> str:
        """The tabs, the address and what the window shows of the page. Raises Playwright's errors."""
        from playwright.sync_api import Error

        for tries_left in reversed(range(LOOKS)):
            try:
                return self._look()
            except Error:
                if not tries_left or self._lost():
                    raise
                with suppress(Error):
                    self._page.wait_for_load_state("load", timeout=SETTLING)
        raise AssertionError("not reached")

    def _look(self) -> str:
        titles = []
        for i, page in enumerate(self._pages):
            mark = " (current)" if page is self._page else ""
            titles.append(f"Tab {i}{mark}: {' '.join(page.title().split())[:80]}")
        nodes, boxes, (left, top), document = capture(self._session())
        window = Window(left, top, SIZE["width"], SIZE["height"])
        name = f"{self._serials[self._page]} {document}"
        self.view = render(nodes, boxes, window, number=self._numbers, document=name, budget=self._budget)
        return f"{' | '.join(titles)}\nURL: {self._page.url[:LONGEST_URL]}\n\n{self.view.text}"

    def act(self, call: ToolCall) -> None:
        """Carry out a call of any tool but `stop`.

        Raises InvalidAction for what the agent did wrong, Playwright's errors where the page or the browser is lost.
        """
        from playwright.sync_api import Error

        try:
            getattr(self, f"_do_{call.name}")(**call.arguments)
            self._settle()
        except Error as error:
            if self._lost() or "crash" in str(error).lower():
                raise
            raise InvalidAction(f"{call.name} was not possible: {str(error).splitlines()[0][:200]}") from None

    def _lost(self) -> bool:
        return self._page.is_closed()

    def close(self) -> None:
        """Close all tabs; the first one may be gone already."""
        if self._pages:
            with suppress(Exception):
                self._page.context.close()

    def _do_click(self, id: int) -> None:
        element = self._element(id)
        if self._call(element, _CHOOSE, "") is None:
            self._page.mouse.click(*self._center(element))

    def _do_type(self, id: int, content: str, press_enter: int = 1) -> None:
        element = self._element(id)
        if len(content) > LONGEST_TEXT:
            raise InvalidAction(f"A text may have {LONGEST_TEXT} characters, this has {len(content)}.")
        chosen = self._call(element, _CHOOSE, content)
        if chosen == "missing":
            raise InvalidAction(f"The list [{id}] has no option {content[:60]!r}.")
        if chosen is None:
            if not self._call(element, _CLEAR, ""):
                raise InvalidAction(f"[{id}] is a {element.role}; nothing can be typed there.")
            self._page.keyboard.press("Delete")
            self._page.keyboard.insert_text(content)
            if press_enter:
                self._page.keyboard.press("Enter")

    def _do_hover(self, id: int) -> None:
        self._page.mouse.move(*self._center(self._element(id)))

    def _do_press(self, keys: str) -> None:
        if len(keys) > 40:
            raise InvalidAction("Give one combination of keys, such as Control+a.")
        self._page.keyboard.press(keys.replace("Ctrl", "Control"))

    def _do_scroll(self, direction: str) -> None:
        if direction not in ("up", "down"):
            raise InvalidAction("The direction is up or down.")
        sign = "-" if direction == "up" else ""
        self._page.evaluate(f"window.scrollBy({{top: {sign}window.innerHeight, behavior: 'instant'}})")

    def _do_new_tab(self) -> None:
        if len(self._pages) >= MOST_TABS:
            raise InvalidAction(f"There are {MOST_TABS} tabs; close one first.")
        self._tab.page.context.new_page()

    def _do_tab_focus(self, tab_index: int) -> None:
        if not 0 <= tab_index < len(self._pages):
            raise InvalidAction(f"There is no tab {tab_index}; the last is {len(self._pages) - 1}.")
        self._page = self._pages[tab_index]
        self._page.bring_to_front()

    def _do_close_tab(self) -> None:
        if len(self._pages) == 1:
            raise InvalidAction("This is the only tab.")
        self._page.close()

    def _do_goto(self, url: str) -> None:
        if not self._allows(url):
            raise InvalidAction(f"{url[:100]} is none of the sites of this task.")
        self._page.goto(url, timeout=LOADING)

    def _do_go_back(self) -> None:
        self._page.go_back(timeout=LOADING)

    def _do_go_forward(self) -> None:
        self._page.go_forward(timeout=LOADING)

    def _settle(self) -> None:
        """Wait for what the action has set off: a new page, or requests of the page's scripts."""
        with suppress(Exception):
            self._page.evaluate(_TURN)
        with suppress(Exception):
            self._page.wait_for_timeout(STARTING)
        self._wait(lambda: bool(self._leaving), LOADING)
        with suppress(Exception):
            self._page.wait_for_load_state("load", timeout=LOADING)
        self._wait(lambda: self._busy > 0, SETTLING)

    def _wait(self, unfinished: Callable[[], bool], most: int) -> None:
        """At most so many milliseconds."""
        waited = 0
        while unfinished() and waited < most:
            self._page.wait_for_timeout(50)
            waited += 50

    def _session(self) -> Any:
        page = self._page
        if page not in self._sessions:
            self._sessions[page] = page.context.new_cdp_session(page)
        return self._sessions[page]

    def _element(self, number: int) -> Element:
        element = self.view.find(number)
        if element is None:
            raise InvalidAction(f"There is no element [{number}] in what you see of the page.")
        return element

    def _call(self, element: Element, function: str, text: str) -> Any:
        """Call a function of the page's JavaScript with the element as `this`."""
        session = self._session()
        found = session.send("DOM.resolveNode", {"backendNodeId": element.backend})["object"]["objectId"]
        if element.role == "StaticText":  # a text node: its element
            function = f"function(text) {{ return ({function}).call(this.parentElement || this, text); }}"
        result = session.send(
            "Runtime.callFunctionOn",
            {
                "objectId": found,
                "functionDeclaration": function,
                "arguments": [{"value": text}],
                "returnByValue": True,
            },
        )
        return result["result"].get("value")

    def _center(self, element: Element) -> tuple[float, float]:
        """The middle of the element in the window, which is scrolled to it where needed."""
        session = self._session()
        with suppress(Exception):  # a text node has no place of its own to scroll to
            session.send("DOM.scrollIntoViewIfNeeded", {"backendNodeId": element.backend})
        quads = session.send("DOM.getContentQuads", {"backendNodeId": element.backend})["quads"]
        if not quads:
            raise InvalidAction(f"[{element.number}] cannot be seen, so it cannot be reached.")
        quad = quads[0]
        return sum(quad[0::2]) / 4, sum(quad[1::2]) / 4
