"""A synthetic corpus of three sizes through the whole preparation: time, peak memory, slopes, and 10^9 rows by them.

    python benchmarks/scale.py --sizes 10 100 1000 --workers 2 --out scale.json --page docs/scale.md

Import, lint, filter, duplicates, 2,000 evaluation items, mix and, with `--model`, encode. Each size is a run of its own
in a fresh process. The peak is the proportional memory (PSS) of the process and all its workers together, looked at
every quarter of a second. `--page` writes the tables between the marks of that page; `--from scale.json` does so
without measuring.
"""

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from agenttuning.atif import to_atif
from agenttuning.corpus.shards import line_of, shard_name, write_shard
from agenttuning.preparation.choose import PASS_ROWS
from agenttuning.progress import duration
from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory

ROWS_A_SHARD = 4000
BILLION = 10**9
CORE_HOUR, TERABYTE_MONTH = 0.04, 80.0  # USD: a core of a large cloud machine, fast network storage
CORES = 256  # of the cluster that the calculation is for
RANDOM_READS = 100_000  # a second, of a storage system's rows of a few kilobytes
STAGES = ("clean", "choose", "draw")
TOOLS = (
    Tool("sql", "Run a statement.", {"type": "object", "properties": {"query": {"type": "string"}}}, "sql {query}"),
    Tool("answer", "Answer.", {"type": "object", "properties": {"value": {"type": "string"}}}, "answer {value}"),
)
SYLLABLES = [a + b for a in "bcdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "ai", "or", "en")]


def words(random: Random, count: int) -> str:
    return " ".join("".join(random.choices(SYLLABLES, k=2)) for _ in range(count))


def episode(random: Random, number: int) -> dict[str, Any]:
    """About 2.5 kB: three calls with thoughts, results and an answer; two of a hundred failed."""
    steps = [
        Step(
            Decision(
                words(random, 25), ToolCall("sql", {"query": f"SELECT {words(random, 6)} FROM {words(random, 1)}"})
            ),
            words(random, 40),
        )
        for _ in range(3)
    ]
    steps.append(Step(Decision(words(random, 8), ToolCall("answer", {"value": words(random, 2)})), "Right."))
    solved = random.random() > 0.02
    task = Task("database", f"train-{number:09}", "train", words(random, 15), {"level": "easy", "kind": "lookup"})
    outcome = "solved" if solved else "failed"
    return to_atif(Trajectory(task, TOOLS, words(random, 30), task.goal, tuple(steps), float(solved), outcome))


def chat(random: Random, number: int) -> dict[str, Any]:
    turns = [("user", words(random, 30)), ("assistant", words(random, 120))]
    turns += [("user", words(random, 12)), ("assistant", words(random, 80))]
    return {"id": f"chat-{number:09}", "messages": [{"role": role, "content": text} for role, text in turns]}


def shard(folder: str, number: int, agent: bool) -> Iterator[dict[str, Any]]:
    """Rows of one shard; one of fifty stands in the shard before it already."""
    make = episode if agent else chat
    before = Random(f"{folder}/{number - 1}")
    random = Random(f"{folder}/{number}")
    for i in range(ROWS_A_SHARD):
        if number and i < ROWS_A_SHARD // 50:
            yield make(before, (number - 1) * ROWS_A_SHARD + i)
        else:
            yield make(random, number * ROWS_A_SHARD + i)


def write_corpus(folder: Path, size: int) -> dict[str, int]:
    """At least `size` bytes of rows, half of them agents', in shards of each kind; returns the rows and their bytes."""
    counts = {"rows": 0, "bytes": 0}
    for name, agent in (("agent", True), ("general", False)):
        left, number = size / 2, 0
        while left > 0:
            rows = []
            for row in shard(name, number, agent):
                rows.append(row)
                left -= len(line_of(row))
                if left <= 0:
                    break
            kind = ("jsonl", "jsonl.zst", "jsonl", "parquet", "jsonl")[number % 5]
            write_shard(folder / name / shard_name(number, kind), rows)
            counts["rows"] += len(rows)
            number += 1
        counts["bytes"] += int(size / 2 - left)
    return counts


def measured(size: int, workers: int, model: str, ray: bool, scratch: Path) -> dict[str, Any]:
    """One size: its rows, seconds by stage, and the most memory of all processes together."""
    folder = scratch / str(size)
    counts = write_corpus(folder, size)
    random = Random("evaluation")
    write_shard(folder / "test.jsonl", ({"id": f"q-{i}", "text": words(random, 40)} for i in range(2000)))
    command = [sys.executable, "-m", "agenttuning", "prepare", str(folder / "agent"), "--out", str(folder / "out")]
    command += ["--mix.general", str(folder / "general"), "--mix.eta", "0.5", "--workers", str(workers), "--json"]
    command += ["--decontaminate.files.synthetic", str(folder / "test.jsonl")]
    command += ["--model", model] if model else []
    command += ["--ray"] if ray else []
    began, peak = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.25)
        assert process.stdout is not None
        answer = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    seconds = time.monotonic() - began
    report = json.loads(answer)
    disk = sum(file.stat().st_size for file in (folder / "out").rglob("*") if file.is_file())
    shutil.rmtree(folder)
    kept = {key: report[key] for key in ("read", "rows", "dropped", "refused", "tokens", "seconds") if key in report}
    return {
        "size": size,
        "input_rows": counts["rows"],
        "input_bytes": counts["bytes"],
        "total_seconds": round(seconds, 2),
        "peak_bytes": peak,
        "output_bytes": disk,
        **kept,
    }


def memory(root: int) -> int:
    """Proportional memory in bytes of a process and all below it; 0 where the system does not tell."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    total, waiting = 0, [root]
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += 1024 * int(found.group(1)) if found else 0
    return total


def slope(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """(what one more costs, what none costs, the exponent of growth between the first and the last point)."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rate = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else mean_y / mean_x
    (x0, y0), (x1, y1) = points[0], points[-1]
    exponent = math.log(y1 / y0) / math.log(x1 / x0) if x1 > x0 and y0 > 0 and y1 > 0 else float("nan")
    return rate, mean_y - rate * mean_x, exponent


def tables(result: dict[str, Any]) -> str:
    """What was measured and what follows for 10^9 rows, as Markdown."""
    runs, workers = result["runs"], result["workers"]
    lines = [f"{workers} workers{', over Ray' if result['ray'] else ''}, {result['model'] or 'without encoding'}.", ""]
    lines += [
        "| input | rows | clean | choose | draw | in all | MB/s a core | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        stages = " | ".join(duration(run["seconds"][name]) for name in STAGES)
        rate = run["input_bytes"] / 1e6 / run["total_seconds"] / workers
        peak = f"{run['peak_bytes'] / 1e6:.0f} MB"
        size, rows = f"{run['input_bytes'] / 1e6:.0f} MB", f"{run['input_rows']:,}"
        lines.append(f"| {size} | {rows} | {stages} | {duration(run['total_seconds'])} | {rate:.2f} | {peak} |")
    last = runs[-1]
    row_bytes = last["input_bytes"] / last["input_rows"]
    rates = {name: slope([(run["input_rows"], run["seconds"][name]) for run in runs]) for name in STAGES}
    resident = slope([(run["input_rows"], run["peak_bytes"]) for run in runs])
    lines += ["", "| slope | of one row more | exponent from first to last size |", "|---|---|---|"]
    lines += [
        f"| {name} | {1e6 * rate * (1 if name == 'choose' else workers):.1f} µs of a core | {exponent:.2f} |"
        for name, (rate, _, exponent) in rates.items()
    ]
    lines.append(f"| memory | {resident[0]:.1f} bytes | {resident[2]:.2f} |")
    passes = BILLION // PASS_ROWS  # each of which reads all keys again
    costs = {n: max(rate, 0) * (passes if n == "choose" else workers) for n, (rate, _, _) in rates.items()}
    hours = {n: cost * BILLION / 3600 for n, cost in costs.items()}
    wall = {n: hours[n] if n == "choose" else hours[n] / CORES for n in STAGES}
    disk = BILLION * (row_bytes + 56 + last["output_bytes"] / last["input_rows"]) / 1e12
    reads = BILLION / RANDOM_READS / 3600
    cost = (
        sum(hours[n] for n in ("clean", "draw")) * CORE_HOUR
        + wall["choose"] * CORES * CORE_HOUR
        + disk * TERABYTE_MONTH / 30
    )
    lines += ["", f"| 10⁹ rows of {row_bytes:.0f} bytes, {CORES} cores | |", "|---|---|"]
    lines += [f"| input | {BILLION * row_bytes / 1e12:.2f} TB |"]
    lines += [f"| {n} | {hours[n]:,.0f} core hours, {wall[n]:.1f} h |" for n in STAGES]
    lines += [
        f"| rows read in shuffled order | {reads:.1f} h at {RANDOM_READS:,} reads a second |",
        f"| memory of `choose` | {(16 * PASS_ROWS + BILLION / 8) / 1e9:.1f} GB in {passes} passes |",
        f"| scratch and output on disk | {disk:.1f} TB |",
        f"| cost | {cost:,.0f} USD at {CORE_HOUR} USD a core hour, {TERABYTE_MONTH:.0f} USD a terabyte and month |",
    ]
    return "\n".join(lines)


def write_page(page: Path, text: str) -> None:
    """Put the tables between the marks of a page."""
    begin, end = "<!-- measured by benchmarks/scale.py -->", "<!-- end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    assert found, f"{page}: no marks"
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[10, 100, 1000], help="megabytes of plain JSONL")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="", help="encode with this model's tokenizer")
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--scratch", type=Path, help="where the corpora are written; the system's folder by default")
    parser.add_argument("--out", type=Path, help="write what was measured as JSON")
    parser.add_argument("--from", dest="source", type=Path, help="take what was measured from here")
    parser.add_argument("--page", type=Path, help="write the tables into this page")
    options = parser.parse_args()
    if options.source:
        result = json.loads(options.source.read_text())
    else:
        result = {"workers": options.workers, "model": options.model, "ray": options.ray, "runs": []}
        with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
            for size in options.sizes:
                run = measured(int(size * 1e6), options.workers, options.model, options.ray, Path(scratch))
                print(json.dumps(run), file=sys.stderr)
                result["runs"].append(run)
    if options.out:
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    text = tables(result)
    print(text)
    if options.page:
        write_page(options.page, text)


if __name__ == "__main__":
    main()
