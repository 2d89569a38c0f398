"""Where a row comes from, kept in its `meta` under ``provenance`` from the first stage to the dataset card.

    {"source": "AgentInstruct", "license": "unknown", "teacher": "gpt-4-0613", "environment": "database",
     "environment_version": "unknown", "seed": 0, "transformations": ["import agentinstruct", "dialect command"]}

Importers and `collect` write what they know, each stage that changes a row adds what it did, and what nobody knows is
said to be unknown. Rows whose licence forbids training are refused by `mix` unless they are allowed by its name.

>>> marked(conversation, source="ShareGPT", license="cc-by-nd-4.0").meta["provenance"]["license"]
'cc-by-nd-4.0'
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from agenttuning.conversation import Conversation
from agenttuning.trajectory import Trajectory

PROVENANCE = "provenance"
UNKNOWN = "unknown"
FIELDS = ("source", "license", "teacher", "environment", "environment_version", "seed")
T = TypeVar("T", bound=Trajectory | Conversation)

# Licences, spelled as hubs do, under which text must not be trained on or a model made of it must not be passed on: all
# rights reserved, and terms of services and models that forbid using their output for other models (Llama 2 and 3 do,
# 3.1 and later do not). So does every Creative Commons licence without derivatives, whatever its version.
FORBIDDING = frozenset(
    {
        "all-rights-reserved",
        "proprietary",
        "no-training",
        "openai-terms",
        "anthropic-terms",
        "google-gemini-terms",
        "llama2",
        "llama3",
    }
)
_NO_DERIVATIVES = re.compile(r"cc-by-(nc-)?nd(-|$)")


def provenance(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What a row's `meta` says, ``unknown`` for what it does not; `transformations` is a list."""
    found = meta.get(PROVENANCE)
    found = found if isinstance(found, Mapping) else {}
    steps = found.get("transformations")
    out: dict[str, Any] = {name: found[name] if found.get(name) is not None else UNKNOWN for name in FIELDS}
    return {**out, "transformations": list(steps) if isinstance(steps, list) else []}


def of(item: Trajectory | Conversation) -> dict[str, Any]:
    """The provenance of an item; of a trajectory also what its own fields say."""
    out = provenance(item.meta)
    if isinstance(item, Trajectory):
        own = {"teacher": item.agent, "environment": item.task.environment, "seed": item.seed}
        out |= {name: value for name, value in own.items() if out[name] == UNKNOWN}
    return out


def marked(item: T, transformation: str | None = None, **known: Any) -> T:
    """The item with what is known now; what was known before stands. `transformation` is added to what was done."""
    before = of(item)
    after = {name: value if value != UNKNOWN else known.get(name, UNKNOWN) for name, value in before.items()}
    after = {name: value for name, value in after.items() if value != UNKNOWN}
    after["transformations"] = [*before["transformations"], *([transformation] if transformation else [])]
    return replace(item, meta={**item.meta, PROVENANCE: after})


def made_of(*parts: Trajectory | Conversation) -> dict[str, Any]:
    """The provenance of a row that is made of several: where they differ, each is named, in SPDX's way with ``AND``.

    What was done to the parts stands in their order.
    """
    found = [of(part) for part in parts]
    out: dict[str, Any] = {}
    for name in FIELDS:
        values = list(dict.fromkeys(one[name] for one in found))
        if name not in ("source", "license", "teacher"):  # of these an unknown part matters
            values = [value for value in values if value != UNKNOWN] or [UNKNOWN]
        if values != [UNKNOWN]:
            out[name] = values[0] if len(values) == 1 else " AND ".join(map(str, values))
    out["transformations"] = [step for one in found for step in one["transformations"]]
    return out


def forbids(license: str, allowed: Collection[str] = ()) -> bool:
    """Whether rows under this licence are not to be trained on; of ``A AND B``, whether one of them forbids it."""
    names = [_name(one) for one in re.split(r"\s+and\s+", str(license), flags=re.IGNORECASE)]
    taken = {_name(one) for one in allowed}
    return any((name in FORBIDDING or _NO_DERIVATIVES.match(name)) and name not in taken for name in names)


def _name(license: str) -> str:
    return re.sub(r"[\s_]+", "-", str(license).strip().lower())
