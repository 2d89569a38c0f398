"""Suites: what a model is measured on, by name and size.

A suite is a choice of environments and probes, a size says how many tasks of each: `smoke` to see that all runs,
`quick` for differences of some twenty points, `paper` for as many tasks as the papers have.

>>> fill(EvaluateConfig(suite=["held-out"], size="smoke")).held_out["card_game"]
5
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import get_args

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
    """The same evaluation without these environments."""
    held_in, held_out, data = (
        {name: value for name, value in chosen.items() if name not in names}
        for chosen in (config.held_in, config.held_out, config.data)
    )
    return replace(config, held_in=held_in, held_out=held_out, data=data)
