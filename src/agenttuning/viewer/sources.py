"""Which files of a run hold trajectories, and what the sets are called that they belong to.

A set is a folder's part of a run: ``trajectories``, ``filtered``, ``evaluation/base``, ``evaluation/tuned``. Of two
sets that are a model before and after training the pairs on the same task are known.

>>> [(source.path.name, source.set) for source in find([Path("runs/quickstart")])][:1]
[('database.jsonl', 'evaluation/base')]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from agenttuning import zstd
from agenttuning.corpus.formats import FORMATS
from agenttuning.corpus.formats.base import Refused
from agenttuning.corpus.formats.rows import rows
from agenttuning.errors import BadInput

_SUFFIXES = (".jsonl", ".ndjson", ".jsonl" + zstd.SUFFIX, ".ndjson" + zstd.SUFFIX, "trajectory.json")
_LOOKED_AT = 20  # rows of a file in a folder, of which one must be a trajectory
_SET_ASIDE = ".old"  # a stage's result before it was done again


@dataclass(frozen=True, slots=True)
class Source:
    """A file with trajectories and the name of its set."""

    path: Path
    set: str


def find(paths: Sequence[Path]) -> list[Source]:
    """The files of runs, evaluations, or single files. Raises BadInput where one of them has no trajectory."""
    found = []
    for path in paths:
        own = _in_folder(path) if path.is_dir() else _one_file(path)
        many = len(paths) > 1
        found += [Source(one.path, _joined(path.as_posix(), one.set) if many else one.set) for one in own]
    return found


def sides(sets: Sequence[str], paths: Sequence[Path]) -> list[tuple[str, str]]:
    """(before, after) for the sets that are one model before and after training: ``base`` beside ``tuned``, else two
    sets if there are no others, in the order in which they were given."""
    beside = [(name, str(PurePosixPath(name).with_name("tuned"))) for name in sets if name.split("/")[-1] == "base"]
    pairs = [pair for pair in beside if pair[1] in sets]
    if not pairs and len(sets) == len(paths) == 2:
        return [(sets[0], sets[1])]
    return pairs


def _one_file(path: Path) -> list[Source]:
    if not path.is_file():
        raise BadInput(f"{path}: no such file or folder; give a run, an evaluation or a file of trajectories")
    seen = _first_rows(path)
    if not any(map(FORMATS["atif"].fits, seen)):
        if any("messages" in row or "conversations" in row for row in seen):
            raise BadInput(f"{path}: holds conversations, not trajectories; `agenttuning show {path}` prints them")
        raise BadInput(f"{path}: no trajectory in its first rows; expected ATIF, as `agenttuning collect` writes it")
    return [Source(path, path.name.removesuffix(zstd.SUFFIX).rpartition(".")[0])]


def _in_folder(folder: Path) -> list[Source]:
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.name.endswith(_SUFFIXES)):
        within = path.relative_to(folder).parts
        aside = any(part.startswith(".") or part.endswith(_SET_ASIDE) for part in within)
        if not aside and path.is_file() and any(map(FORMATS["atif"].fits, _first_rows(path))):
            found.append(Source(path, _set_of(within[:-1], folder)))
    if not found:
        raise BadInput(
            f"{folder}: no trajectories there; give the folder that `agenttuning run`, `collect` or `evaluate` wrote"
        )
    return found


def _first_rows(path: Path) -> list[dict]:
    return [row.value for row in islice(rows(path, Refused()), _LOOKED_AT)]


def _set_of(folders: tuple[str, ...], root: Path) -> str:
    """The folders below a run as a set's name; an evaluation's inner folder `trajectories` is not part of it."""
    if len(folders) > 1 and folders[-1] == "trajectories":
        folders = folders[:-1]
    if not folders or (folders == ("trajectories",) and (root / "scores.json").is_file()):
        return root.resolve().name
    return "/".join(folders)


def _joined(prefix: str, name: str) -> str:
    """Sets of several runs carry the run's path; that of an evaluation or a file is not said twice."""
    last = PurePosixPath(prefix).name
    return prefix if name in (last, PurePosixPath(last).stem) else f"{prefix}/{name}"
