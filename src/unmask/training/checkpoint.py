"""Where a training stands, on disk: whole or not there. A killed training goes on from its last one.

One file of ours for training by examples; for reinforcement the folders that TRL's trainer writes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unmask.errors import TrainingError
from unmask.files import write_atomic

FILE = "checkpoint.pt"
NOT_WRITTEN = ("PytorchStreamWriter", "inline_container", "Error while serializing: I/O error")
STATE = "trainer_state.json"  # written last
PARTS = (  # of a whole checkpoint, in one process, several, FSDP or DeepSpeed: one file of each line
    ("adapter_model.safetensors", "pytorch_model_fsdp*"),
    ("optimizer.pt", "optimizer.bin", "optimizer_*", "global_step*"),
    ("rng_state*.pth",),
)


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


def last_whole(folder: Path, *, before: int) -> str | None:
    """The newest checkpoint that was written to its end; what a kill left half written is passed over.

    It is written anew when the training comes to that step again. Nothing is removed: several processes ask.
    That of step `before`, the last, is passed over too: TRL takes a step before it looks whether to stop.
    """
    found = {int(path.name.rpartition("-")[2]): path for path in folder.glob("checkpoint-*")}
    return next(
        (str(found[n]) for n in sorted(found, reverse=True) if n < before and _is_whole(found[n])), None
    )


def history(folder: Path, *, before: int) -> list[dict[str, Any]]:
    """What TRL logged up to the newest whole checkpoint; nothing where there is none."""
    last = last_whole(folder, before=before)
    if last is None:
        return []
    logs: list[dict[str, Any]] = json.loads((Path(last) / STATE).read_text(encoding="utf-8"))["log_history"]
    return logs


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / STATE).read_text(encoding="utf-8"))["global_step"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all(any(any(checkpoint.glob(name)) for name in part) for part in PARTS)


@contextmanager
def room_to_write(folder: Path) -> Iterator[None]:
    """A disk that is full, as PyTorch and safetensors tell it.

    Raises:
        TrainingError: in place of their own words for it.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, SafetensorError) as e:
        if not any(word in str(e) for word in NOT_WRITTEN):
            raise
        raise TrainingError(
            "a checkpoint could not be written", where=str(folder), hint="make room; the same command goes on"
        ) from e
