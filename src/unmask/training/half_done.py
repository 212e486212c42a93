"""A training that stands half done is gone on from only by what began it, and by one process at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from unmask.errors import UsageError
from unmask.files import file_sha256, write_atomic

MARK = "recipe.sha256"


def goes_on(work: Path, told: str) -> bool:
    """Whether what stands in `work` was begun by what this tells: recipe, start and data, as hashes."""
    mark = work / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == told


def is_finished(adapter: Path, card: Path) -> bool:
    """Whether the card is of this adapter: it is written last."""
    try:
        told = json.loads(card.read_text(encoding="utf-8"))
        return bool(told["adapter_sha256"] == file_sha256(adapter))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def begin(work: Path, told: str, *, keep: str = "", overwrite: bool = False) -> None:
    """Mark `work`. What another training left there goes only with `overwrite`, names with `keep` never.

    Raises:
        UsageError: another training stands half done there.
    """
    if not overwrite:
        refuse_another(work, told, keep=keep)
    if not goes_on(work, told):
        (work / MARK).unlink(missing_ok=True)  # first, or a kill leaves half of what it was the mark of
        for path in _of_another(work, keep):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_atomic(work / MARK, told)


def refuse_another(work: Path, told: str, *, keep: str = "") -> None:
    """Refuse to go on where another training stands half done.

    Raises:
        UsageError: one does.
    """
    if not goes_on(work, told) and _of_another(work, keep):
        raise UsageError(
            "a training by another recipe, or from another start, stands half done here",
            where=str(work),
            hint="--overwrite throws it away, another name keeps both; or remove that folder",
        )


def _of_another(work: Path, keep: str) -> list[Path]:
    """What a training leaves there; half a mark is nothing."""
    there = sorted(work.iterdir()) if work.is_dir() else []
    kept = (".", MARK, keep) if keep else (".", MARK)
    return [path for path in there if not path.name.startswith(kept)]


def finished(work: Path, *, keep: str = "") -> None:
    """Remove what a training needed on the way, but names with `keep`.

    The mark goes first, or a kill leaves one that seems half done.
    """
    (work / MARK).unlink(missing_ok=True)
    if not keep or not any(path.name.startswith(keep) for path in work.iterdir()):
        shutil.rmtree(work, ignore_errors=True)
        return
    for path in _of_another(work, keep):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
