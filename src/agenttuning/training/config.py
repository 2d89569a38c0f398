"""How a corpus becomes a model: the settings of training.

>>> TrainConfig(method="full", learning_rate=5e-5, epochs=2)
"""

from dataclasses import dataclass
from typing import Literal

from agenttuning.errors import BadInput
from agenttuning.settings import check_above_zero, check_at_least
from agenttuning.tracking import check_trackers


@dataclass(frozen=True)
class TrainConfig:
    """How the corpus becomes a model. The optimiser's constants are AgentTuning's (arXiv 2310.12823 §2.3)."""

    method: Literal["lora", "full"] = "lora"
    """lora or full."""
    learning_rate: float = 2e-3
    """The peak; about 2e-3 for LoRA on a small model, 5e-5 for full training at 7B."""
    epochs: float = 1.0
    """Passes over the corpus."""
    max_steps: int | None = None
    """Stop after so many steps even if the epochs are not over."""
    batch_rows: int = 8
    """Rows of the corpus in one optimiser step, on all ranks together."""
    max_length: int = 2048
    """Tokens of one row, never more than the positions of the model; a longer row ends after its last whole turn that
    fits. A row is computed on one rank: its activations must fit one device (there is no context parallelism)."""
    pack_length: int = 1024
    """Tokens computed at once: bounds memory, changes nothing else."""
    recompute_layers: int = 0
    """Activation checkpointing: the first of every so many decoder layers keeps its input alone and is computed again
    in the backward pass; 1: all layers, 0: none. Less memory for up to a third more time, and the same loss."""
    lora_rank: int = 16
    """Rank of the LoRA matrices."""
    lora_alpha: int = 32
    """Scale of the LoRA update, divided by the rank."""
    warmup: float = 0.02
    """Share of the steps in which the learning rate rises; then it falls as a cosine to a tenth."""
    weight_decay: float = 0.1
    """AdamW's, on matrices of full training and on LoRA matrices."""
    clip: float = 1.0
    """Norm to which gradients are clipped."""
    checkpoint_every: int = 20
    """Steps between checkpoints."""
    shard: Literal["all", "node"] = "all"
    """With several ranks: weights, gradients and optimiser state in shards over `all` of them, or over those of a
    `node`, each node with a copy: more memory, less traffic between nodes."""
    general_loss: Literal["text", "start_model", "both"] = "both"
    """What general rows are held to: their `text` (cross-entropy); on every token of it the whole distribution of the
    `start_model` (KL divergence), which keeps far more of what the model knew for the same rows; or the mean of
    `both`, for the first alone makes the model surer of such text than it was, and the second less sure."""
    dft: bool = False
    """Dynamic fine-tuning (arXiv 2508.05629): a token's cross-entropy is multiplied by the probability that the model
    gives it, so that tokens it finds absurd pull less."""
    neftune: float = 0.0
    """Noise on the embeddings while training (NEFTune's alpha, arXiv 2310.05914; 5 is usual, 0 none). What rows of a
    pack share has the same noise for all of them."""
    chat_template: str | None = None
    """Another chat template than the model's: a Jinja file, or a shipped one: agentlm, agent-flan, chatml, internlm2,
    llama-2-chat, vicuna. It is saved with the tuned model."""
    compile_layers: bool = False
    """Compile the layers: minutes at the start, faster steps on a GPU."""
    tracking: tuple[str, ...] = ()
    """Trackers that get the metrics besides metrics.jsonl: tensorboard, trackio, wandb, mlflow."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the forward pass; LoRA's weights and the optimiser stay float32. auto: bfloat16 where the
    processor or GPU has units for it (about twice as fast), else float32."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "max_steps", "batch_rows", "max_length", "pack_length", "checkpoint_every")
        check_at_least(self, 1, "lora_rank", "lora_alpha")
        check_at_least(self, 0, "weight_decay", "neftune", "recompute_layers")
        check_above_zero(self, "learning_rate", "epochs", "clip")
        if not 0 <= self.warmup <= 1:
            raise BadInput(f"warmup is a share of the steps between 0 and 1, found {self.warmup}")
        check_trackers(self.tracking)
