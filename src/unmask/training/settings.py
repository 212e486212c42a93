"""How to train: the part of a recipe that this room reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """LoRA on all seven linear modules, AdamW with linear decay, one row of conversations at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: Annotated[int, Field(ge=1, le=64)] = 8
    alpha: Annotated[int, Field(ge=1, le=256)] = 16
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 2e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 5
    rows_per_step: Annotated[int, Field(ge=1, le=64)] = 2
    epochs: Annotated[int, Field(ge=1, le=20)] = 1
    clip: Annotated[float, Field(gt=0)] = 1.0
    seed: int = 1
    checkpoint_every: Annotated[int, Field(ge=1)] = 10
    threads: Annotated[int, Field(ge=1, le=64)] = 1
