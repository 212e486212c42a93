"""The adapter that a training goes on from: of this base, and of the shape that the settings have."""

from __future__ import annotations

import json
from pathlib import Path

from unmask.errors import ModelError
from unmask.providers.model_file import SHA256
from unmask.training.adapter_file import Arrays, read_adapter
from unmask.training.settings import RLSettings, Settings

RECORD = "training.json"  # beside every adapter that was trained here
A_MODULE = "blk.0.attn_q.weight.lora_a"


def start_weights(name: str, path: Path, settings: Settings | RLSettings) -> Arrays:
    """Its weights.

    Raises:
        ModelError: trained on another base, or of another rank or alpha.
    """
    if (of := _base_of(path)) not in (None, SHA256):
        raise ModelError(
            f"{name} was trained on another base model ({str(of)[:12]}…, here {SHA256[:12]}…)",
            where=str(path.parent / RECORD),
            hint="start from an adapter of this base",
        )
    weights, alpha = read_adapter(path)
    rank = weights[A_MODULE].shape[0] if A_MODULE in weights else None
    if (rank, alpha) != (settings.rank, settings.alpha):
        raise ModelError(
            f"{name} has rank {rank} and alpha {alpha:g}, the recipe {settings.rank} and {settings.alpha}",
            where=str(path),
            hint=f"training: {{rank: {rank}, alpha: {alpha:g}}}",
        )
    return weights


def _base_of(adapter: Path) -> str | None:
    """The base that an adapter's own record names; None where there is no record."""
    try:
        return json.loads((adapter.parent / RECORD).read_text(encoding="utf-8")).get("base_sha256")  # type: ignore[no-any-return]
    except (OSError, ValueError, AttributeError):
        return None
