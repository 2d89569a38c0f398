"""Contamination of ever larger corpora: megabytes a second of processor time, and peak memory.

    python benchmarks/contamination.py --megabytes 4 40 400 --items 1000 20000

Two kinds of rows: `agent`, trajectories of built-in experts in the dialect react, under other seeds; `general`, new
conversations put together from the sentences of the built-in ones. They are compared with the test tasks of three
environments, the general probe, 120 items of Agent-H, and so many more made-up questions. The whole stage is timed: it
reads, parses, marks, and writes the rows that are not dirty. Each size runs in a process of its own; the bare side
parses each line as JSON and writes it again.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

WORKED = ("database", "knowledge_graph", "hotpotqa")


def sentences() -> list[str]:
    from agenttuning.corpus.general import GENERAL

    rows = [json.loads(line) for line in GENERAL.read_text(encoding="utf-8").splitlines()]
    text = " ".join(message["content"] for row in rows if row["split"] == "train" for message in row["messages"])
    return re.split(r"(?<=[.!?]) ", text)


def agent_rows(folder: Path) -> Iterator[dict]:
    """Those of 900 tasks, again and again in another order."""
    from agenttuning import dialects
    from agenttuning.atif import read_trajectories
    from agenttuning.conversation import to_row
    from agenttuning.rollout.collect import CollectConfig, collect

    played, writer, rng = folder / "played", dialects.get("react"), Random(0)
    if not played.exists():
        collect(CollectConfig(dict.fromkeys(WORKED, 300)), played, dialect="react", seed=0)
    episodes = [t for file in sorted(played.glob("*.jsonl")) for t in read_trajectories(file)]
    rows = [{"source": f"agent/{t.task.environment}", **to_row(writer.write(t))} for t in episodes]
    while True:
        rng.shuffle(rows)
        yield from rows


def general_rows(folder: Path) -> Iterator[dict]:
    said, rng = sentences(), Random(0)
    for i in count():
        messages = [
            {"role": role, "content": " ".join(rng.choices(said, k=size))}
            for role, size in (("user", 3), ("assistant", 12))
        ]
        yield {"id": f"general-{i}", "source": "general", "messages": messages}


KINDS = {"agent": agent_rows, "general": general_rows}


def write_rows(kind: str, folder: Path, megabytes: float) -> Path:
    out, left = folder / "corpus.jsonl", megabytes * 1e6
    with out.open("w", encoding="utf-8") as stream:
        for row in KINDS[kind](folder):
            left -= stream.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            if left <= 0:
                return out
    raise AssertionError("rows do not end")


def write_items(folder: Path, extra: int) -> Path:
    from agenttuning.evaluation.suites import EvaluateConfig
    from agenttuning.evaluation.texts import texts
    from agenttuning.files import write_jsonl

    config = EvaluateConfig(held_in=dict.fromkeys(WORKED[:2], 50), held_out={WORKED[2]: 50}, hallucination=120)
    known = re.findall(r"\w+", " ".join(sentences()))
    rng = Random(1)
    made = ({"set": "made", "id": str(i), "text": " ".join(rng.choices(known, k=40))} for i in range(extra))
    out = folder / f"items-{extra}.jsonl"
    write_jsonl(out, (row for rows in (texts(config, seed=0), made) for row in rows))
    return out


def bare(corpus: Path, items: Path, out: Path) -> int:
    out.mkdir()
    with corpus.open(encoding="utf-8") as source, (out / "corpus.jsonl").open("w", encoding="utf-8") as target:
        for line in source:
            target.write(json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":")) + "\n")
    return 0


def ours(corpus: Path, items: Path, out: Path) -> int:
    from agenttuning.corpus.contamination import DecontaminateConfig, Found, decontaminate

    found = Found()
    found.add_written(items)
    return decontaminate(DecontaminateConfig(drop="dirty", workers=1), corpus, found, out)["dropped"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[4, 40])
    parser.add_argument("--items", type=int, nargs="+", default=[1000])
    parser.add_argument("--side", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side, corpus, items, out = args.side
        began = time.process_time()
        dropped = {"bare": bare, "ours": ours}[side](Path(corpus), Path(items), Path(out))
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "mb": round(peak), "dropped": dropped}))
        return
    head = ("rows", "MB", "made-up items", "bare MB/s", "MB/s", "bare peak", "peak MB", "dropped")
    print("  ".join(f"{name:>13}" for name in head))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in KINDS:
            for megabytes in args.megabytes:
                corpus = write_rows(kind, folder, megabytes)
                for extra in args.items:
                    items, sides = write_items(folder, extra), []
                    for side in ("bare", "ours"):
                        out = folder / f"{side}-{kind}-{megabytes}-{extra}"
                        command = [sys.executable, __file__, "--side", side, str(corpus), str(items), str(out)]
                        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                        sides.append(json.loads(told))
                        (out / "corpus.jsonl").unlink()
                    size = corpus.stat().st_size / 1e6
                    rates = [f"{size / side['seconds']:.1f}" for side in sides]
                    memory = [str(side["mb"]) for side in sides]
                    cells = (kind, f"{size:.0f}", str(extra), *rates, *memory, str(sides[1]["dropped"]))
                    print("  ".join(f"{cell:>13}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
