"""A user's environments that take their time, leak, or die, as tasks say: `steady`, and `sluggish`, which is the same.

`install(folder)` writes the package and its metadata; with the folder on PYTHONPATH it is as good as installed.
"""

from pathlib import Path

SOURCE = """
import json, os, time
from agenttuning.environments import Feedback
from agenttuning.trajectory import Decision, Task, Tool, ToolCall

WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
LEAKED = []

class Steady:
    name, held, metric, max_turns = "steady", "out", "success_rate", 6
    instructions, tools = "Say a word three times.", (Tool("say", "Say a word.", WORD, "say {word}"),)

    def __init__(self, data=None):
        self.said = 0

    def tasks(self, split, *, limit=None, seed=0):
        how = json.loads(os.environ.get("WORLDS", "{}")).get(self.name, {})  # seconds of a step, bytes, tasks that die
        numbers = range(limit or 9)
        return [Task(self.name, f"{split}-{seed}-{i}", split, "Speak.", {**how, "number": i}) for i in numbers]

    def reset(self, task):
        self.said, self.data = 0, task.data
        LEAKED.append(bytes(1) * self.data.get("bytes", 0))
        return f"Task {self.data['number']}" + (f" in {os.getpid()}" if self.data.get("tell") else "")

    def step(self, call):
        time.sleep(self.data.get("seconds", 0))
        if self.data["number"] in self.data.get("die", ()):
            os._exit(7)
        self.said += 1
        return Feedback(f"Said {call.arguments['word']}.", float(self.said == 3), terminated=self.said == 3)

    def expert(self, task):
        for word in ("one", "two", "three"):
            yield Decision("Speak.", ToolCall("say", {"word": word}))

    def close(self):
        pass

class Sluggish(Steady):
    name = "sluggish"
"""


def install(folder: Path) -> None:
    (folder / "worlds_package.py").write_text(SOURCE, encoding="utf-8")
    metadata = folder / "worlds_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: worlds-package\nVersion: 1.0\n")
    entries = "steady = worlds_package:Steady\nsluggish = worlds_package:Sluggish\n"
    (metadata / "entry_points.txt").write_text(f"[agenttuning.environments]\n{entries}")
