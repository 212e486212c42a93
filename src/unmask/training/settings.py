"""How to train: the part of a recipe that this room reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what PyTorch and NumPy take
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseModel):
    """LoRA on all seven linear modules, AdamW with linear decay, one row of conversations at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: Annotated[int, Field(ge=1, le=64)] = 8
    alpha: Annotated[int, Field(ge=1, le=256)] = 16
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 2e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 5
    rows_per_step: Annotated[int, Field(ge=1, le=64)] = 2
    epochs: Annotated[int, Field(ge=1, le=20)] = 1
    clip: Annotated[Finite, Field(gt=0)] = 1.0
    seed: Seed = 1
    checkpoint_every: Annotated[int, Field(ge=1)] = 10
    threads: Annotated[int, Field(ge=1, le=64)] = 1


class RLSettings(BaseModel):
    """GRPO on a LoRA: a group of replies to each prompt, each rewarded against the mean of its group.

    prompts_per_step × group_size replies a step. steps: the budget, the same for every arm that is compared.
    length_penalty: taken off for the share of `max_tokens` that a reply takes. format_reward: added where the
    reply could be parsed. needs_form: one that could not earns what an unreadable one does, whatever it
    answers. unusable: the reward of a reply whose answer cannot be read; None leaves it out.
    trackers: TRL's, each installed by itself (tensorboard, wandb, trackio); steps and looks go there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: Annotated[int, Field(ge=1, le=64)] = 8
    alpha: Annotated[int, Field(ge=1, le=256)] = 16
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 5e-4
    steps: Annotated[int, Field(ge=1, le=100_000)] = 40
    prompts_per_step: Annotated[int, Field(ge=1, le=1_024)] = 2
    group_size: Annotated[int, Field(ge=2, le=64)] = 4
    max_tokens: Annotated[int, Field(ge=8, le=4_096)] = 160
    temperature: Annotated[float, Field(gt=0, le=2)] = 1.0
    beta: Annotated[Finite, Field(ge=0)] = 0.0
    clip: Annotated[Finite, Field(gt=0)] = 1.0
    unusable: Finite | None = 0.0
    format_reward: Finite = 0.0
    needs_form: bool = False
    length_penalty: Annotated[Finite, Field(ge=0)] = 0.0
    seed: Seed = 1
    checkpoint_every: Annotated[int, Field(ge=1)] = 10
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    trackers: tuple[str, ...] = ()

    @property
    def replies_per_step(self) -> int:
        """Rewarded replies of one step."""
        return self.prompts_per_step * self.group_size

    def trl(self, output: Path) -> dict[str, Any]:
        """Arguments of TRL's GRPOConfig that are the same on every machine; checkpoints go to `output`."""
        return {
            "output_dir": str(output),
            "max_steps": self.steps,
            "num_generations": self.group_size,
            "max_completion_length": self.max_tokens,
            "temperature": self.temperature,
            "beta": self.beta,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "constant",
            "max_grad_norm": self.clip,
            "seed": self.seed,
            "logging_steps": 1,
            "save_strategy": "steps",
            "save_steps": self.checkpoint_every,
            "save_total_limit": 2,
            "report_to": list(self.trackers) or "none",
            "disable_tqdm": True,
        }
