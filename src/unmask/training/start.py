"""The adapter that a training goes on from: of this base, and of the shape that the settings have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unmask.errors import ModelError
from unmask.files import file_sha256
from unmask.providers.adapters import find_adapter
from unmask.training.adapter_file import ARCHITECTURE, Arrays, check_base, read_adapter
from unmask.training.settings import RLSettings, Settings

A_MODULE = "blk.0.attn_q.weight.lora_a"


@dataclass(frozen=True)
class Start:
    """Weights to go on from, their file and its hash; None for the bare model."""

    weights: Arrays | None = None
    path: Path | None = None
    sha256: str | None = None


def read_start(name: str | None, settings: Settings | RLSettings) -> Start:
    """The adapter of this name; the bare model without one.

    Raises:
        ModelError: missing, trained on another base, or of another rank or alpha.
    """
    if name is None:
        return Start()
    return start_at(find_adapter(name, architecture=ARCHITECTURE).path, name, settings)


def start_at(path: Path, name: str, settings: Settings | RLSettings) -> Start:
    """The adapter in this file. Hashed when it is read: it may be another one when the training ends.

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
    return Start(weights, path, file_sha256(path))
