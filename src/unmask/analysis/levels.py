"""Crossed factors: the contrasts at each combination of levels, beside the one that the verdict rests on."""

from __future__ import annotations

import polars as pl

from unmask.analysis.arrays import Table, tabulate
from unmask.analysis.figures import measure, pooled_af
from unmask.analysis.results import LevelResult
from unmask.study import Study, base_of, conditions_of, slices
from unmask.study.factors import DEFAULT
from unmask.study.spec import DecideOn
from unmask.vocabulary import Arm, Role


def deciding_study(study: Study) -> Study:
    """The design that estimates and verdict read: the base levels, or all of them averaged."""
    return study if study.decide_on is DecideOn.AVERAGE else base_of(study)


def by_level(replies: pl.DataFrame, chosen: pl.DataFrame, study: Study) -> list[LevelResult]:
    """Each combination of crossed levels, the base first, or the one variation asked; else nothing."""
    varied = [name for name in study.variations if name != DEFAULT]
    alone = {"variation": varied[0]} if varied else {}
    if not study.crossed and not alone:
        return []
    found = []
    for i, part in enumerate(slices(study)):
        table = tabulate(replies, chosen, conditions_of(part.study))
        measured = [m for c in part.study.contrasts if (m := measure(c, table, part.study)) is not None]
        decides = study.decide_on is DecideOn.AVERAGE or i == 0
        contrasts = [m.result for m in measured]
        found.append(
            LevelResult(dict(part.at) or alone, i == 0, decides, contrasts, pooled_af(_trained(table), table))
        )
    return found


def _trained(table: Table) -> list[int]:
    """Columns in which the story says that the chat trains the model."""
    return [table.column(c) for c in table.conditions if c.role is Role.TRAINED and c.arm is Arm.HARMFUL]


def rests_on(study: Study) -> list[str]:
    """What the verdict rests on where factors are crossed, to be known before any figure."""
    if not study.crossed:
        return []
    parts = slices(study)
    if study.decide_on is DecideOn.AVERAGE:
        return [f"The verdict rests on the mean over all {len(parts)} combinations of crossed levels."]
    return [
        f"The verdict rests on the first of {len(parts)} combinations of crossed levels ({parts[0].words}). "
        "The others stand beside it, with intervals that are not corrected for their number."
    ]
