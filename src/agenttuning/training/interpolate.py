"""Two checkpoints of one architecture, tensor by tensor: base + alpha (tuned - base).

The safetensors files are read and written in blocks, so memory does not grow with the model; the result has the
tuned checkpoint's files, names and number formats, and its config and tokenizer.

>>> interpolate(Path("base"), Path("tuned"), Path("between"), 0.7)
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from agenttuning.errors import BadInput
from agenttuning.files import read_json

BLOCK = 1 << 22  # numbers computed at once
_INDEX = "model.safetensors.index.json"
_NUMBERS = {"F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2)}
# Beside the weights: the config, the tokenizer, the chat template, code of the model's own.
_COPIED = ("*.json", "*.jinja", "*.model", "*.txt", "*.py")


def interpolate(base: Path, tuned: Path, out: Path, alpha: float) -> None:
    """Write the checkpoint between `base` (alpha 0) and `tuned` (alpha 1) into the folder `out`.

    Numbers are computed in float32 at least and stored in the tuned checkpoint's format; tensors that are no floats
    are the tuned one's. Raises BadInput for a checkpoint that is not whole, quantised or of another architecture.
    """
    old, new = _Checkpoint(base), _Checkpoint(tuned)
    partners = _partners(old, new)
    out.mkdir(parents=True, exist_ok=True)
    for pattern in _COPIED:
        for file in tuned.glob(pattern):
            shutil.copyfile(file, out / file.name)
    for file in new.files:
        with (out / file.name).open("wb") as stream:
            stream.write(_head_bytes(file))
            for name in sorted(new.in_file(file), key=lambda name: new.tensors[name].begin):
                for block in _blocks(partners[name], new.tensors[name], alpha):
                    stream.write(block)


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor's bytes lie: `begin` and `end` count from the start of `file`; `kind` is safetensors' word."""

    file: Path
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int

    def read(self, first: int, last: int) -> bytes:
        with self.file.open("rb") as stream:
            stream.seek(self.begin + first)
            return stream.read(min(last, self.end - self.begin) - first)


class _Checkpoint:
    """A checkpoint folder's tensors by name. Raises BadInput where a file is missing or cut short."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.config: dict[str, Any] = read_json(folder / "config.json")
        self.files = self._files()
        self.tensors: dict[str, _Tensor] = {}
        for file in self.files:
            self.tensors |= _tensors(file)
        absent = self._indexed.keys() - self.tensors.keys()
        if absent:
            raise BadInput(f"{folder / _INDEX}: names {_few(absent)}, which no file holds; write the checkpoint again")
        if self.config.get("quantization_config"):
            raise BadInput(f"{folder}: a quantised checkpoint; interpolation needs plain weights")

    @cached_property
    def _indexed(self) -> Mapping[str, str]:
        index = self.folder / _INDEX
        return read_json(index)["weight_map"] if index.is_file() else {}

    def _files(self) -> list[Path]:
        names = sorted(set(self._indexed.values())) or ["model.safetensors"]
        absent = [name for name in names if not (self.folder / name).is_file()]
        if absent:
            raise BadInput(f"{self.folder}: no {_few(absent)}; give a whole checkpoint with its weights as safetensors")
        return [self.folder / name for name in names]

    def in_file(self, file: Path) -> list[str]:
        return [name for name, tensor in self.tensors.items() if tensor.file == file]

    def twin(self, name: str) -> str | None:
        """Another name of the same matrix, byte for byte: weights that two layers share. Vectors may be alike by
        chance: norms often are all ones."""
        mine = self.tensors[name]
        for key, other in self.tensors.items():
            if (
                len(mine.shape) > 1
                and key != name
                and (other.kind, other.shape) == (mine.kind, mine.shape)
                and _equal(mine, other)
            ):
                return key
        return None


def _partners(old: _Checkpoint, new: _Checkpoint) -> dict[str, _Tensor]:
    """The old tensor for each name of the new checkpoint. Raises BadInput where the two do not fit together."""
    kinds = [one.config.get("model_type") for one in (old, new)]
    if kinds[0] != kinds[1]:
        raise BadInput(f"{new.folder} is a {kinds[1]} model, {old.folder} a {kinds[0]} model; give its start model")
    # Of tied weights some writers store one name and some both.
    lost = [name for name in old.tensors.keys() - new.tensors.keys() if old.twin(name) not in new.tensors]
    partners = {name: old.tensors.get(name) or old.tensors.get(new.twin(name) or "") for name in new.tensors}
    for folder, other, names in (
        (new.folder, old.folder, lost),
        (old.folder, new.folder, [name for name, partner in partners.items() if partner is None]),
    ):
        if names:
            raise BadInput(f"{folder}: no {_few(names)}, which {other} has; they are different models")
    found = {name: partner for name, partner in partners.items() if partner is not None}
    for name, tensor in new.tensors.items():
        if found[name].shape != tensor.shape:
            raise BadInput(
                f"{name} is {list(tensor.shape)} in {new.folder} and {list(found[name].shape)} in {old.folder}; "
                "both need one architecture and one vocabulary"
            )
    return found


def _few(names: Any) -> str:
    first, *rest = sorted(names)
    return f"{first} and {len(rest)} more" if rest else first


def _head(file: Path) -> tuple[int, dict[str, Any]]:
    """The length of a safetensors file's head in bytes, and its entries. Raises BadInput for anything else."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            size = file.stat().st_size
            entries = json.loads(stream.read(length)) if 8 + length <= size else {}
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise BadInput(f"{file}: not a safetensors file; write the checkpoint again") from None
    if not ends or size != 8 + length + max(ends):
        raise BadInput(f"{file}: cut short or not a safetensors file; write the checkpoint again")
    return 8 + length, entries


def _head_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_head(file)[0])


def _tensors(file: Path) -> dict[str, _Tensor]:
    start, entries = _head(file)
    out = {}
    for name, entry in entries.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            if entry["dtype"] in _NUMBERS and end - begin != prod(entry["shape"]) * _NUMBERS[entry["dtype"]][1]:
                raise BadInput(f"{file}: {name} has {end - begin} bytes, too many or too few for its shape")
            out[name] = _Tensor(file, entry["dtype"], tuple(entry["shape"]), start + begin, start + end)
    return out


def _equal(one: _Tensor, other: _Tensor) -> bool:
    size = one.end - one.begin
    return all(one.read(i, i + BLOCK) == other.read(i, i + BLOCK) for i in range(0, size, BLOCK))


def _blocks(old: _Tensor, new: _Tensor, alpha: float) -> Iterator[bytes]:
    """The bytes of the interpolated tensor; the new one's where it holds no floats."""
    import torch

    if new.kind not in _NUMBERS or old.kind not in _NUMBERS:
        yield from (new.read(first, first + BLOCK) for first in range(0, new.end - new.begin, BLOCK))
        return
    kinds = [getattr(torch, _NUMBERS[tensor.kind][0]) for tensor in (old, new)]
    exact = torch.promote_types(torch.promote_types(*kinds), torch.float32)

    def read(tensor: _Tensor, kind: Any, first: int) -> Any:
        raw = bytearray(tensor.read(first * kind.itemsize, (first + BLOCK) * kind.itemsize))
        return torch.frombuffer(raw, dtype=kind).to(exact)

    for first in range(0, prod(new.shape), BLOCK):
        sides = [read(tensor, kind, first) for tensor, kind in zip((old, new), kinds, strict=True)]
        yield torch.lerp(*sides, alpha).to(kinds[1]).view(torch.uint8).numpy().tobytes()
