"""A request's fields, read one by one: each of its type and in its range, or a Problem that names it.

>>> Fields({"n": 3}).integer("n", 1, least=1, most=8)
3
"""

import json
import random
from collections.abc import Mapping
from typing import Any

from agenttuning.engines.base import Sampling
from agenttuning.serving.problem import Problem

STOPS = 16  # stop texts of one request
LONGEST_STOP = 500  # characters
ALTERNATIVES = 20  # log-probabilities beside each token's own


class Fields:
    """`status` is that of the Problem for a wrong field; `where` stands before the names of nested ones."""

    def __init__(self, values: Mapping[str, Any], *, where: str = "", status: int = 400):
        self.values, self._where, self._status = values, where, status

    def wrong(self, name: str, what: str) -> Problem:
        return Problem(self._status, f"{self._where}{name} {what}", param=f"{self._where}{name}")

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.wrong(name, f"must be text, found {_kind(value)}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self.wrong(name, "holds half a character (a lone surrogate)") from None
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, f"must be true or false, found {_kind(value)}")
        return bool(value)

    def integer(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**31 - 1) -> int | None:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(name, f"must be a whole number from {least} to {most}, found {_shown(value)}")
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.wrong(name, f"must be a number from {least:g} to {most:g}, found {_shown(value)}")
        return float(value)

    def part(self, name: str) -> "Fields":
        """The fields of an object inside, empty where it is left out."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.wrong(name, f"must be an object, found {_kind(value)}")
        return Fields(value or {}, where=f"{self._where}{name}.", status=self._status)

    def stops(self, name: str = "stop") -> tuple[str, ...]:
        value = self.values.get(name)
        texts = [value] if isinstance(value, str) else value or []
        good = isinstance(texts, list) and all(isinstance(t, str) and 0 < len(t) <= LONGEST_STOP for t in texts)
        if not good or len(texts) > STOPS:
            raise self.wrong(name, f"must be a text or up to {STOPS} texts of at most {LONGEST_STOP} characters")
        return tuple(texts)

    def refuse(self, reason: str, *names: str) -> None:
        """Raise for the first of these that asks for anything: done differently it would be a wrong answer."""
        for name in names:
            neutral = (
                None,
                False,
                0,
                "",
                [],
                {},
                1 if name in ("repetition_penalty", "best_of", "typical_p") else None,
            )
            if self.values.get(name) not in neutral:
                raise self.wrong(name, reason)

    def sampling(self, max_tokens: int, *, temperature: float = 1.0) -> Sampling:
        """How OpenAI's APIs ask for it; `temperature` where the request says none. Without a seed one is drawn."""
        self.refuse("is not supported by the embedded engines", "frequency_penalty", "presence_penalty",
                    "repetition_penalty", "logit_bias", "min_p")  # fmt: skip
        top_k = self.integer("top_k", 0, least=-1)
        seed = self.integer("seed", least=-(2**63), most=2**63 - 1)
        return Sampling(
            max_tokens=max_tokens,
            temperature=self.number("temperature", temperature, least=0.0, most=2.0),
            top_p=self.number("top_p", 1.0, least=1e-6, most=1.0),
            seed=seed % 2**31 if seed is not None else random.SystemRandom().randrange(2**31),
            top_k=max(top_k or 0, 0),
        )


def read_json(data: bytes) -> Mapping[str, Any]:
    """The object in a request's body. Raises Problem 400."""
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except ValueError as error:
        raise Problem(400, f"the body is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise Problem(400, f"the body must be a JSON object, found {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, int | float | str) else _kind(value)
    return text if len(text) <= 40 else text[:37] + "..."
