"""Where a training stands, on disk: whole or not there. A killed training goes on from its last one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from unmask.files import write_atomic

FILE = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any], torch: Any) -> Path:
    """Write the state of a training; a kill in the middle leaves the one before."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return write_atomic(folder / FILE, buffer.getvalue())


def load(folder: Path, torch: Any, *, of: str) -> dict[str, Any] | None:
    """The last state of the training with this fingerprint; None when there is none, or it is of another."""
    path = folder / FILE
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state if state.get("of") == of else None
