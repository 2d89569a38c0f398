"""The viewer with many trajectories: how long its index takes, and how long each answer.

    python benchmarks/viewer.py --trajectories 100000
    python benchmarks/viewer.py --trajectories 5000 --browser

Made-up trajectories of one to eight turns in eight environments, half of them before and half after training, with
words drawn as in a language (a few often, most rarely). The index is made in a fresh folder. Each kind of request is
sent over HTTP with other words and places each time, so that no answer is one that was kept; `again` sends one that
was. `--browser` also opens the page in Chromium and measures what a person waits for.
"""

import argparse
import http.client
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from urllib.parse import quote

ENVIRONMENTS = ("database", "operating_system", "webshop", "alfworld", "hotpotqa", "mind2web", "rewoo", "webarena")
OUTCOMES = ("solved", "failed", "turn_limit", "format_error", "loop")
REPEATS = 20
WORDS = 30_000


def words(rng: Random) -> Callable[[int], str]:
    """So many words, the n-th most frequent about 1/n as often as the first."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    known = ["".join(rng.choices(letters, weights=range(26, 0, -1), k=rng.randint(2, 11))) for _ in range(WORDS)]
    return lambda n: " ".join(known[int(WORDS ** rng.random()) - 1] for _ in range(n))


def documents(count: int, agent: str, seed: int) -> Iterator[dict]:
    from agenttuning.atif import to_atif
    from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory, Usage

    rng = Random(seed)
    text = words(Random(0))
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    tools = (Tool("search", "Find something.", schema), Tool("answer", "Answer.", schema))
    for number in range(count):
        environment = ENVIRONMENTS[number % len(ENVIRONMENTS)]
        task = Task(environment, f"test-{number // len(ENVIRONMENTS):06}", "test", text(12))
        steps = tuple(
            Step(
                Decision(text(18), ToolCall("search", {"query": text(5)})),
                text(rng.randint(10, 120)),
                usage=Usage(rng.randint(200, 3000), rng.randint(10, 90)),
            )
            for _ in range(rng.randint(1, 8))
        )
        outcome = rng.choice(OUTCOMES)
        reward = float(outcome == "solved")
        yield to_atif(Trajectory(task, tools, "Do it.", text(40), steps, reward, outcome, agent, "command"))  # ty: ignore


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[float, object]:
    """(milliseconds, the answer)."""
    start = time.perf_counter()
    connection.request("GET", path)
    body = connection.getresponse().read()
    return (time.perf_counter() - start) * 1000, json.loads(body)


def requests(total: int) -> dict[str, list[str]]:
    """The paths of each kind of request."""
    rng, text = Random(1), words(Random(0))

    def common(n: int) -> str:
        return " ".join(sorted(text(40 * n).split(), key=len)[:n])

    def search(asked: str) -> list[str]:
        return [f"/api/list?search={quote(asked)}", f"/api/page?search={quote(asked)}&offset=0&limit=100"]

    def filtered(i: int) -> list[str]:
        asked = f"environment={ENVIRONMENTS[i % 8]}&outcome={OUTCOMES[i % 5]}&set={('base', 'tuned')[i % 2]}"
        return [f"/api/list?{asked}", f"/api/page?{asked}&offset=0&limit=100"]

    places = [rng.randrange(total) for _ in range(REPEATS)]
    return {
        "first page": ["/api/list?", "/api/page?offset=0&limit=100"],
        "page at any place": [f"/api/page?offset={place}&limit=100" for place in places],
        "filter by three": [path for i in range(REPEATS) for path in filtered(i)],
        "search for a frequent word": [path for _ in range(REPEATS) for path in search(common(1))],
        "search for two words": [path for _ in range(REPEATS) for path in search(text(2))],
        "search for a phrase": [path for _ in range(REPEATS) for path in search(f'"{text(2)}"')],
        "search for a letter": [path for letter in "etaoin" for path in search(letter)],
        "search in calls": [path for _ in range(REPEATS) for path in search(f"call:{text(1)}")],
        "again": ["/api/list?search=e", "/api/page?search=e&offset=0&limit=100"] * REPEATS,
        "one trajectory": [f"/api/trajectory?id={place}" for place in places],
    }


def in_browser(url: str) -> dict[str, float]:
    """Milliseconds until what was asked for is on the page."""
    from agenttuning.environments.browser import shared

    found: dict[str, float] = {}

    def timed(name: str, act: Callable[[], object], until: str) -> None:
        start = time.perf_counter()
        act()
        page.wait_for_function(until)
        found[name] = (time.perf_counter() - start) * 1000

    with shared().page(network=True, viewport={"width": 1280, "height": 800}) as tab, tab.within(600):
        page = tab.page
        page.set_default_timeout(120_000)
        timed("page opened", lambda: page.goto(url), "() => document.querySelector('.turn')")
        total = "() => document.querySelector('#count').textContent"
        timed(
            "last row",
            lambda: page.keyboard.press("End"),
            "() => document.querySelector('.row[aria-selected=true][data-id]')",
        )
        before = page.evaluate(total)
        timed(
            "filter",
            lambda: page.select_option("#filter-environment", "=alfworld"),
            f"() => ({total})() !== {json.dumps(before)}",
        )
        before = page.evaluate(total)
        timed(
            "search (120 ms of it waits for more keys)",
            lambda: page.fill("#search", "e t a"),
            f"() => ({total})() !== {json.dumps(before)}",
        )
        start = time.perf_counter()
        for _ in range(50):
            page.keyboard.press("j")
        found["one step down the list, of 50"] = (time.perf_counter() - start) * 1000 / 50
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trajectories", type=int, default=100_000)
    parser.add_argument("--browser", action="store_true")
    options = parser.parse_args()

    from agenttuning.files import write_jsonl
    from agenttuning.viewer.index import Index
    from agenttuning.viewer.server import Server

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        for seed, side in enumerate(("base", "tuned")):
            rows = documents(options.trajectories // 2, f"{side}-model", seed)
            write_jsonl(run / "evaluation" / side / "trajectories" / "all.jsonl", rows)
        size = sum(path.stat().st_size for path in run.rglob("*.jsonl"))
        os.environ["AGENTTUNING_CACHE"] = str(Path(folder) / "cache")
        start, computed = time.perf_counter(), time.process_time()
        index = Index.of([run / "evaluation"])
        seconds, computed = time.perf_counter() - start, time.process_time() - computed
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{index.total} trajectories, {size / 1e6:.0f} MB")
        print(
            f"index made:    {seconds:.1f} s ({computed:.1f} s of processor), {index.file.stat().st_size / 1e6:.0f} MB"
        )
        print(f"peak memory:   {memory:.0f} MB (with the writing of the trajectories)")
        start = time.perf_counter()
        index = Index.of([run / "evaluation"])
        print(f"found again:   {(time.perf_counter() - start) * 1000:.0f} ms\n")
        with Server(index, None, 0) as server:
            server.in_background()
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=600)
            print(f"{'ms a request':30}{'median':>9}{'largest':>9}{'requests':>10}")
            for name, paths in requests(index.total).items():
                took = [ask(connection, path)[0] for path in paths]
                print(f"{name:30}{median(took):9.1f}{max(took):9.1f}{len(took):10}")
            if options.browser:
                print()
                for name, took in in_browser(server.url).items():
                    print(f"{name:45}{took:9.0f} ms")
            connection.close()
            server.shutdown()


if __name__ == "__main__":
    main()
