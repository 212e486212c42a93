"""The adapter that a training goes on from: of this base, and of the shape that the settings have."""

from __future__ import annotations

from pathlib import Path

from unmask.errors import ModelError
from unmask.training.adapter_file import Arrays, check_base, read_adapter
from unmask.training.settings import RLSettings, Settings

A_MODULE = "blk.0.attn_q.weight.lora_a"


def start_weights(name: str, path: Path, settings: Settings | RLSettings) -> Arrays:
    """Its weights.

    Raises:
        ModelError: trained on another base, or of another rank or alpha.
    """
    check_base(path, name)
    weights, alpha = read_adapter(path)
    rank = weights[A_MODULE].shape[0] if A_MODULE in weights else None
    if (rank, alpha) != (settings.rank, settings.alpha):
        raise ModelError(
            f"{name} has rank {rank} and alpha {alpha:g}, the recipe {settings.rank} and {settings.alpha}",
            where=str(path),
            hint=f"training: {{rank: {rank}, alpha: {alpha:g}}}",
        )
    return weights
