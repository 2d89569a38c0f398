"""A page of the documentation that a script writes from the code; with --check it is compared and left alone.

>>> sys.exit(written(Path("docs/recipe.md"), text))
"""

import sys
from pathlib import Path


def written(page: Path, text: str) -> int:
    """The exit status: 1 where the page is to be checked and is not what the code says."""
    if "--check" in sys.argv[1:]:
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            print(f"{page}: out of date; run: make docs", file=sys.stderr)
            return 1
        return 0
    page.write_text(text, encoding="utf-8")
    print(page)
    return 0
