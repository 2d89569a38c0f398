"""The data funnel as a section of a card: episodes, what was kept, the mixture, and the contamination that was found.

>>> funnel(find(Path("runs/quickstart"), "model")).splitlines()[0]
'## Data funnel'
"""

from agenttuning.corpus.formats.hub import Sizes
from agenttuning.publishing.found import Found
from agenttuning.report.numbers import count


def funnel(found: Found) -> str:
    """Markdown; empty where the run's funnel is not at hand."""
    if not found.funnel:
        return ""
    lines = ["## Data funnel", "", "| source | episodes | kept | left out |", "|---|---|---|---|"]
    for name, row in found.funnel.get("sources", {}).items():
        dropped = ", ".join(f"{number} {reason}" for reason, number in row.get("dropped", {}).items()) or "none"
        lines.append(f"| {cell(name)} | {row['episodes']} | {row['kept']} | {cell(dropped)} |")
    if mixture := found.funnel.get("mixture"):
        parts = [f"{count(mixture.get('rows'))} rows of which {count(mixture.get('agent_rows'))} are agents'"]
        if isinstance(mixture.get("eta"), float):
            parts.append(f"a share of {mixture['eta']:.2f}")
        lines += ["", f"The corpus has {', '.join(parts)}."]
    if table := found.contamination.get("table"):
        lines += ["", "Contamination of what it was evaluated on, by the rows that it was trained on:", ""]
        lines += ["| rows | evaluation set | items | clean | between | dirty |", "|---|---|---|---|---|---|"]
        keys = ("source", "set", "items", "clean", "between", "dirty")
        lines += ["| " + " | ".join(cell(row[key]) for key in keys) + " |" for row in table]
    return "\n".join(lines)


def dataset_limits(found: Found, rows: Sizes) -> str:
    """What a reader of a data set's card should not take for granted."""
    lines = []
    teachers = {origin[2] for origin in rows.origins}
    if "expert" in teachers:
        lines.append("- Experts are programs: they show one right way in few words, and make no mistake to learn from.")
    if teachers - {"expert", "unknown"}:
        lines.append(
            "- What a model wrote may be under its provider's terms too, whatever the licence of the rows says."
        )
    if "unknown" in rows.licenses:
        lines.append("- For some rows nobody said under which licence they are.")
    if not found.contamination:
        lines.append("- Whether rows hold items of evaluation sets was not looked at.")
    return "\n".join(["## Limits", "", *lines])


def cell(value: object) -> str:
    """A cell of a Markdown table: a name from outside breaks neither the table nor the page."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
