"""Which tokens of a trajectory carry loss when it is trained on, under one model's tokenizer and chat template.

The tokenizer is loaded with the first trajectory that is asked for, so that a viewer starts without it.

>>> Tokens("smollm2-135m-instruct", dialect="command").of(document)["rows"][0]["trained"]
57
"""

import threading
from collections.abc import Mapping
from typing import Any

from agenttuning import dialects
from agenttuning.atif import from_atif
from agenttuning.errors import BadInput, MissingExtra, UserError
from agenttuning.training.shown import Shown


class Tokens:
    """`dialect` is how trajectories are written that name none, as an expert's do not."""

    def __init__(self, model: str, dialect: str):
        self.model, self.dialect = model, dialect
        self._lock = threading.Lock()
        self._tokenizer: Any = None

    def of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """`model`, `dialect`, and `rows` with their numbers of tokens and runs of (text, weight, capability, tokens).

        Raises BadInput where the document is no trajectory of ours, MaskError where its mask cannot be known,
        MissingExtra where tokenizers are not installed.
        """
        trajectory = from_atif(document)
        name = trajectory.dialect or self.dialect
        source = f"agent/{trajectory.task.environment}"
        with self._lock:
            tokenizer = self._load()
            try:
                rows = Shown.of(dialects.get(name).write(trajectory), source, tokenizer)
            except UserError:
                raise
            except (
                TypeError,
                ValueError,
                AttributeError,
                KeyError,
            ) as error:  # of a document that only looks like ours
                raise BadInput(f"cannot be written in the dialect {name}: {error}") from None
        return {
            "model": self.model,
            "dialect": name,
            "rows": [
                {
                    "tokens": len(row.ids),
                    "trained": row.encoded.trained,
                    "runs": [(text, weight, capability, b - a) for weight, capability, text, a, b in row.runs()],
                }
                for row in rows
            ],
        }

    def _load(self) -> Any:
        if self._tokenizer is None:
            from agenttuning.models import load_tokenizer, resolve

            try:
                self._tokenizer = load_tokenizer(resolve(self.model))
            except ModuleNotFoundError as error:
                raise MissingExtra(error.name or "transformers", "train") from None
        return self._tokenizer
