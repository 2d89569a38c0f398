"""Runs for the viewer's tests: a made-up one, and a file of what should not break a page."""

import json
import os
from pathlib import Path

import pytest
from example_run import HOSTILE

from agenttuning.atif import dumps
from agenttuning.models import BUILT_IN, resolve
from agenttuning.trajectory import Decision, Step, Task, Tool, ToolCall, Trajectory, Usage

_CACHE = os.environ.get("AGENTTUNING_CACHE")  # before a test gives its indexes a folder of their own
REVERSED = "pay \u202e001\u202c dollars \u200b"
ANSI = "\x1b[31mred\x1b[0m\x07"
LONG = "lorem ipsum " * 90_000 + "needle"  # over a megabyte


def nasty() -> Trajectory:
    """One trajectory with markup in every field, marks that turn text around, terminal codes and a megabyte."""
    task = Task(f"env {HOSTILE}", f"id {HOSTILE}", "test", f"{HOSTILE} {REVERSED}", {"level": HOSTILE})
    tool = Tool(f"tool {HOSTILE}", HOSTILE, {"type": "object", "properties": {HOSTILE: {"type": "string"}}})
    call = ToolCall(HOSTILE, {HOSTILE: HOSTILE, "__proto__": "x", "deep": {"a": [1, None]}})
    steps = (
        Step(Decision(REVERSED, call), ANSI, usage=Usage(10, 5)),
        Step(Decision("The observation is long.", None, HOSTILE), LONG),
        Step(Decision(), HOSTILE, written=f"{HOSTILE} {ANSI}", error=HOSTILE, train=False),
    )
    return Trajectory(task, (tool,), HOSTILE, HOSTILE, steps, 0.5, "failed", f"model {HOSTILE}", "react")


FOREIGN = {
    "schema_version": "ATIF-v1.4",
    "session_id": "session-7",
    "agent": {"name": "other-agent", "version": "2"},
    "steps": [
        {"step_id": 1, "source": "user", "message": [{"type": "text", "text": "Fix the bug."}, {"type": "image"}]},
        {
            "step_id": 2,
            "source": "agent",
            "message": "I look at the file.",
            "tool_calls": [
                {"tool_call_id": "a", "function_name": "open", "arguments": {"path": "a.py"}},
                {"tool_call_id": "b", "function_name": "open", "arguments": "b.py"},
            ],
            "observation": {"results": [{"content": "first"}, {"content": None}, {"content": 3}]},
            "metrics": {"prompt_tokens": 12, "completion_tokens": -1, "cost_usd": 0.01},
        },
        "no step",
        {"step_id": 3, "source": "user", "message": "Thanks."},
    ],
    "extra": None,
}


def write_lines(path: Path) -> Path:
    """The nasty trajectory, a foreign one, and four lines that are none."""
    lines = [dumps(nasty()), "{not json", json.dumps(FOREIGN), json.dumps({"messages": []}), "[1]", '{"a": "\udcff"}']
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    return path


def built_in() -> str:
    """The built-in model's folder, where it has been made already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AGENTTUNING_CACHE", raising=False)
        if _CACHE:
            patch.setenv("AGENTTUNING_CACHE", _CACHE)
        return str(resolve(BUILT_IN))
