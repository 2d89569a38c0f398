"""The chemical elements' part of the graph, read from the table that the package mendeleev carries.

The package's own import pulls pandas and SQLAlchemy (seconds); its SQLite file is all that is needed.
"""

import sqlite3
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.errors import MissingExtra

if TYPE_CHECKING:
    from agenttuning.environments.graph import Builder

INVERSE: Mapping[str, str] = {
    "group": "elements",
    "period": "elements",
    "block": "elements",
    "series": "elements",
    "lattice": "elements",
    "affinity": "elements",
    "oxidation_states": "elements",
    "discovery_country": "discoveries",
}
LATTICES = {
    "HEX": "hexagonal",
    "FCC": "face-centred cubic",
    "BCC": "body-centred cubic",
    "ORC": "orthorhombic",
    "RHL": "rhombohedral",
    "TET": "tetragonal",
    "DIA": "diamond",
    "CUB": "cubic",
    "MCL": "monoclinic",
    "SC": "simple cubic",
}
DISCOVERERS = {  # the table's places as today's countries
    "Sweden": "SE",
    "Germany": "DE",
    "United States": "US",
    "England": "GB",
    "Scotland": "GB",
    "Great Britain": "GB",
    "France": "FR",
    "Russia": "RU",
    "USSR": "RU",
    "Switzerland": "CH",
    "Denmark": "DK",
    "Italy": "IT",
    "Austria": "AT",
    "Finland": "FI",
    "Romania": "RO",
    "Spain": "ES",
    "Japan": "JP",
}
ATTRIBUTES = {  # attribute → column
    "atomic_number": "e.atomic_number",
    "atomic_weight": "e.atomic_weight",
    "atomic_radius": "e.atomic_radius",
    "density": "e.density",
    "electronegativity": "e.en_pauling",
    "discovery_year": "e.discovery_year",
    "melting_point": "p.melting_point",
    "boiling_point": "p.boiling_point",
}
QUERY = f"""
    SELECT e.symbol, e.name, e.group_id, e.period, e.block, s.name, e.lattice_structure, e.goldschmidt_class,
           e.discovery_location, {", ".join(ATTRIBUTES.values())}
    FROM elements e JOIN series s ON s.id = e.series_id
    LEFT JOIN phasetransitions p ON p.id = (
        SELECT id FROM phasetransitions WHERE atomic_number = e.atomic_number
        ORDER BY allotrope IS NOT NULL, id LIMIT 1)
    ORDER BY e.atomic_number"""


def add_elements(builder: "Builder") -> None:
    spec = find_spec("mendeleev")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("mendeleev", "graph")
    path = Path(spec.submodule_search_locations[0]) / "elements.db"
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        rows = connection.execute(QUERY).fetchall()
        states = connection.execute(
            "SELECT atomic_number, oxidation_state FROM oxidationstates"
            " WHERE category = 'main' AND oxidation_state != 0 ORDER BY 1, 2"
        ).fetchall()
    finally:
        connection.close()
    ids = {}
    for symbol, name, group, period, block, series, lattice, affinity, places, *numbers in rows:
        element = builder.add("element", symbol, name, **dict(zip(ATTRIBUTES, numbers, strict=True)))
        ids[numbers[0]] = element
        ends = {
            "group": group and builder.add("group", str(group), f"group {group}"),
            "period": builder.add("period", str(period), f"period {period}"),
            "block": builder.add("block", block, f"{block}-block"),
            "series": builder.add("series", series.lower().replace(" ", "-"), series.lower()),
            "lattice": lattice and builder.add("lattice", lattice, f"{LATTICES[lattice]} lattice"),
            # The source spells one of Goldschmidt's four classes without its h.
            "affinity": builder.add("affinity", affinity[:2], affinity.replace("lito", "litho")),
        }
        for relation, end in ends.items():
            if end:
                builder.link(element, relation, end)
        for place in (places or "").split("/"):
            if place in DISCOVERERS:
                builder.link(element, "discovery_country", f"country.{DISCOVERERS[place]}")
    for number, state in states:
        end = builder.add("oxidation_state", f"{state:+d}", f"oxidation state {state:+d}")
        builder.link(ids[number], "oxidation_states", end)
