"""Where a row comes from, kept in its `meta` under ``provenance`` from the first stage to the dataset card.

    {"source": "AgentInstruct", "license": "unknown", "teacher": "gpt-4-0613", "environment": "database",
     "environment_version": "unknown", "seed": 0, "transformations": ["import agentinstruct", "dialect command"]}

Importers and `collect` write what they know, each stage that changes a row adds what it did, and what nobody knows is
said to be unknown. Rows whose licence forbids training are refused by `mix` unless they are allowed by its name.

>>> marked(conversation, source="ShareGPT", license="cc-by-nd-4.0").meta["provenance"]["license"]
'cc-by-nd-4.0'
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from agenttuning.conversation import Conversation
from agenttuning.trajectory import Trajectory

PROVENANCE = "provenance"
UNKNOWN = "unknown"
FIELDS = ("source", "license", "teacher", "environment", "environment_version", "seed")
T = TypeVar("T", bound=Trajectory | Conversation)

# Licences, spelled as hubs do, under which text must not be trained on or a model made of it must not be passed on: no
# derivatives, all rights reserved, and terms of services and models that forbid using their output for other models.
FORBIDDING = frozenset(
    {
        "cc-by-nd-2.0",
        "cc-by-nd-3.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
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


def forbids(license: str, allowed: Collection[str] = ()) -> bool:
    """Whether rows under this licence are not to be trained on."""
    name = str(license).strip().lower().replace(" ", "-")
    return name in FORBIDDING and name not in {str(one).strip().lower() for one in allowed}
