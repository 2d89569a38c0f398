"""A user's package with an environment of its own that misbehaves on demand, found by its entry point.

`install(folder)` writes the package and its metadata; with the folder on PYTHONPATH it is as good as installed.
"""

from pathlib import Path

SOURCE = """
import os, time
from agenttuning.environments import Feedback
from agenttuning.environments.official import convert
from agenttuning.errors import BadInput, InvalidAction, NoExpert
from agenttuning.trajectory import Decision, Task, Tool, ToolCall

WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
SAY = Tool("say", "Say a word.", WORD, "say {word}")

class Troubled:
    name, held, metric, max_turns = "troubled", "out", "success_rate", 6
    instructions, tools = "Say the magic word.", (SAY,)
    KINDS = ("fine", "crash_reset", "crash_step", "die", "hang", "no_expert")

    def __init__(self, data=None, *, skip_bad=False):
        self.data, self.skip_bad, self.skipped = data, skip_bad, ()

    def tasks(self, split, *, limit=None, seed=0):
        if fuse := os.environ.get("TROUBLED_DEATHS"):  # a file whose size says how often the worker dies here
            if left := os.path.getsize(fuse):
                os.truncate(fuse, left - 1)
                os._exit(9)
        if self.data:
            lines = enumerate(self.data.read_text().splitlines(), start=1)
            places = ((f"{self.data.name}:{number}", (number, line)) for number, line in lines)
            official = convert(places, self.make, skip_bad=self.skip_bad)
            self.skipped = official.skipped
            return official.tasks[:limit]
        kinds = [self.KINDS[i % 6] for i in range(limit or 6)]
        return [Task("troubled", f"{split}-{seed}-{i}", split, "Say please.", {"kind": kind, "level": "easy"})
                for i, kind in enumerate(kinds)]

    def make(self, record):
        number, kind = record
        if kind not in self.KINDS:
            raise BadInput(f"'kind' should be a known one, found {kind!r}")
        return Task("troubled", f"file-{number}", "test", "Say please.", {"kind": kind})

    def choices(self):
        return [ToolCall("say", {"word": word}) for word in ("hello there", "please")]

    def reset(self, task):
        self.kind = task.data["kind"]
        if self.kind == "crash_reset":
            raise RuntimeError("broken at reset")
        return "Task: say please."

    def step(self, call):
        if self.kind == "crash_step":
            raise KeyError("broken at step")
        if self.kind == "die":
            os._exit(7)
        if self.kind == "hang":
            time.sleep(600)
        if call.arguments["word"] == "no":
            raise InvalidAction("Do not say no.")
        polite = call.arguments["word"].startswith("pl")
        performed = ToolCall("say", {"word": "please"}) if polite and call.arguments["word"] != "please" else None
        worth = 1.0 if polite else 0.5 if call.arguments["word"].startswith("half") else 0.0
        return Feedback("Thank you." if polite else "Hm.", worth, terminated=polite, performed=performed,
                        measures={"politeness": 0.5} if polite else {})

    def expert(self, task):
        if self.kind == "no_expert":
            raise NoExpert("nobody knows")
        yield Decision("Be polite.", ToolCall("say", {"word": "please"}))

    def close(self):
        pass
"""


def install(folder: Path) -> None:
    (folder / "troubled_package.py").write_text(SOURCE, encoding="utf-8")
    metadata = folder / "troubled_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: troubled-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[agenttuning.environments]\ntroubled = troubled_package:Troubled\n")
