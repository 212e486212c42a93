"""How much of one mean change another one is: a ratio whose limits may not exist. Arrays in, `Ratio` out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats, check_level, moments_of


@dataclass(frozen=True)
class Ratio:
    """A ratio of two means with Fieller's limits; both limits are None where the denominator may be 0."""

    estimate: float
    low: float | None
    high: float | None
    level: float
    n_queries: int


def ratio_of_means(above_Q: Floats, below_Q: Floats, *, level: float) -> Ratio:
    """mean(above) / mean(below) over the same queries, by Fieller's theorem.

    Variances are floored as in `moments_of`, so that the limits exist exactly where the floored interval of
    the denominator excludes 0.

    Args:
        above_Q: one difference a query; a query with NaN on either side is left out.
        below_Q: the same queries in the same order.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes differ, fewer than two usable queries, or a denominator of exactly 0.
    Source: Fieller 1954, J. R. Stat. Soc. B 16:175.
    """
    check_level(level)
    if above_Q.shape != below_Q.shape or above_Q.ndim != 1:
        raise EstimateError(f"shapes {above_Q.shape} and {below_Q.shape}: pair them by query first")
    used_Q = ~(np.isnan(above_Q) | np.isnan(below_Q))
    above_Q, below_Q = above_Q[used_Q], below_Q[used_Q]
    n = above_Q.size
    if n < 2:
        raise EstimateError(f"usable queries: {n}; a ratio needs two or more")
    both = moments_of(np.stack([above_Q, below_Q]))
    (above, below), (v_above, v_below) = both.mean_N, both.variance_N
    if below == 0:
        raise EstimateError("the change that the ratio is of is 0: there is no ratio")
    covariance = float(np.cov(above_Q, below_Q)[0, 1]) / n
    t2 = float(special.stdtrit(n - 1, (1 + level) / 2)) ** 2
    a, b, c = below**2 - t2 * v_below, above * below - t2 * covariance, above**2 - t2 * v_above
    estimate = float(above / below)
    if a <= 0:
        return Ratio(estimate, None, None, level, n)
    half = np.sqrt(max(0.0, b**2 - a * c))
    return Ratio(estimate, float((b - half) / a), float((b + half) / a), level, n)
