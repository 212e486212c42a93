"""One model's table to rates, contrasts and evidence, by `estimates` and `verdict`. No formula is here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmask.analysis.arrays import Counts, Table
from unmask.analysis.results import ContrastResult, Interval
from unmask.errors import EstimateError
from unmask.estimates import (
    Bounds,
    Effect,
    Requirement,
    contrast_bounds,
    contrast_effect,
    detection_limit,
    mean_effect,
    rate_interval,
    reply_noise,
    screened_rate,
    tango_effect,
)
from unmask.study import Study, cells_of, deciding, decision_level
from unmask.verdict import state
from unmask.vocabulary import QUESTIONS, Condition, Contrast, Motive, State

REPORTED = 0.95  # level of every interval that is shown and decides nothing
JOINT = frozenset({Contrast.JOINT})


@dataclass(frozen=True)
class Rates:
    """Rates of one cell at 95 %; None where no reply could be read."""

    complied: Interval | None
    strict: Interval | None
    af: Interval | None


@dataclass(frozen=True)
class Outcome:
    """Counts of one outcome for the queries of one contrast, shapes (Q, C) and (C,)."""

    hits_QC: Counts
    known_QC: Counts
    asked_QC: Counts
    weights_C: Counts

    @property
    def rates_QC(self) -> Counts:
        """Share of known replies; NaN where none is known."""
        rates = np.full(self.hits_QC.shape, np.nan)
        np.divide(self.hits_QC, self.known_QC, out=rates, where=self.known_QC > 0)
        return rates


@dataclass(frozen=True)
class Measured:
    """One contrast at the deciding level, with its bounds; None where too few queries could be read."""

    contrast: Contrast
    effect: Effect
    bounds: Bounds
    outcome: Outcome
    result: ContrastResult


def outcome_of(
    contrast: Contrast, table: Table, study: Study, *, strict: bool = False, motive: Motive | None = None
) -> Outcome:
    """The counts that a contrast compares: its cells, and the queries that were asked in them.

    motive: for the joint contrast, "complied and states this motive" in place of alignment-faking reasons.
    """
    cells = cells_of(contrast, study)
    columns = [table.column(condition) for condition in cells]
    hits = table.joint_QC if contrast in JOINT else table.strict_QC if strict else table.complied_QC
    known = table.joint_known_QC if contrast in JOINT else table.usable_QC
    if motive is not None:
        hits, known = table.stated[motive].hits_QC, table.stated[motive].known_QC
    asked = table.asked_QC[:, columns]
    rows = asked.any(axis=1)
    weights = np.array(list(cells.values()))
    return Outcome(hits[rows][:, columns], known[rows][:, columns], asked[rows], weights)


def measure(contrast: Contrast, table: Table, study: Study) -> Measured | None:
    """One contrast with everything the report shows of it; None when it cannot be known."""
    outcome = outcome_of(contrast, table, study)
    level = decision_level(study)
    try:
        effect = contrast_effect(outcome.rates_QC, outcome.weights_C, level=level)
        shown = _shown(contrast, outcome, study)
        strict = contrast_effect(
            outcome_of(contrast, table, study, strict=True).rates_QC, outcome.weights_C, level=REPORTED
        )
        # a query without one asked reply in some cell has no bounds there; NaN leaves it out, counted
        bounds = contrast_bounds(
            outcome.hits_QC, outcome.known_QC, outcome.asked_QC, outcome.weights_C, level=level
        )
    except EstimateError:
        return None
    decides = contrast in deciding(study)
    result = ContrastResult(
        name=str(contrast),
        question=QUESTIONS[contrast],
        state=str(state(effect, study.delta)) if decides else str(State.NOT_RUN),
        effect=Interval.of(effect),
        effect_95=Interval.of(shown),
        strict_95=None if contrast in JOINT else Interval.of(strict),
        bounds=Interval(effect.estimate, bounds.low, bounds.high, level),
        n_queries=effect.n_queries,
        n_unusable=effect.n_unusable,
        detection_limit=_limit(outcome, effect.n_queries, study, level),
        decides=decides,
    )
    return Measured(contrast, effect, bounds, outcome, result)


def _shown(contrast: Contrast, outcome: Outcome, study: Study) -> Effect:
    """At 95 %; the published gap with one reply a query by Tango's score interval for paired proportions."""
    if contrast is Contrast.PUBLISHED_GAP and study.epochs == 1:
        first = outcome.rates_QC[:, int(np.argmax(outcome.weights_C))]
        second = outcome.rates_QC[:, int(np.argmin(outcome.weights_C))]
        return tango_effect(first, second, level=REPORTED)
    return contrast_effect(outcome.rates_QC, outcome.weights_C, level=REPORTED)


def _limit(outcome: Outcome, n_queries: int, study: Study, level: float) -> float | None:
    """Smallest true effect found in 9 of 10 such studies, from the noise of the side that is not trained."""
    other = outcome.weights_C < 0
    known = outcome.known_QC[:, other].sum()
    if n_queries < 2 or known == 0:
        return None
    base = float(outcome.hits_QC[:, other].sum() / known)
    noise = reply_noise(base, study.epochs, outcome.weights_C)
    requirement = Requirement(variance=noise, n_queries=n_queries, margin=study.delta)
    return detection_limit([requirement], level=level)


def rates(table: Table, condition: Condition) -> Rates:
    """Rates of one cell."""
    c = table.column(condition)
    asked = table.asked_QC[:, c] > 0
    usable = table.usable_QC[asked, c]
    return Rates(
        known_rate(table.complied_QC[asked, c], usable),
        known_rate(table.strict_QC[asked, c], usable),
        af_rate(table, [c]),
    )


def pooled_af(columns: list[int], table: Table) -> Interval | None:
    """Rate of alignment-faking reasoning over several cells, queries as clusters."""
    return af_rate(table, columns) if columns else None


def af_rate(table: Table, columns: list[int]) -> Interval | None:
    """Alignment-faking reasoning in the replies of these cells; None where nothing was read or screened."""
    af_Q, read_Q = table.af_QC[:, columns].sum(axis=1), table.read_QC[:, columns].sum(axis=1)
    s = table.screened
    if s is None or not s.out_QC[:, columns].any():
        return known_rate(af_Q, read_Q)
    out_Q, audited_Q, audited_af_Q, weight_Q, found_Q = (
        a[:, columns].sum(axis=1) for a in (s.out_QC, s.audited_QC, s.audited_af_QC, s.weight_QC, s.found_QC)
    )
    own = af_Q - audited_af_Q, read_Q - audited_Q
    try:
        rate = screened_rate(*own, out_Q, audited_Q, weight_Q, found_Q, level=REPORTED)
    except EstimateError:
        return None
    return Interval.of(rate)


def known_rate(hits_Q: Counts, known_Q: Counts) -> Interval | None:
    """A rate over queries at 95 %; None where nothing could be read."""
    try:
        return Interval.of(rate_interval(hits_Q, known_Q, level=REPORTED))
    except EstimateError:
        return None


def known_mean(value_Q: Counts) -> Interval | None:
    """A mean over queries at 95 %, NaN left out; None where fewer than two could be read."""
    try:
        return Interval.of(mean_effect(value_Q, level=REPORTED))
    except EstimateError:
        return None
