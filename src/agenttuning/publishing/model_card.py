"""The card of a model or an adapter: YAML that a hub reads, then for people what it is, its scores with intervals, what
it was trained on and under which licences, and what is not known of it.

The YAML follows huggingface.co/docs/hub/model-cards; `model-index` holds the scores. ModelScope reads the same file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from agenttuning import __version__
from agenttuning.corpus.formats.hub import Sizes
from agenttuning.evaluation.agent_h.labels import MEASURES
from agenttuning.known_models import KnownModel
from agenttuning.licences import front_matter, spelled
from agenttuning.provenance import forbids
from agenttuning.publishing.found import Found
from agenttuning.publishing.funnel import cell, funnel
from agenttuning.report.numbers import MISSING, count, duration, score

_PLAIN = {"perplexity": 2, "divergence": 4, "mt_bench": 2}  # no shares: digits with which they are printed as they are
_LESS = frozenset({"perplexity", "divergence"})  # is better
_SETTINGS = (
    "method", "learning_rate", "epochs", "max_steps", "batch_rows", "max_length", "lora_rank", "lora_alpha",
    "general_loss", "seed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """What the card says beside what was found. `base` is the start model's id on the hub, None where it has none."""

    repository: str
    license: str
    base: str | None = None
    known: KnownModel | None = None
    title: str = ""
    rows: Sizes | None = None
    """The rows that it was trained on; None where they are not at hand."""


def model_card(found: Found, about: Card) -> str:
    name = about.title or about.repository.partition("/")[2]
    blocks = [
        _front(found, about, name),
        f"# {name}\n\n{_what(found, about)}",
        _use(found, about),
        _scores(found),
        funnel(found),
        _licences(about),
        _training(found),
        _limits(found, about),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _front(found: Found, about: Card, name: str) -> str:
    adapter = found.what == "adapter"
    front: dict[str, Any] = front_matter([about.license])
    if about.base:
        front |= {"base_model": about.base, "base_model_relation": "adapter" if adapter else "finetune"}
    front |= {
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["agent", "agenttuning", *(["lora"] if adapter else [])],
    }
    if results := _results(found.scores):
        front["model-index"] = [{"name": name, "results": results}]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---"


def _results(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    out = []
    for name, row in scores.get("environments", {}).items():
        tasks = row.get("tasks", "built-in")
        data = {"type": name, "name": f"agenttuning {name}, {tasks} tasks"}
        label = f"{row['metric'].replace('_', ' ')}, %, 95 % interval and n: {score(row)}, {row['n']}"
        metric = {"type": row["metric"], "value": round(100 * row["mean"], 2), "name": label}
        task = {"type": "text-generation", "name": "agent task"}
        out.append({"task": task, "dataset": data, "metrics": [metric]})
    return out


def _what(found: Found, about: Card) -> str:
    start = about.base or "a model that is on no hub"
    kind = "A LoRA adapter for" if found.what == "adapter" else "A model tuned from"
    return f"{kind} {start}, trained with agenttuning to act with tools in environments."


def _use(found: Found, about: Card) -> str:
    if found.what == "adapter":
        code = [
            "from peft import AutoPeftModelForCausalLM",
            "",
            f'model = AutoPeftModelForCausalLM.from_pretrained("{about.repository}")',
        ]
    else:
        code = ["from transformers import pipeline", "", f'chat = pipeline("text-generation", "{about.repository}")']
    dialect = found.scores.get("dialect")
    note = f" Its turns are written in the dialect `{dialect}`; give it the tools in the same way." if dialect else ""
    return "## Use\n\n```python\n" + "\n".join(code) + "\n```\n" + (f"\n{note.strip()}" if note else "").rstrip()


def _scores(found: Found) -> str:
    if not found.scores:
        return "## Scores\n\nIt has not been measured with agenttuning."
    lines = [
        "## Scores",
        "",
        "| measure | n | start model [95 %] | this model [95 %] | verdict |",
        "|---|---|---|---|---|",
    ]
    for label, path, scale, digits in _measures(found.scores):
        row = _at(found.scores, path) or {}
        compared = _at(found.comparison, path) or {}
        start = score(_at(found.before, path), scale, digits)
        verdict = compared.get("verdict", MISSING)
        lines.append(f"| {label} | {row['n']} | {start} | {score(row, scale, digits)} | {verdict} |")
    lines += [
        "",
        "Shares are in percent, decoding was greedy. *Held in*: environments whose training tasks it saw, on test",
    ]
    lines += [
        "tasks that it did not; *held out*: environments that it never saw. A verdict is of the paired difference:"
    ]
    lines += ["*held* means that it lies within the noise. `scores.json` has every task."]
    return "\n".join(lines)


def _measures(scores: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], float, int]]:
    """(label, where in scores.json, scale, digits) of each row of the table."""
    out: list[tuple[str, tuple[str, ...], float, int]] = []
    for name, row in scores.get("environments", {}).items():
        tasks = row.get("tasks", "built-in")
        label = f"{name}, held {row['held']}, {row['metric'].replace('_', ' ')} ({tasks} tasks)"
        out.append((label, ("environments", name), 100, 1))
    for name, row in (scores.get("general") or {}).items():
        if name != "items" and row is not None:
            label = f"general: {name}" + (", less is better" if name in _LESS else "")
            out.append((label, ("general", name), 1 if name in _PLAIN else 100, _PLAIN.get(name, 1)))
    for name, label in MEASURES.items():
        if name in (scores.get("hallucination") or {}):
            out.append((f"Agent-H: {label}", ("hallucination", name), 100, 1))
    if scores.get("tool_use"):
        out.append(("T-Eval, overall", ("tool_use", "overall"), 100, 1))
    return out


def _at(content: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = content
    for name in path:
        found = (found or {}).get(name)
    return found


def _licences(about: Card) -> str:
    lines = ["## Licences", "", f"This model: {about.license}."]
    if about.base:
        own = (
            f" is under {about.known.licence}, which binds its users too"
            if about.known
            else " has a licence of its own"
        )
        lines[-1] += f" Its start model, {about.base},{own}."
    if about.rows is None:
        lines += [
            "",
            "The rows that it was trained on were not at hand when it was published: their licences are not known.",
        ]
        return "\n".join(lines)
    lines += ["", "It was trained on these rows:", "", "| rows | source | licence | teacher |", "|---|---|---|---|"]
    rows: dict[tuple[str, ...], int] = {}
    for origin, number in about.rows.origins.items():
        rows[origin[:3]] = rows.get(origin[:3], 0) + number
    for origin, number in sorted(rows.items(), key=lambda pair: (-pair[1], pair[0])):
        lines.append(f"| {number} | {' | '.join(map(cell, origin))} |")
    if forbidding := [name for name in about.rows.licenses if forbids(name)]:
        lines += ["", f"Rows under {', '.join(forbidding)} are among them although that forbids training on them."]
    return "\n".join(lines)


def _training(found: Found) -> str:
    if not found.training:
        return ""
    settings, counts = found.training.get("settings", {}), found.training.get("counts", {})
    lines = ["## Training", "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {settings[name]} |" for name in _SETTINGS if settings.get(name) is not None]
    lines += [
        f"| {name.replace('_', ' ')} | {count(counts[name])} |" for name in ("rows", "trained_tokens") if name in counts
    ]
    lines.append(f"| time | {duration(found.training.get('seconds', 0))} |")
    versions = found.training.get("versions", {})
    lines.append(f"| versions | {', '.join(f'{name} {number}' for name, number in versions.items())} |")
    return "\n".join(lines)


def _limits(found: Found, about: Card) -> str:
    lines = ["- What it writes is no safe command: run its calls where they can do no harm."]
    if not found.scores:
        lines.append("- It has not been measured: nothing is known of what it can do, or forgot.")
    else:
        if all(row.get("tasks", "built-in") == "built-in" for row in found.scores["environments"].values()):
            lines.append(
                "- The tasks it was scored on are agenttuning's own: its scores do not compare with published ones."
            )
        least = min((row["n"] for row in found.scores["environments"].values()), default=None)
        if least is not None and least < 100:
            lines.append(f"- Some scores rest on {least} tasks; read their intervals.")
        if not found.scores.get("hallucination"):
            lines.append("- Whether it calls tools that do not exist, or where none is needed, was not measured.")
    if not found.contamination:
        lines.append("- Whether its training rows hold what it was evaluated on was not looked at.")
    if about.rows is not None and any(spelled(name) == "unknown" for name in about.rows.licenses):
        lines.append("- For some of its training rows nobody said under which licence they are.")
    return "\n".join(["## Limits", "", *lines, "", f"Written by agenttuning {__version__}."])
