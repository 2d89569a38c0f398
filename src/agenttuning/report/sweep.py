"""The page of a sweep: agent score against general ability, a point for each value of what was swept.

>>> write_sweep(Path("sweep"))
PosixPath('sweep/sweep.html')
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import atomic_write, read_json
from agenttuning.report.charts import Ends
from agenttuning.report.numbers import score
from agenttuning.report.page import WIDTHS, fill
from agenttuning.report.scatter import Dot, scatter
from agenttuning.report.tables import MEASURES

_NOT_SHARES = {"perplexity": 2, "divergence": 3}  # digits; of both, less is better


def write_sweep(folder: Path) -> Path:
    """Write folder/sweep.html from folder/sweep.json. Raises BadInput where that is no sweep."""
    sweep = read_json(folder / "sweep.json")
    if not isinstance(sweep, Mapping) or not sweep.get("points"):
        raise BadInput(f"{folder / 'sweep.json'}: no points; run the sweep again")
    with atomic_write(folder / "sweep.html") as stream:
        stream.write(fill("sweep.html.j2", **_context(sweep, folder.resolve().name)))
    return folder / "sweep.html"


def _context(sweep: Mapping[str, Any], name: str) -> dict[str, Any]:
    points = sweep["points"]
    measures = [measure for measure in MEASURES if all(measure in point["general"] for point in points)]
    environments = list(points[0]["environments"])
    return {
        "name": name,
        "setting": sweep["setting"],
        "about": sweep["about"],
        "facts": list(sweep["settings"].items()),
        "tasks": points[0]["agent"]["n"],
        "figures": [_figures(sweep, measure) for measure in sweep["against"] if measure in measures],
        "columns": [
            f"{measure.capitalize()} ↓" if measure in _NOT_SHARES else measure.capitalize() for measure in measures
        ],
        "environments": environments,
        "rows": [
            {
                "value": f"{point['value']:g}",
                "agent": score(point["agent"]),
                "environments": [score(point["environments"][name]) for name in environments],
                "general": [(_printed(m, point["general"][m]), m in point["front"]) for m in measures],
            }
            for point in points
        ],
    }


def _figures(sweep: Mapping[str, Any], measure: str) -> tuple[str, list[Any]]:
    """The measure's name and its drawings, one for each width."""
    dots = [
        Dot(f"{point['value']:g}", _ends(point["agent"]), _ends(point["general"][measure]), measure in point["front"])
        for point in sweep["points"]
    ]
    name = MEASURES[measure].removesuffix(" ↓")
    better = sweep["against"][measure] == "higher"
    share = measure not in _NOT_SHARES
    return name, [scatter(dots, name, width, share=share, higher_is_better=better) for width in WIDTHS]


def _ends(row: Mapping[str, Any]) -> Ends:
    return row["mean"], row["low"], row["high"]


def _printed(measure: str, row: Mapping[str, Any]) -> str:
    return score(row, 1, _NOT_SHARES[measure]) if measure in _NOT_SHARES else score(row)
