"""One self-contained HTML page of a run: no script, no request, everything that a model wrote escaped.

>>> write_report(Path("runs/quickstart"))
PosixPath('runs/quickstart/report.html')
"""

import platform
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from agenttuning.files import atomic_write
from agenttuning.report import tables
from agenttuning.report.charts import forest, loss_curve
from agenttuning.report.contamination import contamination_note, source_table, verdict_table
from agenttuning.report.episodes import pick, visible
from agenttuning.report.hallucination import fault_rows, group_rows, hallucination_forest, hallucination_rows
from agenttuning.report.inputs import RunFiles, is_number, read_run
from agenttuning.report.numbers import MISSING, count, duration, number
from agenttuning.report.summary import findings, headline

WIDTHS = (856, 340)  # a drawing for wide screens and one for narrow ones
_PACKAGES = ("agenttuning", "torch", "transformers", "peft", "openvino-genai", "openai")
# What to run for a part that is not there.
_STEPS = {
    "scores of the start model and the tuned one": "evaluate",
    "a data funnel": "mix",
    "a loss curve": "train",
}


def write_report(run: Path) -> Path:
    """Write run/report.html from the files of the run and return its path; parts that are absent are named.

    Raises BadInput where the folder does not exist or a file in it has another form.
    """
    files = read_run(run)
    target = run / "report.html"
    page = render(files).encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be written
    with atomic_write(target) as stream:
        stream.write(page)
    return target


def render(files: RunFiles) -> str:
    """The page; the same files and installed versions give the same bytes."""
    return fill("template.html.j2", **_context(files))


def fill(template: str, **values: Any) -> str:
    """A page of this package with its style sheet, to which its security policy is bound by hash."""
    here = package_files("agenttuning.report")
    style = (here / "style.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string((here / template).read_text(encoding="utf-8"))
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return page.render(style=Markup(style), style_hash=digest, **values)


def _context(files: RunFiles) -> dict[str, Any]:
    found = findings(files.comparison)
    rows = tables.forest_rows(files)
    sides_of_use = hallucination_forest(files)
    funnel = files.funnel or {}
    absent = {
        "scores of the start model and the tuned one": len(files.scores) < 2,
        "a data funnel": files.funnel is None,
        "a loss curve": not files.metrics,
    }
    return {
        "name": files.name,
        "facts": _facts(files),
        "headline": headline(found),
        "findings": found,
        "forest": [forest(rows, width) for width in WIDTHS] if rows else [],
        "scores": tables.score_rows(files),
        "levels": tables.group_rows(files, "by_level"),
        "kinds": tables.group_rows(files, "by_kind"),
        "outcomes": tables.outcome_rows(files),
        "general": tables.general_rows(files),
        "hallucination": hallucination_rows(files),
        "hallucination_forest": [forest(sides_of_use, width) for width in WIDTHS] if sides_of_use else [],
        "hallucination_groups": group_rows(files),
        "hallucination_faults": fault_rows(files),
        "tool_use": tables.tool_use_rows(files),
        "tool_use_note": tables.tool_use_note(files),
        "funnel": tables.funnel_rows(funnel.get("sources", {})),
        "mixture": tables.mixture_table(funnel["mixture"]) if funnel.get("mixture") else None,
        "capabilities": tables.capability_table(files.manifests),
        "contamination": verdict_table(files),
        "contamination_by_source": source_table(files),
        "contamination_note": contamination_note(files),
        "eta": (funnel.get("mixture") or {}).get("eta"),
        "curves": [curve for width in WIDTHS if (curve := loss_curve(files.metrics, width))],
        "training": _training(files),
        "pairs": pick(files.trajectories),
        "stages": tables.stage_rows(files.manifests),
        "recipe": None if files.recipe is None else visible(files.recipe, most=100_000),
        "versions": _versions(files),
        "absent": [(part, _STEPS[part]) for part, missing in absent.items() if missing],
    }


def _facts(files: RunFiles) -> list[tuple[str, str]]:
    """The few settings that a reader of the scores must know."""
    base, tuned = files.scores.get("base", {}), files.scores.get("tuned", {})
    known: Mapping[str, Any] = tuned or base
    facts = [
        ("start model", base.get("model")),
        ("tuned model", tuned.get("model")),
        ("dialect", known.get("dialect")),
        ("evaluation seed", known.get("seed")),
    ]
    return [(label, visible(str(value))) for label, value in facts if value is not None]


def _training(files: RunFiles) -> list[tuple[str, str]]:
    """The curve's ends in words, and how many losses were no numbers."""
    losses = [m["loss"] for m in files.metrics if is_number(m["loss"])]
    if not losses:
        return []
    last = files.metrics[-1]
    tenth = losses[-max(len(losses) // 10, 1) :]
    facts = [
        ("steps", count(last["step"])),
        ("first loss", number(losses[0], 3)),
        ("loss over the last tenth", number(sum(tenth) / len(tenth), 3)),
    ]
    sources = sorted({source for m in files.metrics for source in m.get("losses") or {}})
    for source in sources if len(sources) > 1 else ():
        values = [v for m in files.metrics if is_number(v := (m.get("losses") or {}).get(source))]
        part = values[-max(len(values) // 10, 1) :]
        if part:
            facts.append((f"of {source}", number(sum(part) / len(part), 3)))
    if is_number(last.get("tokens")):
        facts.append(("tokens", count(last["tokens"])))
    if is_number(last.get("seconds")):
        facts.append(("time", duration(last["seconds"])))
    if len(losses) < len(files.metrics):
        facts.append(("steps whose loss was not a number", count(len(files.metrics) - len(losses))))
    return facts


def _versions(files: RunFiles) -> list[tuple[str, str]]:
    """What the stages ran with; where no manifest says, what is installed now (asked, not imported)."""
    seen: dict[str, dict[str, None]] = {}
    for manifest in files.manifests:
        for package, found in (manifest.get("versions") or {}).items():
            seen.setdefault(str(package), {})[str(found)] = None
    if seen:
        return [(package, ", ".join(found)) for package, found in seen.items()]
    rows = [("Python", platform.python_version()), ("system", f"{platform.system()} {platform.machine()}")]
    for package in _PACKAGES:
        try:
            rows.append((package, version(package)))
        except PackageNotFoundError:
            rows.append((package, MISSING))
    return rows
