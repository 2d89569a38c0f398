"""`agenttuning construct`: new tasks, written by a teacher and tried for real, or derived from a text-to-SQL set."""

import json as jsons
import sys
from typing import Annotated

from cyclopts import Parameter

from agenttuning.commands.stages import Dialect, Flat, Out, Seed
from agenttuning.construction import construct_stage, summary
from agenttuning.corpus.construct.config import ConstructConfig, Subject
from agenttuning.stages import perform


def construct(
    environment: Annotated[Subject, Parameter(help="What the tasks are for: operating_system or database.")],
    /,
    *,
    out: Out,
    config: Annotated[ConstructConfig, Flat],
    dialect: Dialect = "react",
    seed: Seed = 0,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what it would take, and print the first prompt; ask nobody.")
    ] = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> None:
    """Write tasks with a teacher."""
    if dry_run:
        from agenttuning.corpus.construct.estimate import estimate, told

        found = estimate(config, environment, out.with_name(out.name + ".replies"), seed=seed)
        print(jsons.dumps(found, ensure_ascii=False) if json else told(found))
        return
    stage = construct_stage(config, environment, out, dialect=dialect, seed=seed)
    manifest = perform(stage, say=lambda text: print(text, file=sys.stderr if json else sys.stdout))
    counts = manifest["counts"]
    if json:
        print(jsons.dumps({"out": str(out), **counts}, ensure_ascii=False))
        return
    for line in summary(counts):
        print(line)
