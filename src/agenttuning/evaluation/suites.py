"""Suites: what a model is measured on, by name and size.

A suite is a choice of environments and probes, a size says how many tasks of each: `smoke` to see that all runs,
`quick` for differences of some twenty points, `paper` for as many tasks as the papers have.

>>> fill(EvaluateConfig(suite=["held-out"], size="smoke")).held_out["card_game"]
5
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from agenttuning.evaluation.benchmarks import files
from agenttuning.evaluation.benchmarks.files import HUB
from agenttuning.evaluation.evaluate import EvaluateConfig, Suite
from agenttuning.evaluation.power import in_points

# How many tasks of each environment the papers play.
PAPER: Mapping[str, Mapping[str, int]] = {
    "held-in": {
        "alfworld": 50,
        "webshop": 200,
        "mind2web": 1173,
        "knowledge_graph": 150,
        "operating_system": 144,
        "database": 300,
    },
    "held-out": {
        "scienceworld": 270,
        "miniwob": 460,
        "webarena": 812,
        "hotpotqa": 300,
        "rewoo": 350,
        "card_game": 200,
    },
}
TASKS = {"smoke": 5, "quick": 40}  # of each environment
AGENT_H = {"smoke": 24, "quick": 120, "paper": 600}  # items; the paper's own are 1,845 of one side
# Items of the general benchmarks, of each subject for MMLU; `paper` is all there are.
BENCHMARKS: Mapping[str, Mapping[str, int]] = {
    "smoke": {"mmlu": 1, "gsm8k": 8, "humaneval": 8, "mt_bench": 8, "ifeval": 8},
    "quick": {"mmlu": 5, "gsm8k": 100, "humaneval": 40, "mt_bench": 24, "ifeval": 100},
    "paper": {"mmlu": 1534, "gsm8k": 1319, "humaneval": 164, "mt_bench": 80, "ifeval": 541},
}
T_EVAL = {"smoke": 2, "quick": 10, "paper": 50}  # items of each dimension and form


def fill(config: EvaluateConfig) -> EvaluateConfig:
    """The same evaluation without suites: what they stand for is written out, except for what was given by hand.

    Without a suite nothing changes.
    """
    if not config.suite:
        return config
    named = set(get_args(Suite)) if "all" in config.suite else set(config.suite)
    given = config.held_in.keys() | config.held_out.keys()
    tasks = {
        suite: {name: TASKS.get(config.size, count) for name, count in counts.items() if name not in given}
        for suite, counts in PAPER.items()
        if suite in named
    }
    return replace(
        config,
        suite=[],
        size=EvaluateConfig.size,
        held_in=tasks.get("held-in", {}) | config.held_in,
        held_out=tasks.get("held-out", {}) | config.held_out,
        general="general" in named,
        benchmarks=(_benchmarks(config) if "general" in named else {}) | config.benchmarks,
        hallucination=config.hallucination or (AGENT_H[config.size] if "hallucination" in named else 0),
        tool_use=config.tool_use or (T_EVAL[config.size] if "tool-use" in named else 0),
    )


def plan(config: EvaluateConfig) -> list[list[str]]:
    """What an evaluation without suites measures, as rows of a table: how many tasks, and what they can show."""
    parts = {**config.held_in, **config.held_out}
    for label, chosen in (("held-in", config.held_in), ("held-out", config.held_out)):
        if len(chosen) > 1:
            parts[f"{label}, all"] = sum(chosen.values())
    parts |= {"Agent-H": config.hallucination} if config.hallucination else {}
    rows = [[name, str(count), in_points(count)] for name, count in parts.items()]
    if config.general:
        rows.append(["general probe", "all", "–"])
    if config.tool_use:
        rows.append(["T-Eval, each dimension and form", str(config.tool_use), "–"])
    return [["", "tasks", "differences between two models that these show (4 of 5 times)"], *rows]


def without(config: EvaluateConfig, names: Collection[str]) -> EvaluateConfig:
    """The same evaluation without these environments and benchmarks."""
    held_in, held_out, data, benchmarks = (
        {name: value for name, value in chosen.items() if name not in names}
        for chosen in (config.held_in, config.held_out, config.data, config.benchmarks)
    )
    return replace(config, held_in=held_in, held_out=held_out, data=data, benchmarks=benchmarks)


def _benchmarks(config: EvaluateConfig) -> dict[str, int]:
    """The general benchmarks whose files are at hand, or which the hub has."""
    counts = BENCHMARKS[config.size]
    if config.benchmarks_data == HUB:
        return {name: count for name, count in counts.items() if name != "mt_bench"}
    names = files.found(Path(config.benchmarks_data)) if config.benchmarks_data else ()
    return {name: counts[name] for name in names}
