"""Differences between cells, paired by query: how sure we are.

Arrays in, `Effect` out. Knows nothing of models, tables or files. NaN in a cell means that the query has no
usable reply there; it is never a refusal. Axes in names: `_N` simulated studies, `_Q` queries, `_C` cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from unmask.errors import EstimateError

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """A difference as a share, with its limits at `level`.

    Limits are not clipped: a limit beyond 1 says honestly that there were too few queries. `n_unusable`
    counts the queries left out; what they could have been is in `bounds`.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_queries: int
    n_unusable: int

    @classmethod
    def unknown(cls, level: float, *, n_queries: int, n_unusable: int) -> Effect:
        """An effect that was asked for and cannot be known, which is not the same as one that was not run."""
        nan = float("nan")
        return cls(nan, nan, nan, level, n_queries, n_unusable)

    @property
    def variance(self) -> float:
        """Variance of one query, floored, as the interval's width tells it; what a plan may go on."""
        if self.n_queries < 2:
            return float("nan")
        reach = special.stdtrit(self.n_queries - 1, (1 + self.level) / 2)
        return float(((self.high - self.low) / 2 / reach) ** 2 * self.n_queries)


@dataclass(frozen=True)
class Effects:
    """The same for many studies at once; NaN in a study that cannot know."""

    estimate_N: Floats
    low_N: Floats
    high_N: Floats
    level: float
    n_queries_N: NDArray[np.int64]
    n_unusable_N: NDArray[np.int64]

    def __getitem__(self, study: int) -> Effect:
        return Effect(
            float(self.estimate_N[study]),
            float(self.low_N[study]),
            float(self.high_N[study]),
            self.level,
            int(self.n_queries_N[study]),
            int(self.n_unusable_N[study]),
        )


@dataclass(frozen=True)
class Moments:
    """Mean over usable queries, the floored variance of that mean, and how many queries were usable."""

    mean_N: Floats
    variance_N: Floats
    n_N: NDArray[np.int64]


def contrast_effect(rates_QC: Floats, weights_C: Floats, *, level: float) -> Effect:
    """Mean over queries of a linear contrast of cells, with a floored t interval.

    The query is the unit: more replies to one query make its own rate sharper, but add no degrees of
    freedom. Differences of contrasts (S − S_abs, J − ½C) are one contrast over the joined cells.

    Args:
        rates_QC: share of usable replies that complied, 0 to 1; NaN where a query has no usable reply.
        weights_C: what each cell counts; a query with NaN in a cell of weight 0 is still usable.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes do not fit, rates outside 0 to 1, or fewer than two usable queries.
    Source: Student's t on paired differences; Miller 2024, arXiv:2411.00640; the floor: docs/statistics.md.
    """
    return mean_effect(contrast_by_query(rates_QC, weights_C), level=level)


def contrast_effects(rates_NQC: Floats, weights_C: Floats, *, level: float) -> Effects:
    """`contrast_effect` for many studies at once; NaN instead of an error where too few queries are usable.

    Holds N × Q numbers a few times over: 10,000 studies of 200 queries take about 100 MB.
    """
    if rates_NQC.ndim != 3:
        raise EstimateError(f"rates of shape {rates_NQC.shape}: studies, queries and cells are needed")
    return mean_effects(contrast_by_query(rates_NQC, weights_C), level=level)


def contrast_by_query(rates_QC: Floats, weights_C: Floats) -> Floats:
    """The contrast of each query, NaN where a cell that counts has no usable reply; any leading axes."""
    if rates_QC.ndim < 2 or weights_C.shape != rates_QC.shape[-1:]:
        raise EstimateError(f"weights of shape {weights_C.shape} for rates of shape {rates_QC.shape}")
    if not np.isfinite(weights_C).all() or not weights_C.any():
        raise EstimateError("weights must be finite, and one of them not 0")
    used = weights_C != 0
    counted = rates_QC[..., used]
    if ((counted < 0) | (counted > 1)).any():
        raise EstimateError("rates must be shares from 0 to 1, or NaN where no reply is usable")
    by_query: Floats = counted @ weights_C[used]
    return by_query


def mean_effect(diff_Q: Floats, *, level: float) -> Effect:
    """Mean of differences that are already made by query, with the floored t interval.

    Raises:
        EstimateError: fewer than two usable queries, since one says nothing about the spread of others.
    """
    if diff_Q.ndim != 1:
        raise EstimateError(f"differences of shape {diff_Q.shape}: one per query is needed")
    effect = mean_effects(diff_Q[np.newaxis], level=level)[0]
    if effect.n_queries < 2:
        raise EstimateError(f"usable queries: {effect.n_queries}; an interval needs two or more")
    return effect


def mean_effects(diff_NQ: Floats, *, level: float) -> Effects:
    """`mean_effect` for many studies at once; NaN where fewer than two queries are usable."""
    check_level(level)
    moments = moments_of(diff_NQ)
    with np.errstate(invalid="ignore"):
        half_N = special.stdtrit(moments.n_N - 1, (1 + level) / 2) * np.sqrt(moments.variance_N)
    return Effects(
        moments.mean_N,
        moments.mean_N - half_N,
        moments.mean_N + half_N,
        level,
        moments.n_N,
        diff_NQ.shape[-1] - moments.n_N,
    )


def moments_of(diff_NQ: Floats) -> Moments:
    """Mean and floored variance over the last axis, NaN left out.

    The floor: never less variance than after adding one query at +1 and one at −1, since queries that all
    agree would look certain. Without it three studies in five near 0 have width zero
    (tests/statistics/test_effects.py).
    """
    used_NQ = ~np.isnan(diff_NQ)
    n_N = used_NQ.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_N = np.where(n_N >= 2, np.where(used_NQ, diff_NQ, 0.0).sum(axis=-1) / n_N, np.nan)
        squares_N = (np.where(used_NQ, diff_NQ - mean_N[..., np.newaxis], 0.0) ** 2).sum(axis=-1)
        plain_N = squares_N / (n_N - 1) / n_N
        # the two added queries add 2 to the squares about 0, and draw the mean towards 0 by 2 parts in n + 2
        floored_N = (squares_N + 2 + 2 * n_N * mean_N**2 / (n_N + 2)) / (n_N + 1) / (n_N + 2)
    return Moments(mean_N, np.maximum(plain_N, floored_N), n_N)


def two_sample_effect(a_Q: Floats, b_Q: Floats, weights: tuple[float, float], *, level: float) -> Effect:
    """A weighted sum of two means over independent query sets, such as ½S − B: Welch's t.

    Args:
        a_Q: one contrast per query of the first set (`contrast_by_query`), NaN where it is unusable.
        b_Q: another contrast per query of the second set.
        weights: what each mean counts; (0.5, -1.0) for ½S − B.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: fewer than two usable queries on a side.
    Source: Welch 1947, with each side's variance floored as in `moments_of`.
    """
    if a_Q.ndim != 1 or b_Q.ndim != 1:
        raise EstimateError(f"differences of shapes {a_Q.shape} and {b_Q.shape}: one per query is needed")
    for side_Q in (a_Q, b_Q):
        usable = int((~np.isnan(side_Q)).sum())
        if usable < 2:
            raise EstimateError(f"usable queries on one side: {usable}; an interval needs two or more")
    return two_sample_effects(a_Q[np.newaxis], b_Q[np.newaxis], weights, level=level)[0]


def two_sample_effects(a_NQ: Floats, b_NQ: Floats, weights: tuple[float, float], *, level: float) -> Effects:
    """`two_sample_effect` for many studies at once; NaN where a side has fewer than two usable queries."""
    check_level(level)
    if not np.isfinite(weights).all() or not all(weights):
        raise EstimateError(f"weights {weights}: both must be finite and not 0")
    a, b = moments_of(a_NQ), moments_of(b_NQ)
    mean_N = weights[0] * a.mean_N + weights[1] * b.mean_N
    part_a_N, part_b_N = weights[0] ** 2 * a.variance_N, weights[1] ** 2 * b.variance_N
    total_N = part_a_N + part_b_N
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom_N = total_N**2 / (part_a_N**2 / (a.n_N - 1) + part_b_N**2 / (b.n_N - 1))
        half_N = special.stdtrit(freedom_N, (1 + level) / 2) * np.sqrt(total_N)
    n_N = a.n_N + b.n_N
    n_unusable_N = a_NQ.shape[-1] + b_NQ.shape[-1] - n_N
    return Effects(mean_N, mean_N - half_N, mean_N + half_N, level, n_N, n_unusable_N)


def check_level(level: float) -> None:
    """Refuse a level that is not strictly between 0 and 1, such as 95."""
    if not 0 < level < 1:
        raise EstimateError(f"level {level}: a confidence level lies between 0 and 1, such as 0.95")
