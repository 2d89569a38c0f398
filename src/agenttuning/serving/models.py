"""The models behind one server: a base and its adapters by name, and the engine for what is asked of them.

Replies of the base are OpenVINO's where it reads the model, and the transformers loop's where it does not. What
OpenVINO cannot give, log-probabilities and adapters, is the loop's in any case: it is loaded when first asked for.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agenttuning.chat_template import ChatTemplate
from agenttuning.engines import on_transformers, prefers_openvino
from agenttuning.engines.batching import BatchingEngine
from agenttuning.engines.loop import LoopEngine
from agenttuning.errors import BadInput
from agenttuning.files import read_json
from agenttuning.models import resolve
from agenttuning.serving.config import ServeConfig
from agenttuning.serving.problem import Problem


@dataclass(frozen=True, slots=True)
class Served:
    """One name that clients may ask for; `adapter` is None for the base."""

    name: str
    adapter: str | None = None


class Models:
    """Loads the base at once; whatever is wrong with it or an adapter is raised here."""

    def __init__(self, model: str, config: ServeConfig):
        self._folder = resolve(model)
        self._adapters = {name: _adapter(name, folder, self._folder) for name, folder in config.adapters.items()}
        base = served_name(model, config)
        if base in self._adapters:
            raise BadInput(f"adapters.{base}: the base model has that name; choose another, or give it one with --name")
        self.served = {base: Served(base)} | {name: Served(name, name) for name in self._adapters}
        self._template = config.chat_template
        self._loading = threading.Lock()
        self._loop: BatchingEngine | None = None
        if config.engine == "openvino" or (config.engine == "auto" and prefers_openvino(self._folder)):
            from agenttuning.engines.openvino import OpenVinoEngine

            self.main: BatchingEngine = OpenVinoEngine(self._folder, template=config.chat_template)
            if self._adapters:
                self.loop()
        else:
            self.main = self.loop()
        self.tokenizer: Any = self.main.tokenizer
        self.stops = self.main.stops
        self.context = min(self.main.context, config.context or self.main.context)

    def find(self, name: str) -> Served:
        """Raises Problem 404 for a name that is not served."""
        if name not in self.served:
            known = ", ".join(self.served)
            raise Problem(404, f"there is no model {name[:80]!r}; there is: {known}", param="model",
                          code="model_not_found")  # fmt: skip
        return self.served[name]

    @property
    def base(self) -> Served:
        return next(iter(self.served.values()))

    @cached_property
    def shows_tools(self) -> bool:
        return ChatTemplate(self.tokenizer).shows_tools

    def engine(self, served: Served, *, scores: bool) -> BatchingEngine:
        """The engine for this model's replies, with their log-probabilities where `scores`; may take seconds."""
        if served.adapter is None and not scores:
            return self.main
        engine = self.loop()
        if not isinstance(engine, LoopEngine):
            raise Problem(400, "this model's engine gives no log-probabilities", param="logprobs")
        return engine

    def loop(self) -> BatchingEngine:
        with self._loading:
            if self._loop is None:
                self._loop = on_transformers(self._folder, self._adapters, template=self._template)
            return self._loop

    @property
    def alive(self) -> bool:
        return self.main.alive and (self._loop is None or self._loop.alive)

    def close(self) -> None:
        for engine in {self.main, self._loop} - {None}:
            assert engine is not None
            engine.close()


def served_name(model: str, config: ServeConfig) -> str:
    """A folder's name for a path, else the model as it is given."""
    return config.name or (Path(model).resolve().name if Path(model).is_dir() else model)


def _adapter(name: str, folder: str, base: Path) -> Path:
    """Raises BadInput for a folder that is no adapter of `base`."""
    path = Path(folder).expanduser()
    if not (path / "adapter_config.json").is_file():
        raise BadInput(f"adapters.{name}: {folder} has no adapter_config.json; give a LoRA folder")
    config: Mapping[str, Any] = read_json(path / "adapter_config.json")
    known = str(config.get("base_model_name_or_path") or "")
    named = Path(known)
    if known and named.is_dir() and named.resolve() != base.resolve() and named.name != base.name:
        raise BadInput(f"adapters.{name}: {folder} is an adapter of {known}, not of {base}")
    return path
