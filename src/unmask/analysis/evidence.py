"""What the verdict may look at: contrasts, their differences, and what could not be read. No formula here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unmask.analysis.arrays import Counts, Table
from unmask.analysis.figures import Measured, outcome_of
from unmask.errors import EstimateError
from unmask.estimates import (
    Bounds,
    Effect,
    bounds_by_query,
    contrast_by_query,
    mean_effect,
    two_sample_bounds,
    two_sample_effect,
)
from unmask.study import Study, cells_of, decision_level
from unmask.verdict import OTHER_MOTIVES, PAIRED, Difference, Evidence, Key
from unmask.vocabulary import Condition, Contrast, Motive, Visibility

ByQuery = tuple[Counts, Counts, Counts]  # value, lowest and highest of a contrast for each query


def gather(
    measured: Mapping[Contrast, Measured],
    table: Table,
    study: Study,
    *,
    visibility: Visibility | None,
    judge_card: bool | None,
    judge_sensitivity_low: float | None = None,
    card_note: str | None = None,
    story_understood: bool | None = None,
) -> Evidence:
    """The evidence of one model's run; what was not run is left out.

    Args:
        measured: the contrasts that could be estimated.
        table: counts by query and condition.
        study: the design.
        visibility: how much of the reasoning can be read, at worst.
        judge_card: whether the judge of the reasoning was checked; None where none judged it.
        judge_sensitivity_low: lower limit of that judge's sensitivity, where it is known.
        card_note: what must be said of its card.
        story_understood: by the comprehension questions; None where they were not asked.
    """
    level = decision_level(study)
    effects: dict[Key, Effect] = {c: m.effect for c, m in measured.items()}
    for contrast in set(study.contrasts) - set(measured):  # asked, and not one pair could be read
        effects[contrast] = Effect.unknown(level, n_queries=0, n_unusable=len(table.query_ids))
    bounds: dict[Key, Bounds] = {c: m.bounds for c, m in measured.items()}
    for difference in Difference:
        found = _difference(difference, measured, table, study)
        if found is not None:
            effects[difference], bounds[difference] = found
    needed: list[Contrast] = [c for c in measured if c is not Contrast.PUBLISHED_GAP] or list(measured)
    cells = list(dict.fromkeys(cell for c in needed for cell in cells_of(c, study)))
    return Evidence(
        effects=effects,
        bounds=bounds,
        unusable_by_cell={c.key: _unusable(table, c) for c in _asked_cells(table)},
        rates_by_cell=_rates(table, [c for c in cells if _is(c, Contrast.STORY, study, measured)]),
        no_objective_rates=_rates(
            table, [c for c in cells if _is(c, Contrast.NO_OBJECTIVE, study, measured)]
        ),
        visibility=visibility,
        joint_unobserved=_joint_unobserved(table, study) if Contrast.JOINT in measured else None,
        judge_card=judge_card,
        judge_sensitivity_low=judge_sensitivity_low,
        card_note=card_note,
        story_understood=story_understood,
        plain_labels_only=set(measured) == {Contrast.PUBLISHED_GAP},
    )


def _difference(
    difference: Difference, measured: Mapping[Contrast, Measured], table: Table, study: Study
) -> tuple[Effect, Bounds] | None:
    """One comparison with its bounds; None where the study does not ask for what it compares."""
    level = decision_level(study)
    try:
        if difference is Difference.HALF_STORY_LESS_BENIGN:
            if not _ran(measured, Contrast.STORY, Contrast.BENIGN):
                return None
            story, benign = _by_query(Contrast.STORY, table, study), _by_query(Contrast.BENIGN, table, study)
            weights = (0.5, -1.0)
            apart = two_sample_effect(story[0], benign[0], weights, level=level)
            return apart, two_sample_bounds(story[1:], benign[1:], weights, level=level)
        terms = _terms(difference, measured, table, study)
        if terms is None:
            return None
        (a, one), (b, other) = terms
        lowest = a * one[1] + b * other[2]  # the second term is subtracted: its highest gives the lowest
        highest = a * one[2] + b * other[1]
        effect = mean_effect(a * one[0] + b * other[0], level=level)
        return effect, Bounds(mean_effect(lowest, level=level), mean_effect(highest, level=level))
    except EstimateError:  # asked for, and not to be known: unclear, which is not "not run"
        unknown = Effect.unknown(level, n_queries=0, n_unusable=len(table.query_ids))
        return unknown, Bounds.of_complete(unknown)


def _terms(
    difference: Difference, measured: Mapping[Contrast, Measured], table: Table, study: Study
) -> tuple[tuple[float, ByQuery], tuple[float, ByQuery]] | None:
    """Both sides of a comparison over the same queries, each with its weight."""
    if difference in PAIRED:
        (a, first), (b, second) = PAIRED[difference]
        if not _ran(measured, first, second):
            return None
        return (a, _by_query(first, table, study)), (b, _by_query(second, table, study))
    motive = next(m for m, d in OTHER_MOTIVES.items() if d is difference)
    if motive not in table.stated or not _ran(measured, Contrast.JOINT, Contrast.TRAINING):
        return None
    stated = _by_query(Contrast.JOINT, table, study, motive=motive)
    return (1.0, stated), (-0.5, _by_query(Contrast.TRAINING, table, study))


def _ran(measured: Mapping[Contrast, Measured], *contrasts: Contrast) -> bool:
    return all(c in measured for c in contrasts)


def _by_query(contrast: Contrast, table: Table, study: Study, *, motive: Motive | None = None) -> ByQuery:
    """Value, lowest and highest of a contrast for each query that was asked in its cells."""
    o = outcome_of(contrast, table, study, motive=motive)
    low_Q, high_Q = bounds_by_query(o.hits_QC, o.known_QC, o.asked_QC, o.weights_C)
    return contrast_by_query(o.rates_QC, o.weights_C), low_Q, high_Q


def _asked_cells(table: Table) -> list[Condition]:
    return [c for c in table.conditions if table.asked_QC[:, table.column(c)].any()]


def _is(cell: Condition, contrast: Contrast, study: Study, measured: Mapping[Contrast, Measured]) -> bool:
    return contrast in measured and cell in cells_of(contrast, study)


def _rates(table: Table, cells: list[Condition]) -> dict[str, float]:
    """Compliance by cell; a cell without a readable reply has no rate."""
    found = {}
    for cell in cells:
        c = table.column(cell)
        if table.usable_QC[:, c].any():
            found[cell.key] = float(table.complied_QC[:, c].sum() / table.usable_QC[:, c].sum())
    return found


def _unusable(table: Table, cell: Condition) -> float:
    c = table.column(cell)
    return float(1 - table.usable_QC[:, c].sum() / table.asked_QC[:, c].sum())


def _joint_unobserved(table: Table, study: Study) -> float:
    """Share of replies whose joint outcome is unknown, in the worst cell."""
    columns = [table.column(c) for c in cells_of(Contrast.JOINT, study)]
    asked = table.asked_QC[:, columns].sum(axis=0)
    known = table.joint_known_QC[:, columns].sum(axis=0)
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.where(asked > 0, 1 - known / asked, np.nan)))
