"""`agenttuning import` and `agenttuning export`: other people's data in, ours out in their formats."""

import json as jsons
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agenttuning.corpus.formats import Refused, WriteConfig, write
from agenttuning.corpus.formats.convert import convert, records, report_table
from agenttuning.errors import BadInput
from agenttuning.files import atomic_write, read_json
from agenttuning.progress import bar
from agenttuning.tables import aligned

Json = Annotated[bool, Parameter(negative="", help="Print JSON instead of a table.")]
Strict = Annotated[bool, Parameter(negative="", help="Stop at the first row that cannot be read.")]


def import_(
    *files: Path,
    out: Path,
    format: str | None = None,
    limit: int | None = None,
    strict: Strict = False,
    source: str | None = None,
    license: str | None = None,
    json: Json = False,
) -> None:
    """Read other people's files.

    Parameters
    ----------
    files
        Files, or folders of them: JSONL, JSON arrays, Parquet.
    out
        The folder to write: trajectories.jsonl, conversations.jsonl, import.json.
    format
        agentinstruct, agent-flan, toolbench, sharegpt, glaive, openai, atif or parquet; told from each file's first
        rows by default.
    limit
        At most this many rows.
    source
        Where the rows are from, for their provenance; by default the data set that the format is of.
    license
        The licence they are under, e.g. cc-by-4.0; `mix` leaves out rows whose licence forbids training.
    """
    if not files:
        raise BadInput("give the files to import: agenttuning import FILE... --out FOLDER")
    _check(limit)
    with bar("import") as progress:
        report = convert(
            files, out, format=format, limit=limit, strict=strict, source=source, license=license, progress=progress
        )
    print(jsons.dumps(report) if json else report_table(report))


def export(
    *files: Path,
    out: Path,
    format: str,
    dialect: str | None = None,
    license: str | None = None,
    source: str = "",
    title: str = "",
    parquet: Annotated[bool, Parameter(negative="")] = False,
    limit: int | None = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Write trajectories and conversations in another format, or a model as GGUF.

    Parameters
    ----------
    files
        Trajectories, corpora, or files of any format that can be imported; for gguf one model.
    out
        The file to write (.json is one array, anything else JSONL), or for parquet, hub and inspect the folder.
    format
        agentinstruct, agent-flan, toolbench, sharegpt, glaive, openai, atif, parquet, hub or inspect (the logs of
        inspect-ai); gguf is a model for llama.cpp and Ollama, with a Modelfile beside it.
    dialect
        How trajectories are written: react, command, json or native. [default: as imported, or the format's own]
    license
        hub: the licence of the data, e.g. apache-2.0.
    source
        hub: where the data come from, one sentence for the dataset card.
    title
        hub: the dataset card's title.
    parquet
        hub: write Parquet files instead of JSONL.
    limit
        At most this many rows.
    """
    if not files:
        raise BadInput("give the files to export: agenttuning export FILE... --format NAME --out PATH")
    if format == "gguf":
        _export_model(files, out, json=json)
        return
    _check(limit)
    config = WriteConfig(
        dialect=dialect, license=license, source=source, title=title, parquet=parquet, settings=settings_of(files)
    )
    refused = Refused()
    with bar("export") as progress:
        found = records(files, None, limit=limit, strict=strict, refused=refused)

        def items():
            for done, record in enumerate(found, start=1):
                if done % 50 == 0:
                    progress(done, limit, record.where)
                yield record.item

        report = write(format, items(), out, config)
    report["refused"] = dict(refused.counts)
    if json:
        print(jsons.dumps(report))
        return
    print(f"{out}: {report['rows']} rows of {report['items']} items")
    for title_, reasons in (("left out", report["lost"]), ("refused", report["refused"])):
        if reasons:
            print("\n" + aligned([[title_, "items"], *([name, str(count)] for name, count in reasons.items())]))


def _export_model(models: tuple[Path, ...], out: Path, *, json: bool) -> None:
    """A model as one GGUF file, and a Modelfile in its folder."""
    from agenttuning.engines.gguf import export_gguf
    from agenttuning.engines.modelfile import modelfile
    from agenttuning.models import load_tokenizer, resolve

    if len(models) != 1:
        raise BadInput(f"--format gguf takes one model, found {len(models)}")
    folder = resolve(str(models[0]))
    if (folder / "adapter_config.json").is_file():
        raise BadInput(f"{folder} is an adapter; merge it first: agenttuning merge {folder} --out merged")
    if out.suffix != ".gguf":
        raise BadInput(f"--out {out}: the name of a GGUF file ends in .gguf")
    export_gguf(folder, out)
    beside = out.with_name("Modelfile")
    with atomic_write(beside) as stream:
        stream.write(modelfile(out.name, load_tokenizer(folder)))
    size = out.stat().st_size
    print(jsons.dumps({"file": str(out), "bytes": size, "modelfile": str(beside)}) if json else
          f"{out}: {size / 1e6:.0f} MB in float16, and {beside} for: ollama create NAME -f {beside}")  # fmt: skip


def _check(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise BadInput(f"limit must be at least 1, found {limit}")


def settings_of(files: Sequence[Path]) -> dict[str, str]:
    """What the dataset card says about how its data were made: the inputs, and the settings of the stages that made
    them, where their manifests lie beside them."""
    settings = {"made from": ", ".join(file.name for file in files)}
    for file in files:
        manifest = (file if file.is_dir() else file.parent) / "manifest.json"
        if manifest.is_file():
            made = read_json(manifest)
            settings[str(made.get("stage", file.name))] = jsons.dumps(made.get("settings", {}), ensure_ascii=False)
    return settings
