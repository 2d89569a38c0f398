"""One self-contained HTML page of a run: no script, no request, everything that a model wrote escaped.

>>> write_report(Path("runs/quickstart"))
PosixPath('runs/quickstart/report.html')
"""

import platform
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from agenttuning.files import atomic_write
from agenttuning.report import tables
from agenttuning.report.cautions import cautions, not_measured
from agenttuning.report.charts import bars, forest
from agenttuning.report.contamination import contamination_note, source_table, verdict_table
from agenttuning.report.cost import cost_table
from agenttuning.report.curves import training_curves
from agenttuning.report.episodes import pick
from agenttuning.report.errors import error_bars, error_groups, error_matrix, error_rows, published_note
from agenttuning.report.hallucination import (
    fault_rows,
    group_rows,
    hallucination_forest,
    hallucination_rows,
    quadrants,
)
from agenttuning.report.inputs import RunFiles, is_number, read_run
from agenttuning.report.listing import listing
from agenttuning.report.numbers import MISSING, count, duration, number, visible
from agenttuning.report.published import flan_table, normalised_rows, paper_table
from agenttuning.report.summary import findings, headline
from agenttuning.settings import redact

WIDTHS = (856, 340)  # a drawing for wide screens and one for narrow ones
LONGEST = 100_000  # characters of one text on a page, such as the recipe
_PACKAGES = ("agenttuning", "torch", "transformers", "peft", "openvino-genai", "openai")
# What to run for a part that is not there.
_STEPS = {
    "scores of the start model and the tuned one": "evaluate",
    "a data funnel": "mix",
    "a loss curve": "train",
}


# Each section's id, its title in the contents, and the parts of which it needs one.
_SECTIONS = (
    ("results", "Agent tasks", "scores"),
    ("papers", "Published scores", "papers", "flan"),
    ("errors", "Errors", "error_matrix"),
    ("general", "General ability", "general"),
    ("restraint", "Tools when needed", "hallucination"),
    ("tool-use", "Tool use", "tool_use"),
    ("data", "Training data", "funnel", "mixture", "capabilities"),
    ("contamination", "Contamination", "contamination"),
    ("training", "Training", "curves"),
    ("cost", "Cost and time", "cost"),
    ("pairs", "Trajectories", "pairs"),
    ("episodes", "All episodes", "listing"),
    ("made", "How this run was made", "name"),
)


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
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    page = environment.from_string((here / template).read_text(encoding="utf-8"))
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return page.render(style=Markup(style), style_hash=digest, **values)


def _printable(value: Any) -> Any:
    """What a page prints: names and reasons from files too have nothing that hides or reorders text."""
    return visible(value, LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _drawings(draw: Callable[..., Markup | None], rows: Sequence[Any], **about: Any) -> list[Markup]:
    """A drawing for each width; none without rows."""
    return [drawn for width in WIDTHS if rows and (drawn := draw(rows, width, **about)) is not None]


def _context(files: RunFiles) -> dict[str, Any]:
    """All that the template prints, with the sections that there are."""
    parts = _parts(files)
    return parts | {"sections": [(id, title, any(parts[name] for name in names)) for id, title, *names in _SECTIONS]}


def _parts(files: RunFiles) -> dict[str, Any]:
    found = findings(files.comparison)
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
        "cautions": cautions(files),
        "not_measured": not_measured(files),
        "abilities": _drawings(bars, tables.ability_rows(files)),
        "forest": _drawings(forest, tables.forest_rows(files)),
        "scores": tables.score_rows(files),
        "levels": tables.group_rows(files, "by_level"),
        "kinds": tables.group_rows(files, "by_kind"),
        "outcomes": tables.outcome_rows(files),
        "normalised": normalised_rows(files),
        "papers": paper_table(files),
        "flan": flan_table(files),
        "errors": error_rows(files),
        "error_bars": _drawings(bars, error_bars(files), about="Errors"),
        "error_matrix": error_matrix(files),
        "error_groups": error_groups(files),
        "published_errors": published_note(),
        "general": tables.general_rows(files),
        "hallucination": hallucination_rows(files),
        "hallucination_forest": _drawings(forest, hallucination_forest(files)),
        "quadrants": quadrants(files),
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
        "curves": _drawings(training_curves, files.metrics),
        "training": _training(files),
        "pairs": pick(files.folder, files.episodes),
        "listing": listing(files),
        "cost": cost_table(files),
        "recipe": files.recipe,
        "settings": _settings(files),
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
    return [(label, str(value)) for label, value in facts if value is not None]


def _settings(files: RunFiles) -> list[tuple[str, str]]:
    """Each stage's own settings, where no recipe holds them all."""
    if files.recipe is not None:
        return []
    found = ((manifest["folder"], manifest.get("settings")) for manifest in files.manifests)
    return [
        (folder, redact(yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)))
        for folder, settings in found
        if isinstance(settings, Mapping)
    ]


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
    divergences = [v for m in files.metrics if is_number(v := m.get("divergence"))]
    if divergences:
        facts.append(("divergence from the start model at the end", number(divergences[-1], 4)))
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
