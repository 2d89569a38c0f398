"""The rows behind what is published, read once: how many, under which licences, and none that must stay at home.

Rows whose licence forbids training on them are refused as `prepare` and `mix` leave them out, unless their licence is
allowed by its name; so are rows with a key in them, for whoever loads the data can read it.

>>> checked([Path("runs/a/corpus/corpus.jsonl")]).licenses
['apache-2.0', 'unknown']
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from agenttuning.corpus.formats import Item, Refused
from agenttuning.corpus.formats.convert import records
from agenttuning.corpus.formats.hub import Sizes
from agenttuning.corpus.lint import Report, Row, chosen_rules
from agenttuning.errors import BadInput
from agenttuning.licences import parts
from agenttuning.progress import Progress
from agenttuning.provenance import forbids, of


def read_items(files: Sequence[Path], progress: Progress | None = None) -> Iterator[tuple[str, Item]]:
    """(where, item) for each row. Raises BadInput for a row that cannot be read: what is published is whole."""
    found = records(files, None, limit=None, strict=True, refused=Refused())
    for done, record in enumerate(found, start=1):
        if progress and done % 500 == 0:
            progress(done, None, record.where)
        yield record.where, record.item


def checked(files: Sequence[Path], allowed: Collection[str] = (), progress: Progress | None = None) -> Sizes:
    """What the rows are. Raises BadInput where a licence forbids publishing them, or where one holds a key."""
    sizes, forbidden, keys = Sizes(), Counter[str](), Report(chosen_rules(["secret"]))
    secrets: list[str] = []

    def items() -> Iterator[Item]:
        for where, item in read_items(files, progress):
            license = of(item)["license"]
            if forbids(license, allowed):
                forbidden[license] += 1
            if findings := keys.check(Row(where, item)):
                secrets.append(f"{where}: {findings[0].text}")
            yield item

    for _ in sizes.counted(items()):
        pass
    named = ", ".join(str(file) for file in files)
    if not sizes.rows:
        raise BadInput(f"{named}: there are no rows to publish")
    if forbidden:
        found = ", ".join(f"{count} under {license}" for license, count in sorted(forbidden.items()))
        one = next(part for license in sorted(forbidden) for part in parts(license) if forbids(part, allowed))
        raise BadInput(
            f"{named}: rows whose licence forbids training on them: {found}; make the corpus without them, or allow "
            f"one by its name: --allow-licenses {one}"
        )
    if secrets:
        raise BadInput(
            f"{secrets[0]}: a key stands in this row and in {len(secrets) - 1} more; "
            "find them with `agenttuning lint --rule secret`, and revoke them"
        )
    return sizes
