"""`agenttuning models`: the models that are known by a short name, and a compose file that serves one."""

import json as jsons
from typing import Annotated

from cyclopts import Parameter

from agenttuning.errors import BadInput
from agenttuning.known_models import KNOWN
from agenttuning.settings import suggest
from agenttuning.tables import aligned


def models(
    name: str | None = None,
    /,
    *,
    compose: Annotated[bool, Parameter(negative="")] = False,
    instances: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the known models.

    Parameters
    ----------
    name
        Only this one, with all that is known of it.
    compose
        Print a compose file that serves it with vLLM.
    instances
        With --compose: how many copies, each on GPUs and a port of its own; 1 by default.
    json
        One JSON object a line.
    """
    if name is not None and name not in KNOWN:
        raise BadInput(f"no known model {name!r}; {suggest(name, KNOWN)}")
    if compose and name is None:
        raise BadInput("--compose needs the name of a model")
    if instances is not None and not compose:
        raise BadInput("--instances goes with --compose")
    if compose and json:
        raise BadInput("--compose prints YAML; leave --json out")
    if compose:
        from agenttuning.compose import compose_file

        print(compose_file(KNOWN[str(name)], 1 if instances is None else instances), end="")
        return
    chosen = [KNOWN[name]] if name else list(KNOWN.values())
    if json:
        for model in chosen:
            print(jsons.dumps(model.row()))
    elif name:
        print(aligned([[key, "-" if value is None else str(value)] for key, value in chosen[0].row().items()]))
    else:
        table = [["name", "Hugging Face", "ModelScope", "template", "context", "GPUs", "licence"]]
        for model in chosen:
            ids = [model.hub + " (gated)" * model.gated, model.modelscope or f"- (OpenXLab: {model.openxlab})"]
            numbers = [f"{model.context:,}", str(model.gpus)]
            table.append([model.name, *ids, model.template or "its own", *numbers, model.licence])
        print(aligned(table))
