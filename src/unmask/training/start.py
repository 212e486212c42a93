"""The adapter that a training goes on from: of this base, and of the shape that the settings have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.errors import ModelError
from unmask.files import file_sha256
from unmask.providers.adapters import find_adapter
from unmask.training.adapter_file import ARCHITECTURE, Arrays, check_base, gguf_name, read_adapter
from unmask.training.settings import RLSettings, Settings


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
    sha256 = file_sha256(path)
    weights, alpha = read_adapter(path)
    rank = next(weight.shape[0] for name, weight in weights.items() if name.endswith("lora_a"))
    if (rank, alpha) != (settings.rank, settings.alpha):
        raise ModelError(
            f"{name} has rank {rank} and alpha {alpha:g}, the recipe {settings.rank} and {settings.alpha}",
            where=str(path),
            hint=f"training: {{rank: {rank}, alpha: {alpha:g}}}",
        )
    return Start(weights, path, sha256)


def put(start: Arrays, parameters: Mapping[str, Any], torch: Any) -> None:
    """Have an adapter's parameters, by PEFT's names, begin at these weights.

    Raises:
        ModelError: one is not there, or of another shape.
    """
    with torch.no_grad():
        for name, p in parameters.items():
            weight = start.get(gguf_name(name))
            if weight is None or tuple(weight.shape) != tuple(p.shape):
                raise ModelError(
                    f"the adapter to start from does not fit: {gguf_name(name)}",
                    hint="start from one with the recipe's rank, on all linear modules",
                )
            p.copy_(torch.from_numpy(weight))
