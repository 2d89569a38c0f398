"""Trajectories on disk: one line of ATIF v1.8 JSONL each, so every ATIF reader can open our files.

The system step holds the instructions, the user step the opening observation, each agent step one decision
with its observation. What ATIF has no field for goes under `extra`; nothing is lost either way:
``from_atif(to_atif(trajectory)) == trajectory``.

>>> write_trajectories(Path("episodes.jsonl"), [trajectory])
>>> [t.reward for t in read_trajectories(Path("episodes.jsonl"))]
[1.0]
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agenttuning import __version__
from agenttuning.errors import BadInput
from agenttuning.files import read_jsonl, write_jsonl
from agenttuning.trajectory import OUTCOMES, SPLITS, Decision, Request, Step, Task, Tool, ToolCall, Trajectory, Usage

SCHEMA_VERSION = "ATIF-v1.8"
SAMPLES = "samples.json"  # beside files of trajectories: how many others were played, by environment


def to_atif(trajectory: Trajectory) -> dict[str, Any]:
    """The ATIF document of one trajectory, JSON types only."""
    environment, task_id, seed = trajectory.key
    steps: list[dict[str, Any]] = [
        {"step_id": 1, "source": "system", "message": trajectory.instructions},
        {"step_id": 2, "source": "user", "message": trajectory.opening},
    ]
    steps += [_step_to_atif(i, step) for i, step in enumerate(trajectory.steps, start=3)]
    definitions = []
    for tool in trajectory.tools:
        definition = tool.schema()
        if tool.phrase is not None:
            definition["x-phrase"] = tool.phrase
        if tool.also:
            definition["x-also"] = list(tool.also)
        definitions.append(definition)
    return {
        "schema_version": SCHEMA_VERSION,
        "trajectory_id": f"{environment}/{task_id}/{seed}",
        "agent": {
            "name": "agenttuning",
            "version": __version__,
            "model_name": trajectory.agent,
            "tool_definitions": definitions,
        },
        "steps": steps,
        "extra": {
            "task": {
                "environment": environment,
                "id": task_id,
                "split": trajectory.task.split,
                "goal": trajectory.task.goal,
                "data": dict(trajectory.task.data),
            },
            "reward": trajectory.reward,
            "outcome": trajectory.outcome,
            "dialect": trajectory.dialect,
            "seed": seed,
            "meta": dict(trajectory.meta),
        },
    }


def _step_to_atif(number: int, step: Step) -> dict[str, Any]:
    decision = step.decision
    document: dict[str, Any] = {"step_id": number, "source": "agent", "message": decision.message or ""}
    result: dict[str, Any] = {"content": step.observation}
    if decision.thought is not None:
        document["reasoning_content"] = decision.thought
    if decision.call is not None:
        call_id = f"call_{number}"
        document["tool_calls"] = [
            {
                "tool_call_id": call_id,
                "function_name": decision.call.name,
                "arguments": dict(decision.call.arguments),
            }
        ]
        result["source_call_id"] = call_id
    document["observation"] = {"results": [result]}
    if step.usage is not None:
        document["metrics"] = _metrics(step.usage)
        if step.usage.requests:
            document["llm_call_count"] = len(step.usage.requests)
    extra: dict[str, Any] = {"train": step.train}
    if step.written is not None:
        extra["written"] = step.written
    if step.error is not None:
        extra["error"] = step.error
    if step.performed is not None:
        extra["performed"] = {"name": step.performed.name, "arguments": dict(step.performed.arguments)}
    document["extra"] = extra
    return document


def _metrics(usage: Usage) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "cached_tokens": usage.cached,
    }
    if usage.usd is not None:
        metrics["cost_usd"] = usage.usd
    if usage.requests:
        metrics["extra"] = {"requests": [asdict(request) for request in usage.requests]}
    return metrics


def from_atif(document: Mapping[str, Any]) -> Trajectory:
    """The trajectory of an ATIF document that `to_atif` made.

    Raises BadInput naming the field that is missing or wrong; a foreign ATIF file has no task and no reward.
    """
    try:
        version = document["schema_version"]
        if not str(version).startswith("ATIF-v1."):
            raise BadInput(f"schema_version is {version!r}, expected {SCHEMA_VERSION!r}")
        extra = document["extra"]
        task = extra["task"]
        if task["split"] not in SPLITS:
            raise BadInput(f"extra.task.split is {task['split']!r}, expected one of {', '.join(SPLITS)}")
        if extra["outcome"] not in OUTCOMES:
            raise BadInput(f"extra.outcome is {extra['outcome']!r}, expected one of {', '.join(OUTCOMES)}")
        system, user, *rest = document["steps"]
        return Trajectory(
            task=Task(task["environment"], task["id"], task["split"], task["goal"], task["data"]),
            tools=tuple(_tool_from(d) for d in document["agent"]["tool_definitions"]),
            instructions=_text(system["message"], "steps[0].message"),
            opening=_text(user["message"], "steps[1].message"),
            steps=tuple(_step_from(step) for step in rest),
            reward=float(extra["reward"]),
            outcome=extra["outcome"],
            agent=document["agent"]["model_name"],
            dialect=extra["dialect"],
            seed=extra["seed"],
            meta=extra["meta"],
        )
    except KeyError as error:
        raise BadInput(f"field {error.args[0]!r} is missing; is this a file that agenttuning wrote?") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadInput(f"not an agenttuning trajectory: {error}") from None


def _tool_from(definition: Mapping[str, Any]) -> Tool:
    function = definition["function"]
    name = _text(function["name"], "function.name")
    also = tuple(_text(phrase, "x-also") for phrase in definition.get("x-also", ()))
    parameters = _object(function["parameters"], name)
    return Tool(name, function["description"], parameters, definition.get("x-phrase"), also)


def _step_from(document: Mapping[str, Any]) -> Step:
    extra = document["extra"]
    call = None
    if document.get("tool_calls"):
        first = document["tool_calls"][0]
        name = _text(first["function_name"], "function_name")
        call = ToolCall(name, _object(first["arguments"], name))
    metrics = document.get("metrics")
    usage = None
    if metrics:
        usage = Usage(
            metrics["prompt_tokens"],
            metrics["completion_tokens"],
            metrics["cached_tokens"],
            metrics.get("cost_usd"),
            tuple(Request(**request) for request in (metrics.get("extra") or {}).get("requests", ())),
        )
    written = extra.get("written")
    performed = extra.get("performed")
    if performed is not None:
        name = _text(performed["name"], "extra.performed.name")
        performed = ToolCall(name, _object(performed["arguments"], name))
    return Step(
        decision=Decision(document.get("reasoning_content"), call, document["message"]),
        observation=_text(document["observation"]["results"][0]["content"], "observation"),
        written=None if written is None else _text(written, "extra.written"),
        train=extra["train"],
        usage=usage,
        error=extra.get("error"),
        performed=performed,
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, found {type(value).__name__}")
    return value


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: its arguments must be an object, found {type(value).__name__}")
    return value


def dumps(trajectory: Trajectory) -> str:
    """One JSONL line without its newline; the same trajectory gives the same bytes."""
    return json.dumps(to_atif(trajectory), ensure_ascii=False, separators=(",", ":"))


def write_trajectories(path: Path, trajectories: Iterable[Trajectory]) -> int:
    """Write a file whole (temporary name, then rename); returns the number of rows."""
    return write_jsonl(path, map(to_atif, trajectories))


def read_trajectories(path: Path) -> Iterator[Trajectory]:
    """Stream a JSONL file. Raises BadInput as ``file:line: reason``."""
    for number, document in read_jsonl(path):
        try:
            yield from_atif(document)
        except BadInput as error:
            raise BadInput(f"{path}:{number}: {error}") from None
