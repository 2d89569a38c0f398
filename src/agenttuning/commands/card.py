"""`agenttuning card`: the dataset card of a corpus, from what its rows say of themselves."""

from collections.abc import Iterator
from pathlib import Path

from agenttuning.commands.formats import settings_of
from agenttuning.corpus.formats import Refused, WriteConfig
from agenttuning.corpus.formats.base import Item
from agenttuning.corpus.formats.convert import records
from agenttuning.corpus.formats.hub import Sizes, kind_of
from agenttuning.corpus.formats.hub import card as card_of
from agenttuning.corpus.formats.rows import files_of
from agenttuning.errors import BadInput
from agenttuning.files import atomic_write
from agenttuning.progress import bar


def card(
    *files: Path,
    out: Path | None = None,
    license: str | None = None,
    source: str = "",
    title: str = "",
) -> None:
    """Write the dataset card: rows, licences, where each row comes from and what was done to it.

    Parameters
    ----------
    files
        Trajectories, corpora or shards, or folders of them.
    out
        The card, a README.md beside the data; printed when it is not given.
    license
        The licence of the whole. [default: those of the rows]
    source
        Where the data come from, one sentence.
    title
        The card's title. [default: the folder's name]
    """
    if not files:
        raise BadInput("give the files of the corpus: agenttuning card FILE... --out README.md")
    refused, sizes = Refused(), Sizes()
    kinds: dict[str, dict[str, None]] = {}
    folder = (out.parent if out else files[0] if files[0].is_dir() else files[0].parent).resolve()

    def items(file: Path, progress) -> Iterator[Item]:
        for done, record in enumerate(records([file], None, limit=None, strict=False, refused=refused), start=1):
            if done % 500 == 0:
                progress(done, None, file.name)
            path = file.resolve()
            name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else file.name
            kinds.setdefault(kind_of(record.item), {})[name] = None
            yield record.item

    with bar("card") as progress:
        for file in (file for path in files for file in files_of(path)):
            for _ in sizes.counted(items(file, progress)):
                pass
    if not sizes.rows:
        raise BadInput(f"{files[0]}: no row could be read: {'; '.join(refused.examples.values()) or 'there are none'}")
    config = WriteConfig(license=license, source=source, title=title, settings=settings_of(files))
    text = card_of(sizes, folder.name, config, {kind: list(names) for kind, names in kinds.items()})
    if out is None:
        print(text)
        return
    with atomic_write(out) as stream:
        stream.write(text)
    print(f"{out}: {sum(sizes.rows.values())} rows under {', '.join(sizes.licenses)}")
    for reason, count in sorted(refused.counts.items()):
        print(f"{count} rows not read ({reason}), for example {refused.examples[reason]}")
