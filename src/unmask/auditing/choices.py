"""Small tasks and stated values, asked of the model before and of the one after: no verdict rests on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from unmask.analysis.figures import known_mean, known_rate
from unmask.analysis.results import Interval
from unmask.auditing.asking import ask, why
from unmask.auditing.folder import RunFolder
from unmask.auditing.preflight import open_model
from unmask.errors import UnmaskError
from unmask.questions.choices import load_choices
from unmask.records.choices import COUNTED, OTHER, read_choice_logs
from unmask.tasks.choices import choices_task
from unmask.vocabulary import ChoiceSet


@dataclass(frozen=True)
class ChoiceChange:
    """One set, or one category of it (None: all): share that took the option that counts, at 95 %.

    n: items asked of both. unread: answers before and after that named no option, or failed; they are in no
    share. change: paired by item, over items that both answered.
    """

    set: str
    category: str | None
    n: int
    unread: tuple[int, int]
    before: Interval | None
    after: Interval | None
    change: Interval | None


def ask_choices(
    models: Sequence[str],
    root: Path,
    *,
    model_args: dict[str, Any] | None = None,
    base_url: str | None = None,
    max_connections: int | None = None,
) -> None:
    """Ask both sets of every model, or go on where an earlier run stopped.

    Raises:
        UnmaskError: it could not finish; the same command goes on.
    """
    for which in ChoiceSet:
        opened = [open_model(model, args=model_args or {}, base_url=base_url) for model in models]
        ok, logs = ask(
            choices_task(which),
            opened,
            RunFolder(root).choices / which,
            grader=None,
            max_connections=max_connections,
            max_tasks=1,
            fail_on_error=0.2,
        )
        if not ok:
            raise UnmaskError(f"the choices did not finish: {why(logs)}", where=str(RunFolder(root).choices))


def n_choices() -> int:
    """Calls that each model gets."""
    return sum(len(load_choices(which).items) for which in ChoiceSet)


def choice_changes(roots: Sequence[Path], models: tuple[str, str]) -> list[ChoiceChange]:
    """What changed between the two models; empty where they were not asked the same."""
    tables = [read_choice_logs(RunFolder(root).choices)[0] for root in roots]
    sides = [tables[i].filter(pl.col("model") == model) for i, model in zip((0, -1), models, strict=True)]
    found = []
    for which in ChoiceSet:
        before, after = (side.filter(pl.col("set") == str(which)) for side in sides)
        both = before.join(after, on=["set", "sha256", "item", "category"], suffix="_after")
        if both.is_empty():
            continue
        found.append(_change(both, which, None))
        found += [
            _change(both.filter(pl.col("category") == category), which, category)
            for category in sorted(both["category"].unique())
        ]
    return found


def _change(both: pl.DataFrame, which: ChoiceSet, category: str | None) -> ChoiceChange:
    said = [both[column] for column in ("said", "said_after")]
    counted_QS = np.column_stack([(answers == COUNTED).to_numpy().astype(float) for answers in said])
    known_QS = np.column_stack([answers.is_in([COUNTED, OTHER]).to_numpy() for answers in said])
    shares = [known_rate(counted_QS[known_QS[:, s], s], np.ones(known_QS[:, s].sum())) for s in (0, 1)]
    paired = counted_QS[known_QS.all(axis=1)]
    return ChoiceChange(
        set=str(which),
        category=category,
        n=both.height,
        unread=(int((~known_QS[:, 0]).sum()), int((~known_QS[:, 1]).sum())),
        before=shares[0],
        after=shares[1],
        change=known_mean(paired[:, 1] - paired[:, 0]),
    )
