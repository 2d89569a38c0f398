"""`agenttuning gate`: rules that a model has to satisfy, for CI of models."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.errors import BadInput


def gate(
    run: str,
    /,
    *,
    rule: Annotated[list[str], Parameter(negative="")],
    against: str | None = None,
    confident: Annotated[bool, Parameter(negative="")] = False,
    junit: Path | None = None,
    json: Annotated[bool, Parameter(negative="", help="Print JSON instead of a table.")] = False,
) -> int:
    """Check rules; exit with 0 where all hold, 1 where one does not, 2 where one is no rule.

    Parameters
    ----------
    run
        A run's folder, whose tuned model is checked against its start model; or an evaluation (folder or scores.json),
        or LABEL=PATH,PATH for runs with several seeds.
    rule
        MEASURE > BOUND, or with >=, <, <=; BOUND is a number (0.5 or 50%), base, or base + or - a number. Give the
        option once for each rule.
    against
        The base: an evaluation, as above.
    confident
        Let a rule hold only where the whole 95 % interval satisfies it, not the estimate alone.
    junit
        Write the result as JUnit XML too.
    """
    from agenttuning.evaluation.gate import gate as check_all
    from agenttuning.evaluation.gate import junit as as_junit
    from agenttuning.evaluation.rules import parse
    from agenttuning.evaluation.sides import of_run, read_side
    from agenttuning.files import atomic_write

    rules = [parse(text) for text in rule]
    if not rules:
        raise BadInput("no rule; give one as --rule 'held-in > base'")
    both = of_run(Path(run))
    model = read_side(str(both[1]) if both else run)
    start = against or (str(both[0]) if both and both[0].is_dir() else None)
    base = read_side(start) if start else None
    checks, notes = check_all(rules, model.runs, base.runs if base else (), confident=confident)
    if junit:
        with atomic_write(junit) as stream:
            stream.write(as_junit(checks, model.label))
    passed = all(check.passed for check in checks)
    if json:
        from json import dumps

        by = "interval" if confident else "estimate"
        print(dumps({"passed": passed, "by": by, "checks": [asdict(check) for check in checks], "notes": notes}))
    else:
        from agenttuning.evaluation.gate import table

        print(table(checks, rules, confident=confident))
        for note in notes:
            print(f"note: {note}")
    return 0 if passed else 1
