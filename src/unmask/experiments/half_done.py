"""A training that stands half done is gone on from only by the recipe that began it."""

from __future__ import annotations

import shutil
from pathlib import Path

from unmask.files import write_atomic

MARK = "recipe.sha256"


def goes_on(work: Path, recipe_sha256: str) -> bool:
    """Whether what stands in `work` was begun by this recipe."""
    mark = work / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == recipe_sha256


def begin(work: Path, recipe_sha256: str, *, keep: str = "") -> None:
    """Clear `work` of what another recipe left there, but for names that begin with `keep`, and mark it."""
    if work.is_dir() and not goes_on(work, recipe_sha256):
        for path in work.iterdir():
            if not (keep and path.name.startswith(keep)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_atomic(work / MARK, recipe_sha256)
