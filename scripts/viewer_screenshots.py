"""Take the pictures of docs/viewer.md from a run: agenttuning run quickstart, then

python scripts/viewer_screenshots.py runs/quickstart
"""

import argparse
import io
from pathlib import Path

from PIL import Image

from agenttuning.environments.browser import shared
from agenttuning.viewer.index import Index
from agenttuning.viewer.server import Server
from agenttuning.viewer.tokens import Tokens

DOCS = Path(__file__).parent.parent / "docs"
COLOURS = 128  # of a picture's palette, so that it stays small
TUNED = "set=evaluation/tuned&environment=database&change=gained"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    index = Index.of([run])
    with Server(index, Tokens(str(run / "model" / "merged"), "command"), 0) as server:
        server.in_background()
        view = {"viewport": {"width": 1120, "height": 680}}
        with shared().page(network=True, **view) as tab, tab.within(300):
            page = tab.page
            page.set_default_timeout(60_000)

            def take(name: str, until: str) -> None:
                page.wait_for_selector(until)
                page.wait_for_timeout(500)
                picture = (
                    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                )
                picture.save(DOCS / f"{name}.png", optimize=True)

            page.goto(f"{server.url}#{TUNED}")
            take("viewer", ".turn")
            page.keyboard.press("j")
            page.keyboard.press("s")
            take("viewer-side-by-side", ".both")
            page.keyboard.press("t")
            page.locator(".tokens .trained").first.evaluate("e => e.scrollIntoView({block: 'center'})")
            take("viewer-tokens", ".tokens .trained")
            page.get_by_role("button", name="Turns").click()
            page.fill("#search", 'call:"select count"')
            take("viewer-search", "mark")
            page.focus("#rows")
            page.keyboard.press("?")
            take("viewer-keys", "dialog[open]")
        server.shutdown()


if __name__ == "__main__":
    main()
