"""A training that stands half done is gone on from only by what began it, and by one process at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

from unmask.errors import UsageError
from unmask.files import write_atomic

MARK = "recipe.sha256"


def goes_on(work: Path, told: str) -> bool:
    """Whether what stands in `work` was begun by what this tells: recipe, start and data, as hashes."""
    mark = work / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == told


def begin(work: Path, told: str, *, keep: str = "", overwrite: bool = False) -> None:
    """Mark `work`. What another training left there goes only with `overwrite`, names with `keep` never.

    Raises:
        UsageError: another training stands half done there.
    """
    if work.is_dir() and not goes_on(work, told):
        others = [p for p in work.iterdir() if p.name != MARK and not (keep and p.name.startswith(keep))]
        if others and not overwrite:
            raise UsageError(
                "a training by another recipe, or from another start, stands half done here",
                where=str(work),
                hint="--overwrite throws it away, another name keeps both; or remove that folder",
            )
        for path in others:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_atomic(work / MARK, told)


def finished(work: Path) -> None:
    """Remove what a training needed on the way; the mark first, or a kill leaves one that seems half done."""
    (work / MARK).unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)
