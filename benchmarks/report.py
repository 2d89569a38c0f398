"""How quickly a report of many trajectories is written and opened in Chromium (target: open in under a second).

    python benchmarks/report.py --trajectories 10000
    trajectories 10,000  page … MB  written in … s  opened in … s, painted after … s, all lists unfolded in … s

Half of the trajectories are the start model's, half the tuned one's. Opening is from asking for the page to its load
event, the median of several fresh tabs; the first tab of the browser is not counted.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from example_run import TOOLS, write_run

from agenttuning.environments.browser import Browser
from agenttuning.report import write_report

PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
UNFOLD = "() => { document.querySelectorAll('details').forEach(d => d.open = true); document.body.offsetHeight; }"


def measure(trajectories: int, repeats: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder) / "run", tasks=trajectories // (2 * len(TOOLS)))
        began = time.perf_counter()
        page = write_report(run)
        written = time.perf_counter() - began
        opened, painted, unfolded = [], [], []
        browser = Browser()
        with browser.page():  # keeps the browser while tabs come and go
            for _ in range(repeats + 1):
                with browser.page() as tab:
                    began = time.perf_counter()
                    tab.page.goto(page.as_uri(), wait_until="load")
                    opened.append(time.perf_counter() - began)
                    tab.page.wait_for_function(f"({PAINTED})() !== null")
                    painted.append(tab.page.evaluate(PAINTED) / 1000)
                    began = time.perf_counter()
                    tab.page.evaluate(UNFOLD)
                    unfolded.append(time.perf_counter() - began)
        seconds = {"opened": opened, "painted": painted, "unfolded": unfolded}
        return {
            "trajectories": trajectories,
            "megabytes": page.stat().st_size / 1e6,
            "written": written,
            **{name: median(found[1:]) for name, found in seconds.items()},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trajectories", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.trajectories, options.repeats)
    if options.json:
        print(json.dumps(found))
        return
    print(
        f"trajectories {found['trajectories']:,}  page {found['megabytes']:.1f} MB  "
        f"written in {found['written']:.1f} s  "
        f"opened in {found['opened']:.2f} s, painted after {found['painted']:.2f} s, "
        f"all lists unfolded in {found['unfolded']:.2f} s"
    )


if __name__ == "__main__":
    main()
