"""An ATIF document as something to list, to search and to show.

Any ATIF v1 document is read, also one that another tool wrote and that has no task and no reward; a field of a wrong
type is shown as JSON. Nothing here raises on what a file may hold.

>>> summary({"schema_version": "ATIF-v1.8", "steps": []})["outcome"]
''
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

GOAL = 160  # characters of a goal in the list


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the list shows: environment, task, seed, split, outcome, reward (None where there is none), agent, turns,
    written and read tokens, goal (cut)."""
    extra, task, agent = _extra(document), _task(document), _object(document.get("agent"))
    turns = [step for step in _steps(document) if step.get("source") == "agent"]
    metrics = [_object(step.get("metrics")) for step in turns]
    goal = text(task.get("goal")) or next(
        (text(step.get("message")) for step in _steps(document) if step.get("source") == "user"), ""
    )
    return {
        "environment": text(task.get("environment")),
        "task": text(task.get("id")) or text(document.get("trajectory_id") or document.get("session_id")),
        "seed": text(extra.get("seed")),
        "split": text(task.get("split")),
        "outcome": text(extra.get("outcome")),
        "reward": _number(extra.get("reward")),
        "agent": text(agent.get("model_name")) or text(agent.get("name")),
        "turns": len(turns),
        "written": sum(_count(one.get("completion_tokens")) for one in metrics),
        "read": sum(_count(one.get("prompt_tokens")) for one in metrics),
        "goal": " ".join(goal[: 2 * GOAL].split())[:GOAL],
    }


def searched(document: Mapping[str, Any]) -> dict[str, str]:
    """The text that is searched, by part: thought, call, observation, task."""
    parts: dict[str, list[str]] = {"thought": [], "call": [], "observation": [], "task": []}
    task = _task(document)
    parts["task"] += [text(task.get(key)) for key in ("id", "goal")]
    for step in _steps(document):
        if step.get("source") != "agent":
            if step.get("source") != "system":  # instructions are the same for all, and found in all
                parts["task" if step.get("source") == "user" else "observation"].append(text(step.get("message")))
            continue
        one = turn(step)
        parts["thought"] += [one["thought"], one["message"], one["reply"]]
        for name, arguments in one["calls"]:
            parts["call"] += [name, *(value for _, value in arguments)]
        parts["observation"] += [one["observation"], one["error"]]
    return {name: "\n".join(filter(None, found)) for name, found in parts.items()}


def detail(document: Mapping[str, Any]) -> dict[str, Any]:
    """The whole trajectory: labels, instructions, opening, tools, turns; texts only, in the order of the page."""
    task, agent = _task(document), _object(document.get("agent"))
    steps = list(_steps(document))
    instructions = text(steps.pop(0).get("message")) if steps and steps[0].get("source") == "system" else ""
    opening = text(steps.pop(0).get("message")) if steps and steps[0].get("source") == "user" else ""
    data = _object(task.get("data"))
    return {
        **summary(document),
        "goal": text(task.get("goal")),
        "labels": [text(data[key]) for key in ("level", "kind") if data.get(key)],
        "dialect": text(_extra(document).get("dialect")),
        "instructions": instructions,
        "opening": opening,
        "tools": [_tool(one) for one in _list(agent.get("tool_definitions"))],
        "turns": [turn(step) for step in steps],
    }


def turn(step: Mapping[str, Any]) -> dict[str, Any]:
    """One step: `source`, thought, message, calls as [name, [[argument, value]]], observation, reply (what was written
    where no decision could be read in it), error, `train` and the tokens."""
    extra, metrics = _object(step.get("extra")), _object(step.get("metrics"))
    calls = [_call(one) for one in _list(step.get("tool_calls"))]
    message, performed = text(step.get("message")), extra.get("performed")
    results = _list(_object(step.get("observation")).get("results"))
    requests = _list(_object(metrics.get("extra")).get("requests"))
    return {
        "source": text(step.get("source")),
        "thought": text(step.get("reasoning_content")),
        "message": message,
        "calls": calls,
        "performed": _call(performed) if isinstance(performed, Mapping) else None,
        "observation": "\n".join(text(_object(one).get("content")) for one in results),
        "reply": "" if calls or message else text(extra.get("written")),
        "error": text(extra.get("error")),
        "train": extra.get("train") is not False,
        "read": _count(metrics.get("prompt_tokens")),
        "written": _count(metrics.get("completion_tokens")),
        "cached": _count(metrics.get("cached_tokens")),
        "usd": _number(metrics.get("cost_usd", metrics.get("cost"))),
        "seconds": round(sum(_number(_object(one).get("seconds")) or 0.0 for one in requests), 3),
    }


def text(value: Any) -> str:
    """A text as it is, the texts of a list of content parts, and JSON for everything else."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, Mapping) and "type" in part for part in value):
        return "\n".join(part["text"] if isinstance(part.get("text"), str) else f"[{part['type']}]" for part in value)
    return json.dumps(value, ensure_ascii=False)


def _call(one: Any) -> tuple[str, list[tuple[str, str]]]:
    one = _object(one)
    arguments = one.get("arguments")
    if not isinstance(arguments, Mapping):
        arguments = {} if arguments in (None, "") else {"": arguments}
    name = text(one.get("function_name")) or text(one.get("name"))
    return name, [(str(key), text(value)) for key, value in arguments.items()]


def _tool(definition: Any) -> tuple[str, str, list[str]]:
    function = _object(_object(definition).get("function")) or _object(definition)
    properties = _object(_object(function.get("parameters")).get("properties"))
    return text(function.get("name")), text(function.get("description")), [str(name) for name in properties]


def _steps(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (step for step in _list(document.get("steps")) if isinstance(step, Mapping))


def _extra(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(document.get("extra"))


def _task(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(_extra(document).get("task"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 and math.isfinite(value) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 50 else 0
