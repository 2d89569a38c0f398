"""A run folder as `agenttuning run` leaves it, made up from a seed, for the report's tests and the eye.

    python tests/example_run.py FOLDER [--bad]

`--bad` makes a run whose training went wrong, to see that the report says so.
"""

import argparse
import json
import math
from pathlib import Path
from random import Random

from hallucination_models import always_calls, knows, never_calls, replies

from agenttuning.atif import write_trajectories
from agenttuning.dialects import get
from agenttuning.evaluation.agent_h.items import items
from agenttuning.evaluation.agent_h.scores import score
from agenttuning.evaluation.comparison import compare_runs
from agenttuning.evaluation.scores import score_environment, summarize
from agenttuning.files import write_json, write_jsonl
from agenttuning.trajectory import Decision, Outcome, Step, Task, Tool, ToolCall, Trajectory, Usage

# What a hostile or confused model might write; the report must show it as text.
HOSTILE = "</pre><script>alert(1)</script><img src=http://evil.example/x.png onerror=alert(2)>"

INSTRUCTIONS = "Answer the question. Look things up with the tools and give the answer at the end."
TOOLS = {
    "database": ("execute_sql", "query", "Run one SQL statement."),
    "knowledge_graph": ("get_relations", "variable", "List the relations of an entity."),
    "hotpotqa": ("search", "query", "Find paragraphs by words."),
}
GOALS = {
    "database": "How many lighthouses in the table `lighthouse` were built before {n}?",
    "knowledge_graph": "Which country holds the airport that serves a city of {n} thousand people?",
    "hotpotqa": "Which of the two rivers, the Aller or the Oker, is longer than {n} km?",
}
HELD = {"database": "in", "knowledge_graph": "in", "hotpotqa": "out"}
METRIC = {"database": "success_rate", "knowledge_graph": "success_rate", "hotpotqa": "reward"}
KINDS = {"easy": ("count", "lookup"), "medium": ("group by", "order by"), "hard": ("join", "nested")}
CHANCE = {
    "base": {"easy": 0.05, "medium": 0.02, "hard": 0.0},
    "tuned": {"easy": 0.92, "medium": 0.74, "hard": 0.45},
    "bad": {"easy": 0.03, "medium": 0.0, "hard": 0.0},
}


def episode(environment: str, number: int, model: str, rng: Random) -> Trajectory:
    level = ("easy", "medium", "hard")[number % 3]
    kind = KINDS[level][number // 3 % 2]
    goal = GOALS[environment].format(n=1800 + number)
    task = Task(environment, f"test-{number:04}", "test", goal, {"level": level, "kind": kind, "answer": ["14"]})
    chance = CHANCE[model][level] if HELD[environment] == "in" else 0.08
    outcome: Outcome = "solved" if rng.random() < chance else "failed"
    if outcome == "failed" and model == "base":
        outcome = rng.choice(("format_error", "loop", "turn_limit"))
    name, argument, description = TOOLS[environment]
    schema = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    tools = (
        Tool(name, description, schema, f"{name} {{{argument}}}"),
        Tool("answer", "Give the answer.", {"type": "object", "properties": {"value": {"type": "string"}}}),
    )
    call = ToolCall(name, {argument: f"SELECT COUNT(*) FROM lighthouse WHERE built < {1800 + number}"})
    thought = "The table has a column `built`, so I count the rows under that year."
    steps = [Step(Decision(thought, call), "[(14,)]", usage=Usage(310, 41, 288))]
    if outcome == "solved":
        steps.append(Step(Decision("There are 14.", ToolCall("answer", {"value": "14"})), "Recorded."))
    elif model == "base":
        written = HOSTILE if number == 1 else "Sure! You can look at the table below."
        error = "I could not find a line that starts with 'Action:' in your reply."
        steps = [Step(Decision(), error, written=written, error="format")] * (2 + number % 3)
    else:
        steps.append(Step(Decision(None, ToolCall("answer", {"value": "41"})), "Recorded."))
    reward = 1.0 if outcome == "solved" else round(rng.choice((0, 0, 0, 0.4)), 2) * (environment == "hotpotqa")
    opening = f"{goal}\n\nTables: lighthouse(name TEXT, built INTEGER, height REAL)"
    return Trajectory(
        task,
        tools,
        INSTRUCTIONS,
        opening,
        tuple(steps),
        reward,
        outcome,
        f"{model}-135m",
        "command",
    )


def _luck(name: str) -> float:
    """The same for both models, so that their scores are paired."""
    return Random(name).random()


def general(model: str, rng: Random) -> dict:
    shift = {"base": 0.0, "tuned": 0.012, "bad": 0.31}[model]
    nll = {f"general-{i:02}": round(0.5 + i / 100 + shift + rng.gauss(0, 0.02), 4) for i in range(40)}
    chance = 0.55 if model != "bad" else 0.1
    scored = {
        name: {f"{name}-{i:02}": int(_luck(f"{name}{i}") < chance + rng.gauss(0, 0.04)) for i in range(60)}
        for name in ("questions", "instructions")
    }
    divergence = [abs(rng.gauss(shift, 0.004)) for _ in range(40)] if shift else [0.0] * 40
    nats = summarize(list(nll.values()), share=False)
    return {
        "perplexity": {"n": 40, **{key: math.exp(nats[key]) for key in ("mean", "low", "high")}},
        "divergence": summarize(divergence, share=False),
        **{name: summarize(list(items.values())) for name, items in scored.items()},
        "items": {**scored, "nll": nll},
    }


def hallucination(model: str) -> dict:
    """The start model talks, the tuned one calls as it should most of the time, the bad one too much."""
    chance, otherwise = {"base": (0.0, never_calls), "tuned": (0.8, never_calls), "bad": (0.0, always_calls)}[model]
    asked, dialect = items(60), get("command")
    said = replies(asked, lambda item: (knows if _luck(item.id) < chance else otherwise)(item), dialect)
    return score(asked, said, dialect)


def scores(folder: Path, model: str, tasks: int, rng: Random) -> dict:
    environments = {}
    for environment in TOOLS:
        episodes = [episode(environment, i, model, rng) for i in range(tasks)]
        write_trajectories(folder / "trajectories" / f"{environment}.jsonl", episodes)
        environments[environment] = score_environment(episodes, metric=METRIC[environment], held=HELD[environment])
    content = {
        "model": "runs/example/model" if model != "base" else "smollm2-135m-instruct",
        "dialect": "command",
        "seed": 0,
        "environments": environments,
        "general": general(model, rng),
        "hallucination": hallucination(model),
        "seconds": 84.2,
    }
    write_json(folder / "scores.json", content)
    return content


def loss_curve(rng: Random, steps: int = 120) -> list[dict]:
    return [
        {
            "step": i + 1,
            "loss": round(0.32 + 2.1 * math.exp(-i / 14) + rng.gauss(0, 0.05), 4),
            "losses": {"agent/database": 0.31, "general": 0.62},
            "learning_rate": 1e-3 * min(1, (i + 1) / 6) * (0.5 + 0.5 * math.cos(math.pi * i / steps)),
            "tokens": 4100 * (i + 1),
            "seconds": round(2.1 * (i + 1), 1),
        }
        for i in range(steps)
    ]


RECIPE = """name: example
seed: 0
model: smollm2-135m-instruct
dialect: command
collect:
  environments: {database: 200, knowledge_graph: 200}
mix:
  eta: 0.2
train:
  method: lora
  learning_rate: 0.001
evaluate:
  endpoint: https://someone:hunter2@models.example/v1
  api_key: sk-not-for-print
"""

FUNNEL = {
    "sources": {
        "database": {
            "tasks": 200,
            "episodes": 200,
            "kept": 181,
            "dropped": {"reward below 1": 11, "turn_limit": 6, "duplicate": 2},
        },
        "knowledge_graph": {"tasks": 200, "episodes": 196, "kept": 169, "dropped": {"reward below 1": 27}},
    },
    "mixture": {
        "rows": 1750,
        "agent_rows": 350,
        "agent_distinct": 350,
        "agent_epochs": 1.0,
        "general_rows": 1400,
        "general_distinct": 700,
        "general_epochs": 2.0,
        "agent_tokens": 98_312,
        "general_tokens": 402_771,
        "eta": 0.2,
    },
}

STAGES = {"trajectories": ("collect", 41.5), "corpus": ("mix", 3.1), "model": ("train", 251.8)}


def write_run(folder: Path, seed: int = 0, *, bad: bool = False, tasks: int = 60) -> Path:
    """Fill `folder` with every file that the report reads; the same seed gives the same bytes."""
    rng = Random(f"example run {seed}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    base = scores(folder / "evaluation" / "base", "base", tasks, rng)
    tuned = scores(folder / "evaluation" / "tuned", "bad" if bad else "tuned", tasks, rng)
    comparison = compare_runs([base], [tuned], labels=("the start model", "the tuned model"))
    write_json(folder / "evaluation" / "comparison.json", comparison)
    write_json(folder / "corpus" / "funnel.json", FUNNEL)
    write_jsonl(folder / "model" / "metrics.jsonl", loss_curve(rng))
    for name, (stage, seconds) in STAGES.items():
        manifest = {
            "stage": stage,
            "seconds": seconds,
            "peak_memory_mb": 1830,
            "inputs": {},
            "versions": {"torch": "2.9.0"},
        }
        counts = {"in": 400, "out": 350}
        (folder / name).mkdir(exist_ok=True)
        write_json(folder / name / "manifest.json", {**manifest, "counts": counts})
    manifest = {
        "stage": "evaluate",
        "seconds": 168.4,
        "peak_memory_mb": 1410,
        "counts": {"episodes": 6 * tasks},
    }
    write_json(folder / "evaluation" / "manifest.json", manifest)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bad", action="store_true")
    options = parser.parse_args()
    run = write_run(options.folder, bad=options.bad)
    print(json.dumps(sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()), indent=1))
