"""Many conversations at once: the server beside `transformers serve` and, where it is installed, llama.cpp's.

    python benchmarks/serving.py --conversations 1000 --turns 2 --tokens 24 --limit 900
    python benchmarks/serving.py --conversations 16 --turns 5 --tokens 40

Every server gets the same conversations on the same machine, one server after the other. A column for refusals: only
429 and 503 with Retry-After, after which the client waits as told. `memory` is the largest resident size of the
server's processes. Latencies are of requests that were taken: to the first token, and between two.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path

from load import Load, drive
from rollout import openings

from agenttuning.conversation import to_openai
from agenttuning.engines.gguf import export_gguf
from agenttuning.models import resolve
from agenttuning.tables import aligned

HEAD = ["server", "finished", "errors", "refused", "tokens/s", "first p50", "p95", "between p50", "p95", "memory, MB"]


def servers(model: str, port: int, room: Path) -> dict[str, tuple[str, list[str]]]:
    """(model's name in requests, command line) of each server that is installed here."""
    python, folder = sys.executable, resolve(model)
    own = [python, "-m", "agenttuning", "serve", model, "--name", "model", "--port", str(port)]
    found = {"agenttuning": ("model", own), "agenttuning, loop": ("model", [*own, "--engine", "transformers"])}
    program = installed("transformers")
    if program and importlib.util.find_spec("fastapi"):
        line = [program, "serve", str(folder), "--port", str(port), "--device", "cpu", "--dtype", "float32"]
        found["transformers serve"] = (str(folder), line)
        found["transformers serve, continuous"] = (str(folder), [*line, "--continuous-batching"])
    program = installed("llama-server")
    if program:
        file = export_gguf(folder, room / "model.gguf")
        parallel = ["--parallel", "32", "--ctx-size", str(32 * 2048), "--threads", "2"]
        found["llama-server"] = ("model", [program, "-m", str(file), "--port", str(port), *parallel])
    return found


def installed(program: str) -> str | None:
    """Its path: beside this Python, or on the PATH."""
    beside = Path(sys.executable).with_name(program)
    return str(beside) if beside.is_file() else shutil.which(program)


@contextlib.contextmanager
def running(line: list[str], port: int, log: Path) -> Generator[subprocess.Popen]:
    with log.open("wb") as stream:
        process = subprocess.Popen(line, stdout=stream, stderr=stream, start_new_session=True)
    try:
        deadline = time.monotonic() + 600
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{line[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                break
            time.sleep(0.5)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def resident(pid: int) -> int:
    """Kilobytes of a process and its children."""
    total = 0
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        total += next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmRSS"))
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += resident(int(child))
    return total


def watch(pid: int, peak: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.5):
        peak[0] = max(peak[0], resident(pid))


def row(name: str, load: Load, conversations: int, peak: int) -> list[str]:
    def at(times: list[float], share: float) -> str:
        return f"{sorted(times)[min(int(share * len(times)), len(times) - 1)]:.2f} s" if times else "-"

    errors = ", ".join(f"{count} × {what}" for what, count in load.errors.items()) or "0"
    return [
        name, f"{load.finished}/{conversations}", errors, str(load.refused), f"{load.tokens / load.seconds:.1f}",
        at(load.first, 0.5), at(load.first, 0.95), at(load.between, 0.5), at(load.between, 0.95), f"{peak / 1024:.0f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--conversations", type=int, default=64)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for one server")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="built-in name or folder")
    parser.add_argument("--only", nargs="*", help="names of servers")
    args = parser.parse_args()
    talks = [to_openai(talk) for talk in openings(args.conversations)]
    rows = [HEAD]
    with tempfile.TemporaryDirectory() as room:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for name, (model, line) in servers(args.model, port, Path(room)).items():
            if args.only and name not in args.only:
                continue
            with running(line, port, Path(room) / "log") as process:
                options = {"turns": args.turns, "tokens": args.tokens}
                asyncio.run(drive(port, model, talks[:1], turns=1, tokens=2, limit=300))  # warm up
                peak, stop = [0], threading.Event()
                threading.Thread(target=watch, args=(process.pid, peak, stop), daemon=True).start()
                load = asyncio.run(drive(port, model, talks, limit=args.limit, **options))
                stop.set()
            rows.append(row(name, load, args.conversations, peak[0]))
            print(f"{name}: {load.seconds:.0f} s", file=sys.stderr, flush=True)
    print(aligned(rows))


if __name__ == "__main__":
    main()
