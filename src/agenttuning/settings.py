"""Settings: a config dataclass built from plain values, with every mistake found at once.

A config is a dataclass whose fields have defaults and a docstring each; its `__post_init__` raises BadInput
for a value out of range, with the field's name as the first word. YAML 1.1 reads ``1e-3`` as text, so a float
field takes numbers written as text too.

>>> mistakes = []
>>> build(MixConfig, {"etta": 0.5}, mistakes, "mix")
>>> mistakes
[("mix.etta", "unknown key; did you mean 'eta'?")]
"""

import ast
import dataclasses
import inspect
import math
import re
import textwrap
import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from agenttuning.errors import BadInput

Mistake = tuple[str, str]  # key path, what is wrong with it
# A recipe holds no keys, but a line that looks like one is not worth the risk.
_SECRET = re.compile(r"(?im)^(\s*[\w-]*(?:key|token|secret|password|authorization)\s*:\s*)\S.*$")
_USER_INFO = re.compile(r"(://)[^/\s@]+@")


class _Wrong(Exception):
    """A value that does not fit; the mistakes are noted already."""


def build(cls: type, values: Any, mistakes: list[Mistake], path: str = "") -> Any:
    """An instance of `cls`, or None where anything was wrong; what was wrong is added to `mistakes`."""
    try:
        return _dataclass(cls, values, mistakes, path)
    except _Wrong:
        return None


def plain(value: Any) -> Any:
    """A config as dicts, lists and scalars, ready for YAML or JSON; keys in the order of the fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def redact(text: str) -> str:
    """YAML without what looks like a key or a URL's user and password."""
    return _USER_INFO.sub(r"\1", _SECRET.sub(r"\1(not shown)", text))


def docstrings(cls: type) -> dict[str, str]:
    """The text under each field of a dataclass. Raises TypeError for a field without one."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    out = {}
    for statement, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            if not isinstance(text, str):
                raise TypeError(f"{cls.__name__}.{statement.target.id}: has no docstring; write one under it")
            out[statement.target.id] = " ".join(text.split())
    return out


def suggest(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or the names there are."""
    known = list(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}"


def check_at_least(config: Any, least: float, *names: str) -> None:
    """Raise BadInput for the first of these fields that is less; a dict stands for its values, None for none."""
    for name in names:
        for value in _numbers(getattr(config, name)):
            if value < least:
                raise BadInput(f"{name} must be at least {least}, found {value}")


def check_above_zero(config: Any, *names: str) -> None:
    """Raise BadInput for the first of these fields that is zero, negative or no number."""
    for name in names:
        for value in _numbers(getattr(config, name)):
            if not value > 0:
                raise BadInput(f"{name} must be greater than 0, found {value}")


def _numbers(value: Any) -> list[float]:
    if value is None:
        return []
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _dataclass(cls: Any, values: Any, mistakes: list[Mistake], path: str) -> Any:
    if not isinstance(values, Mapping):
        raise _wrong(mistakes, path, f"expected keys and values, found {_shown(values)}")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    before = len(mistakes)
    arguments = {}
    for key, value in values.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in fields:
            mistakes.append((where, f"unknown key; {suggest(str(key), fields)}"))
            continue
        try:
            arguments[key] = _convert(hints[key], value, mistakes, where)
        except _Wrong:
            continue
    for name, field in fields.items():
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if missing and name not in values:
            mistakes.append((f"{path}.{name}" if path else name, "is missing and has no default"))
    if len(mistakes) > before:
        raise _Wrong
    try:
        return cls(**arguments)
    except BadInput as error:
        name = str(error).split(" ")[0]
        where = f"{path}.{name}".lstrip(".") if name in fields else path
        raise _wrong(mistakes, where, str(error)) from None


def _convert(hint: Any, value: Any, mistakes: list[Mistake], path: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(inner, value, mistakes, path)
    if origin is Literal:
        if value in inner:
            return value
        raise _wrong(mistakes, path, f"found {_shown(value)}; {suggest(str(value), map(str, inner))}")
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, {} if value is None else value, mistakes, path)
    if (origin or hint) in (list, tuple):
        if not isinstance(value, list | tuple):
            raise _wrong(mistakes, path, f"expected a list, found {_shown(value)}")
        items = [_convert(inner[0] if inner else Any, item, mistakes, f"{path}[{i}]") for i, item in enumerate(value)]
        return tuple(items) if (origin or hint) is tuple else items
    if isinstance(origin or hint, type) and issubclass(origin or hint, Mapping):
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise _wrong(mistakes, path, f"expected keys and values, found {_shown(value)}")
        kind = inner[1] if inner else Any
        return {str(k): _convert(kind, item, mistakes, f"{path}.{k}") for k, item in value.items()}
    return _scalar(hint, value, mistakes, path)


def _union(inner: tuple, value: Any, mistakes: list[Mistake], path: str) -> Any:
    if value is None and type(None) in inner:
        return None
    choices = [hint for hint in inner if hint is not type(None)]
    attempts: list[list[Mistake]] = []
    for hint in choices:
        attempts.append([])
        try:
            return _convert(hint, value, attempts[-1], path)
        except _Wrong:
            continue
    mistakes.extend(attempts[0])
    raise _Wrong


def _scalar(hint: Any, value: Any, mistakes: list[Mistake], path: str) -> Any:
    if hint is Any:
        return value
    if hint is float:
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if math.isfinite(number):
            return number
    elif hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise _wrong(mistakes, path, f"expected {names.get(hint, hint)}, found {_shown(value)}")


def _wrong(mistakes: list[Mistake], path: str, message: str) -> _Wrong:
    mistakes.append((path, message))
    return _Wrong()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
