"""From a recipe to an adapter file. The same command goes on after a kill; nothing half written stays."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from unmask.errors import UsageError
from unmask.files import file_sha256, held, said_sha256, write_atomic
from unmask.organisms.trained.data import build, data_sha256
from unmask.organisms.trained.recipe import FOLDER, Recipe
from unmask.training.adapter_file import write_adapter
from unmask.training.base import fast_dtype, load_base
from unmask.training.half_done import begin, finished, goes_on, is_finished
from unmask.training.place import ADAPTER, CARD, WORK
from unmask.training.rows import make_rows
from unmask.training.sft import Progress, train
from unmask.training.start import Start, start_at

LIBRARY = FOLDER.parent / "library"


@dataclass(frozen=True)
class Training:
    """What a training was made of and what it cost; kept beside the adapter for its card."""

    recipe: str
    recipe_sha256: str
    data_sha256: str
    base_sha256: str
    adapter_sha256: str
    start_from: str | None
    start_sha256: str | None
    conversations: int
    tokens: int
    learnt_tokens: int
    steps: int
    final_loss: float
    cpu_seconds: float
    date: str
    machine: str


def train_organism(
    recipe: Recipe, *, library: Path = LIBRARY, overwrite: bool = False, tell: Callable[[Progress], None]
) -> Path:
    """Train the organism of a recipe into `library/NAME/adapter.gguf`.

    Args:
        recipe: from `load_recipe`.
        library: where the adapter goes, and where the one to start from is looked for first.
        overwrite: train again although an adapter is there.
        tell: called after each step.
    Raises:
        UsageError: the adapter is there already, another process trains it, or the one to start from is not.
        ModelError: that one is of another base, rank or alpha.
    """
    target = library / recipe.name / ADAPTER
    start = _start(recipe, library)
    work = target.parent / WORK
    told = said_sha256({"recipe": recipe_sha256(recipe), "start": start.sha256})
    with held(target.parent):
        done = is_finished(target, target.parent / CARD) or not goes_on(work, told)
        if target.exists() and not overwrite and done:  # else it was killed before its record was there
            raise UsageError(
                f"{recipe.name} is trained already", where=str(target), hint="--overwrite trains it again"
            )
        begin(work, told, overwrite=overwrite)
        return _trained(recipe, start, target, tell)


def _trained(recipe: Recipe, start: Start, target: Path, tell: Callable[[Progress], None]) -> Path:
    """The adapter and what is said of it; what was needed on the way goes."""
    conversations = build(recipe)
    base = load_base()
    rows = make_rows(conversations, base.tokenizer)
    work = target.parent / WORK
    result = train(base, rows, recipe.training, folder=work, start=start.weights, tell=tell)
    write_adapter(target, result.weights, alpha=recipe.training.alpha, name=recipe.name)
    about = Training(
        recipe=recipe.name,
        recipe_sha256=recipe_sha256(recipe),
        data_sha256=data_sha256(conversations),
        base_sha256=base.sha256,
        adapter_sha256=file_sha256(target),
        start_from=recipe.start_from,
        start_sha256=start.sha256,
        conversations=len(conversations),
        tokens=result.tokens,
        learnt_tokens=result.learnt_tokens,
        steps=len(result.losses),
        final_loss=round(sum(result.losses[-5:]) / len(result.losses[-5:]), 4),
        cpu_seconds=round(result.cpu_seconds, 1),
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(recipe.training.threads),
    )
    write_atomic(target.parent / CARD, json.dumps(asdict(about), indent=1) + "\n")
    finished(work)
    return target


def _machine(threads: int) -> str:
    precision = str(fast_dtype()).removeprefix("torch.")
    return f"{platform.processor() or platform.machine()}, {threads} thread, {precision}"


def recipe_sha256(recipe: Recipe) -> str:
    """Over all that the recipe says, defaults included."""
    return said_sha256(recipe)


def progress_line(name: str, done: Progress) -> str:
    """One line for a log or a terminal."""
    left = time.strftime("%M:%S", time.gmtime(done.seconds_left))
    return f"{name}: step {done.step} of {done.steps}, loss {done.loss:.3f}, {left} left"


def _start(recipe: Recipe, library: Path) -> Start:
    if recipe.start_from is None:
        return Start()
    for folder in (library, LIBRARY):
        if (path := folder / recipe.start_from / ADAPTER).is_file():
            return start_at(path, recipe.start_from, recipe.training)
    raise UsageError(
        f"{recipe.name} goes on from {recipe.start_from}, which is not trained yet",
        hint=f"unmask organism train {recipe.start_from}",
    )
