"""What unusable replies could have been: the interval recomputed with each of them set against the claim.

Arrays in, `Bounds` out. Counts, not rates: a reply that was asked for and cannot be used is missing, and a
missing reply may have been anything. Axes: `_Q` queries, `_C` cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unmask.errors import EstimateError
from unmask.estimates.effects import Effect, Floats, contrast_by_query, mean_effect, two_sample_effect


@dataclass(frozen=True)
class Bounds:
    """The effect if every missing reply had made it smaller (`low_side`), or larger (`high_side`)."""

    low_side: Effect
    high_side: Effect

    @property
    def low(self) -> float:
        """Lowest limit that any filling of the missing replies is held to."""
        return self.low_side.low

    @property
    def high(self) -> float:
        """Highest limit that any filling of the missing replies is held to."""
        return self.high_side.high

    @classmethod
    def of_complete(cls, effect: Effect) -> Bounds:
        """The bounds of an effect without any missing reply: itself."""
        return cls(effect, effect)


@dataclass(frozen=True)
class Share:
    """Limits of a share that the data cannot pin down; not a confidence interval."""

    low: float
    high: float


def contrast_bounds(
    complied_QC: Floats, usable_QC: Floats, asked_QC: Floats, weights_C: Floats, *, level: float
) -> Bounds:
    """The interval of a contrast, recomputed with all missing replies set low, and set high.

    Args:
        complied_QC: how many usable replies complied (for J: complied with AF reasoning).
        usable_QC: how many replies could be read.
        asked_QC: how many were asked for; a query with 0 in a cell that counts is left out.
        weights_C: what each cell counts.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes differ, complied ≤ usable ≤ asked does not hold, or fewer than two queries.
    """
    low_Q, high_Q = bounds_by_query(complied_QC, usable_QC, asked_QC, weights_C)
    return Bounds(mean_effect(low_Q, level=level), mean_effect(high_Q, level=level))


def widened(effect: Effect, low_Q: Floats, high_Q: Floats) -> Effect:
    """An effect over what could be read, widened to every filling of what could not.

    Args:
        effect: over complete cases.
        low_Q: the lowest value that each query could have had.
        high_Q: the highest.
    """
    low, high = (mean_effect(side_Q, level=effect.level) for side_Q in (low_Q, high_Q))
    return replace(effect, low=min(low.low, effect.low), high=max(high.high, effect.high))


def bounds_by_query(
    complied_QC: Floats, usable_QC: Floats, asked_QC: Floats, weights_C: Floats
) -> tuple[Floats, Floats]:
    """Lowest and highest contrast that each query could have had."""
    if not complied_QC.shape == usable_QC.shape == asked_QC.shape:
        raise EstimateError(f"shapes {complied_QC.shape}, {usable_QC.shape}, {asked_QC.shape} differ")
    ordered = (complied_QC >= 0) & (complied_QC <= usable_QC) & (usable_QC <= asked_QC)
    if not ordered.all():
        raise EstimateError("counts must hold 0 ≤ complied ≤ usable ≤ asked in every cell")
    missing_QC = asked_QC - usable_QC
    with np.errstate(invalid="ignore"):  # 0 of 0 asked is NaN: the query was not asked there
        refused_QC = np.divide(complied_QC, asked_QC)
        agreed_QC = np.divide(complied_QC + missing_QC, asked_QC)
    low_Q = contrast_by_query(np.where(weights_C > 0, refused_QC, agreed_QC), weights_C)
    high_Q = contrast_by_query(np.where(weights_C > 0, agreed_QC, refused_QC), weights_C)
    return low_Q, high_Q


def two_sample_bounds(
    a_Q: tuple[Floats, Floats], b_Q: tuple[Floats, Floats], weights: tuple[float, float], *, level: float
) -> Bounds:
    """Bounds of a weighted sum over two query sets, each side given as (lowest, highest) by query."""
    sides = [
        two_sample_effect(
            a_Q[side if weights[0] > 0 else 1 - side],
            b_Q[side if weights[1] > 0 else 1 - side],
            weights,
            level=level,
        )
        for side in (0, 1)
    ]
    return Bounds(*sides)


def flagged_share(joint_trained: float, complied_trained: float, complied_rated: float) -> Share:
    """How much of the gap can be due to replies flagged for their reasons, at least and at most.

    The data show who complied with which reasons where trained, never what the same reply would have been
    where it is only rated; so the share is bounded, not estimated. It assumes that no query complies only
    where it is *not* trained on. NaN where there is no gap to share out.

    Args:
        joint_trained: a = P(complied and AF | trained).
        complied_trained: P(complied | trained).
        complied_rated: u = P(complied | rated only).
    Raises:
        EstimateError: a is larger than the compliance it is part of, or a rate is outside 0 to 1.
    Source: Fréchet bounds, [max(0, a − u), min(a, C)]/C with C the training effect.
    """
    if not 0 <= joint_trained <= complied_trained <= 1 or not 0 <= complied_rated <= 1:
        raise EstimateError("rates must hold 0 ≤ complied and AF ≤ complied ≤ 1")
    gap = complied_trained - complied_rated
    if gap <= 0:
        return Share(float("nan"), float("nan"))
    return Share(max(0.0, joint_trained - complied_rated) / gap, min(joint_trained, gap) / gap)
