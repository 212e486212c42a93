"""The model with an adapter's weights added into its own: for measuring in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unmask.training.adapter_file import NAMES, read_adapter
from unmask.training.base import Base, require_training

MODULES = {engine: ours for ours, engine in NAMES.items()}


def wear(base: Base, adapter: Path) -> None:
    """Add the adapter's product of B and A to the weights of `base`, in place.

    Raises:
        ModelError: the file is no adapter of the embedded model.
    """
    _, torch = require_training()
    weights, alpha = read_adapter(adapter)
    for name in [name for name in weights if name.endswith("lora_a")]:
        a, b = torch.from_numpy(weights[name]), torch.from_numpy(weights[f"{name[:-1]}b"])
        linear = _linear(base.model, name)
        added = linear.weight.data.float() + alpha / a.shape[0] * (b @ a)
        linear.weight.data = added.to(linear.weight.dtype)


def _linear(model: Any, name: str) -> Any:
    _, layer, module, _, _ = name.split(".")
    ours = MODULES[module]
    part = "self_attn" if module.startswith("attn") else "mlp"
    return getattr(getattr(model.model.layers[int(layer)], part), ours)
