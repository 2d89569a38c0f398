"""A model made ready for training: its adapters, its precision, its attention, and the start model beside it.

Weights may be in shards; so whoever computes with the model does it inside `Network.run`, where they are whole.

>>> network = load_network(folder, config, mesh=None)
>>> start = start_model(network, folder, config, mesh=None)
>>> pack_loss(network.net, pack, start=start(pack), kind="both")
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agenttuning import models
from agenttuning.errors import MissingExtra
from agenttuning.training.attention import use_row_attention
from agenttuning.training.compute import checkpoint_layers, compile_layers
from agenttuning.training.config import TrainConfig
from agenttuning.training.distributed import rank, together
from agenttuning.training.head import Predictions, predictions
from agenttuning.training.pack import Pack
from agenttuning.training.sharding import fill, shard

Start = Callable[[Pack], Predictions]


@dataclass(frozen=True)
class Network:
    """`net` is the model as transformers and PEFT know it; `root` gathers its weights where they are in shards."""

    net: Any
    root: Any | None = None

    def run(self, compute: Callable[[], Any]) -> Any:
        """What `compute` returns."""
        return compute() if self.root is None else self.root(compute)

    def trained(self) -> dict[str, Any]:
        """The parameters that training changes, by name."""
        return {name: p for name, p in self.net.named_parameters() if p.requires_grad}


def load_network(folder: Path, config: TrainConfig, mesh: Any | None) -> Network:
    """The model in `folder`, whole or sharded over the mesh, with what `config` says is trained."""
    if mesh is None:
        return whole_network(models.load_model(folder, dtype=_stored(config)), config)
    import torch

    with together(), torch.random.fork_rng(devices=[]):  # the adapters' first weights are drawn as by one process
        net = _in_precision(_with_adapters(models.empty_model(folder, dtype=_stored(config)), config), config)
    with together():
        whole = models.load_model(folder, device="cpu", dtype=_stored(config)) if rank() == 0 else None
        full = whole if whole is None else _with_adapters(whole, config)
    _by_choice(net, config)
    root = shard(net, mesh, config.precision)
    fill(net, full)
    return Network(net, root)


def whole_network(net: Any, config: TrainConfig) -> Network:
    """A model that is loaded, with what `config` says is trained."""
    return Network(_by_choice(_in_precision(_with_adapters(net, config), config), config))


def start_model(network: Network, folder: Path, config: TrainConfig, mesh: Any | None) -> Start | None:
    """The start model's predictions for a pack: the net without its adapter, or a frozen copy beside it."""
    if config.general_loss == "text":
        return None
    if config.method == "lora":
        return _without_adapters(network)
    import torch

    sharded = mesh is not None
    load: Callable[..., Any] = models.empty_model if sharded else models.load_model
    frozen = load(folder, dtype=config.precision).eval().requires_grad_(False)
    use_row_attention(frozen)
    beside = Network(frozen, shard(frozen, mesh, config.precision) if sharded else None)
    if sharded:
        with together():
            full = models.load_model(folder, device="cpu", dtype=config.precision) if rank() == 0 else None
        fill(frozen, full)

    def start(pack: Pack) -> Any:
        with torch.no_grad():
            return beside.run(lambda: predictions(frozen, pack))

    return start


def native_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capability = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("amx"))


def _with_adapters(net: Any, config: TrainConfig) -> Any:
    net.train()
    use_row_attention(net)
    if config.method == "full":
        return net
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError:
        raise MissingExtra("peft", "train") from None
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,  # shared prefixes are exact only without dropout
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(net, lora)


def _stored(config: TrainConfig) -> str:
    """The number format to load weights in. Trained ones are float32; frozen ones bfloat16 on a GPU that computes in
    it. A CPU keeps those that are not multiplied, embeddings and norms, in float32: exacter, and as fast."""
    import torch

    frozen = config.method == "lora" and config.precision == "bfloat16"
    return "bfloat16" if frozen and torch.cuda.is_available() else "float32"


def _by_choice(net: Any, config: TrainConfig) -> Any:
    """What trades memory and time; neither changes the loss."""
    if config.recompute_layers:
        checkpoint_layers(net, config.recompute_layers)
    if config.compile_layers:
        compile_layers(net)
    return net


def _in_precision(net: Any, config: TrainConfig) -> Any:
    """Trained weights in float32; the frozen ones that are multiplied in the precision of the products."""
    if config.method == "full":
        return net.float()
    if config.precision == "bfloat16":
        import torch
        from peft.tuners.tuners_utils import BaseTunerLayer

        # Autocast would make this copy of the frozen weights at every use, and undo PEFT's casts of every input.
        layers: list[Any] = [module for module in net.modules() if isinstance(module, BaseTunerLayer)]
        for layer in layers:
            layer.cast_input_dtype_enabled = False
            base = layer.get_base_layer()
            base.weight.data = base.weight.data.to(torch.bfloat16)
    return net


def _without_adapters(network: Network) -> Start:
    import torch

    net, trained = network.net, list(network.trained().values())

    def start(pack: Pack) -> Any:
        with torch.no_grad(), net.disable_adapter():
            for parameter in trained:  # PEFT has frozen them, and FSDP would take that for their nature
                parameter.requires_grad_(True)
            return network.run(lambda: predictions(net, pack))

    return start
