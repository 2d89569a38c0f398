"""`agenttuning serve`: a model behind the OpenAI-compatible API, for any client."""

import json as jsons
import shlex
from typing import Annotated

from cyclopts import Parameter

from agenttuning.serving.config import ServeConfig


def serve(
    model: Annotated[str, Parameter(help="The model: built-in name, folder or hub id.")],
    /,
    *,
    config: Annotated[ServeConfig | None, Parameter(name="*")] = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="vllm, sglang: print the command line, start nothing.")
    ] = False,
    json: Annotated[
        bool, Parameter(negative="", help="With --dry-run: print the command line as a JSON list.")
    ] = False,
) -> None:
    """Serve a model on OpenAI's API and Text Generation Inference's.

    A key that clients have to show is read from AGENTTUNING_SERVE_KEY.
    """
    config = config or ServeConfig()
    if config.engine in ("vllm", "sglang"):
        from agenttuning.serving.launcher import command_line, launch

        if not dry_run:
            launch(model, config)
        line = command_line(model, config)
        print(jsons.dumps(line) if json else shlex.join(line))
        return
    if dry_run:
        from agenttuning.serving.server import listen, server_key

        server_key(config)
        listen(config).close()
        print(f"would serve {model} with the engine {config.engine} on {config.host}:{config.port}")
        return
    from agenttuning.serving.server import serve as run

    run(model, config)
