"""`agenttuning prepare`: a corpus of any size, from raw shards to shards to train on."""

import json as jsons
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.commands.stages import Dialect, Flat, Out, Seed
from agenttuning.preparation.job import PrepareConfig
from agenttuning.preparation.prepare import prepare_stage, prepared_table
from agenttuning.preparation.workers import Workers
from agenttuning.recipe import load, runnable
from agenttuning.stages import perform


def prepare(
    agent: Path,
    /,
    *,
    out: Out,
    config: Annotated[PrepareConfig | None, Flat] = None,
    dialect: Dialect = "command",
    seed: Seed = 0,
    model: str = "",
    recipe: str | None = None,
    workers: int = 0,
    ray: Annotated[list[str] | None, Parameter(consume_multiple=(0, 1), negative="")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Import, lint, filter, mix and encode raw shards.

    Parameters
    ----------
    agent
        The agents' rows: a file or a folder of shards (JSONL, .jsonl.zst, Parquet) of any format that `import` reads.
    model
        Store tokens and loss masks by this model's tokenizer and template too; built-in name, folder or hub id.
    recipe
        Look in the rows for all that this recipe evaluates on; `--decontaminate.drop dirty` leaves such rows out.
    workers
        Processes. [default: as many as there are processors]
    ray
        Work over a Ray Data pipeline: at this address, or without one on a cluster that is started here. The bytes are
        the same. All nodes must see the input and OUT under these paths.
    json
        Print JSON instead of a table.
    """
    asked = runnable(load(recipe))[0].evaluate if recipe is not None else None
    stage = prepare_stage(
        config or PrepareConfig(),
        agent,
        out,
        dialect=dialect,
        seed=seed,
        model=model,
        evaluate=asked,
        workers=Workers(workers, ray=None if ray is None else "".join(ray)),
    )
    counts = perform(stage, say=(lambda _: None) if json else print)["counts"]
    print(jsons.dumps(counts) if json else prepared_table(counts))
