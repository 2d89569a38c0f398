"""inspect-ai's evaluation logs: a folder with one JSON file for each environment and model, for `inspect view` and
`inspect_ai.log.read_eval_log`.

A trajectory is a sample: its messages with tool calls and reasoning, its reward as the score. Outcome, wrong turns and
what the environment calls a turn's error stand in `metadata`. Written only; the fields are those of log version 2
(https://inspect.aisi.org.uk/reference/inspect_ai.log.html).

>>> write("inspect", trajectories, Path("logs"))
{'items': 50, 'rows': 50, 'lost': {}}
"""

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import IO, Any

from agenttuning import __version__
from agenttuning.corpus.formats.base import Format, Item, WriteConfig
from agenttuning.errors import BadInput, BadRow
from agenttuning.files import atomic_write
from agenttuning.trajectory import Decision, Step, Tool, ToolCall, Trajectory, Usage

VERSION = 2  # of the log's form
CREATED = "1970-01-01T00:00:00+00:00"  # a trajectory has no date, and the same input gives the same bytes
SCORER = "reward"
LIMITS = {"turn_limit": "message", "token_limit": "token"}  # outcome → the limit that every version of theirs knows


class Inspect(Format):
    name = "inspect"
    about = "inspect-ai's eval logs: a folder with a JSON file for each environment and model"

    def fits(self, row: Mapping[str, Any]) -> bool:
        return False  # written, not read

    def item(self, row: Mapping[str, Any], where: str) -> tuple[Item, tuple[str, ...]]:
        raise BadRow(f"{where}: inspect-ai's logs are written, not read", "no_turns")

    def rows(self, item: Item, config: WriteConfig, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        if isinstance(item, Trajectory):
            yield sample(item)
        else:
            lost["no_trajectory"] += 1

    def write(self, items: Iterable[Item], out: Path, config: WriteConfig, lost: Counter[str]) -> dict[str, int]:
        if out.is_file():
            raise BadInput(f"{out}: is a file; inspect needs a folder, for a log holds one environment and one model")
        counts = {"items": 0, "rows": 0}
        logs: dict[tuple[str, str], _Log] = {}
        with tempfile.TemporaryDirectory() as scratch:
            for item in items:
                counts["items"] += 1
                for row in self.rows(item, config, lost):
                    assert isinstance(item, Trajectory)
                    key = (item.task.environment, item.agent)
                    if key not in logs:
                        logs[key] = _Log(*key, Path(scratch) / str(len(logs)))
                    logs[key].add(row, item)
                    counts["rows"] += 1
            for log in logs.values():
                with atomic_write(out / log.name) as stream:
                    log.write(stream)
        return counts


def sample(trajectory: Trajectory) -> dict[str, Any]:
    """One EvalSample. Its epoch is set by its log, where the same task stands several times."""
    task = trajectory.task
    answer = next((step.decision for step in reversed(trajectory.steps)), Decision())
    content = answer.message or (_written(answer.call) if answer.call else "")
    usage = _usage(*(step.usage for step in trajectory.steps if step.usage))
    stop = "max_tokens" if trajectory.outcome == "token_limit" else "stop"
    reply = {"role": "assistant", "content": content, "source": "generate", "model": trajectory.agent}
    out: dict[str, Any] = {
        "id": task.id,
        "epoch": 1,
        "input": task.goal or trajectory.opening,
        "target": _target(task.data.get("answer")),
        "messages": list(_messages(trajectory)),
        "output": {
            "model": trajectory.agent,
            "choices": [{"message": reply, "stop_reason": stop}],
            "completion": content,
            **({"usage": usage} if usage else {}),
        },
        "scores": {
            SCORER: {"value": trajectory.reward, "answer": content or None, "metadata": {"outcome": trajectory.outcome}}
        },
        "metadata": {
            "split": task.split,
            "level": task.level,
            "kind": task.kind,
            "outcome": trajectory.outcome,
            "dialect": trajectory.dialect,
            "seed": trajectory.seed,
        },
        "model_usage": {trajectory.agent: usage} if usage else {},
    }
    if trajectory.outcome in LIMITS:
        reached = usage.get("total_tokens", 0) if trajectory.outcome == "token_limit" else len(out["messages"])
        out["limit"] = {"type": LIMITS[trajectory.outcome], "limit": reached}
    return out


def _messages(trajectory: Trajectory) -> Iterator[dict[str, Any]]:
    if trajectory.instructions:
        yield {"role": "system", "content": trajectory.instructions, "source": "input"}
    yield {"role": "user", "content": trajectory.opening, "source": "input"}
    for number, step in enumerate(trajectory.steps, start=1):
        yield _reply(step, number, trajectory.agent)
        call = step.decision.call
        if call is not None:
            found = {"role": "tool", "content": step.observation, "tool_call_id": f"call_{number}"}
            found["function"] = call.name
            yield found | ({"metadata": {"error": step.error}} if step.error else {})
        elif step.observation:
            yield {"role": "user", "content": step.observation}


def _reply(step: Step, number: int, model: str) -> dict[str, Any]:
    decision = step.decision
    said = decision.message or ("" if decision.call else step.written or "")
    content: str | list[dict[str, Any]] = said
    if decision.thought is not None:
        content = [{"type": "reasoning", "reasoning": decision.thought}]
        content += [{"type": "text", "text": said}] if said else []
    out: dict[str, Any] = {"role": "assistant", "content": content, "source": "generate", "model": model}
    if decision.call is not None:
        call = decision.call
        out["tool_calls"] = [
            {"id": f"call_{number}", "function": call.name, "arguments": dict(call.arguments), "type": "function"}
        ]
    notes = {"train": step.train, "error": step.error, "written": step.written}
    if step.performed is not None:
        notes["performed"] = _written(step.performed)
    return out | {"metadata": {name: value for name, value in notes.items() if value is not None}}


def _written(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)


def _target(answer: Any) -> str | list[str]:
    if isinstance(answer, list) and all(isinstance(one, str) for one in answer):
        return list(answer)
    return "" if answer is None else answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _usage(*usages: Usage) -> dict[str, Any]:
    """Tokens as inspect-ai counts them: what was read anew and what from a cache stand apart."""
    if not usages:
        return {}
    read, cached, written = (sum(getattr(one, part) for one in usages) for part in ("prompt", "cached", "completion"))
    out = {"input_tokens": read - cached, "output_tokens": written, "total_tokens": read + written}
    out["input_tokens_cache_read"] = cached
    prices = [one.usd for one in usages if one.usd is not None]
    return out | ({"total_cost": sum(prices)} if prices else {})


def _digest(*names: str) -> str:
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


@dataclass
class _Log:
    """One file: its samples on the disk until the head, which counts them, can be written."""

    environment: str
    model: str
    spool: Path
    rewards: list[float] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    tools: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Time, task, model, number, as `inspect view` looks for logs; never that of another log."""
        said = (
            re.sub(r"[\W_]+", "-", text, flags=re.ASCII).strip("-")[-60:] or "none"
            for text in (self.environment, self.model)
        )
        return f"{CREATED[:19].replace(':', '-')}_{'_'.join(said)}_{_digest(self.environment, self.model)[:8]}.json"

    def add(self, row: dict[str, Any], trajectory: Trajectory) -> None:
        self.tools = self.tools or [_tool(tool) for tool in trajectory.tools]
        self.times[row["id"]] += 1
        row["epoch"] = self.times[row["id"]]
        self.rewards.append(trajectory.reward)
        with self.spool.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    def write(self, stream: IO[str]) -> None:
        stream.write(json.dumps(self.head(), ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "samples": [\n')
        with self.spool.open(encoding="utf-8") as rows:
            for number, row in enumerate(rows):
                stream.write((",\n" if number else "") + row.rstrip("\n"))
        stream.write("\n  ]\n}\n")

    def head(self) -> dict[str, Any]:
        n, epochs = len(self.rewards), max(self.times.values())
        mean = sum(self.rewards) / n
        spread = sqrt(sum((reward - mean) ** 2 for reward in self.rewards) / (n - 1) / n) if n > 1 else 0.0
        metrics = {"mean": {"name": "mean", "value": mean}, "stderr": {"name": "stderr", "value": spread}}
        digest = _digest(self.environment, self.model)
        return {
            "version": VERSION,
            "status": "success",
            "eval": {
                "eval_id": digest[:22],
                "run_id": digest[22:44],
                "created": CREATED,
                "task": self.environment,
                "task_id": _digest(self.environment)[:22],
                "dataset": {"name": self.environment, "samples": len(self.times), "sample_ids": list(self.times)},
                "model": self.model,
                "config": {"epochs": epochs},
                "packages": {"agenttuning": __version__},
                "metadata": {"tools": self.tools},
            },
            "plan": {"name": "agenttuning", "steps": []},
            "results": {
                "total_samples": n,
                "completed_samples": n,
                "scores": [{"name": SCORER, "scorer": SCORER, "params": {}, "metrics": metrics}],
            },
            "stats": {"started_at": CREATED, "completed_at": CREATED},
        }
