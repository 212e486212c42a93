"""Several differences at once: a p-value for each, and what is left of it in the whole family.

Arrays in, numbers out. The p-values belong to the intervals of `effects`: below α exactly where the interval
at level 1 − α leaves 0 out.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats, check_level, moments_of


def mean_p(diff_Q: Floats) -> float:
    """Two-sided p-value of "the mean of these differences is 0", by the floored t of `mean_effect`.

    NaN, not an error, where fewer than two queries are usable: what cannot be known is still in its family.
    """
    if diff_Q.ndim != 1:
        raise EstimateError(f"differences of shape {diff_Q.shape}: one per query is needed")
    moments = moments_of(diff_Q[np.newaxis])
    if moments.n_N[0] < 2:
        return float("nan")
    return _p(moments.mean_N[0], moments.variance_N[0], moments.n_N[0] - 1)


def two_sample_p(a_Q: Floats, b_Q: Floats, weights: tuple[float, float]) -> float:
    """Two-sided p-value of "this weighted sum of two means is 0", by the Welch t of `two_sample_effect`."""
    if a_Q.ndim != 1 or b_Q.ndim != 1:
        raise EstimateError(f"differences of shapes {a_Q.shape} and {b_Q.shape}: one per query is needed")
    a, b = moments_of(a_Q[np.newaxis]), moments_of(b_Q[np.newaxis])
    n_a, n_b = a.n_N[0], b.n_N[0]
    if min(n_a, n_b) < 2:
        return float("nan")
    part_a, part_b = weights[0] ** 2 * a.variance_N[0], weights[1] ** 2 * b.variance_N[0]
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))
    return _p(weights[0] * a.mean_N[0] + weights[1] * b.mean_N[0], part_a + part_b, freedom)


def holm(p_F: Floats) -> Floats:
    """Holm's adjusted p-values of a family: reject those at or below α, and the family errs in at most α.

    A p-value that is NaN counts in the family as 1, and stays NaN: dropping it would make the family smaller
    after the fact.

    Args:
        p_F: the p-values, one for each member of the family.
    Raises:
        EstimateError: an empty family, or values outside 0 to 1.
    Source: Holm 1979, Scand. J. Statist. 6:65; any dependence between the tests.
    """
    if p_F.ndim != 1 or p_F.size == 0:
        raise EstimateError(f"p-values of shape {p_F.shape}: a family has one or more")
    known_F = ~np.isnan(p_F)
    if ((p_F[known_F] < 0) | (p_F[known_F] > 1)).any():
        raise EstimateError("p-values lie between 0 and 1")
    filled_F = np.where(known_F, p_F, 1.0)
    order = np.argsort(filled_F, kind="stable")
    left = p_F.size - np.arange(p_F.size)  # hypotheses not yet rejected when its turn comes
    adjusted_F = np.empty_like(filled_F)
    adjusted_F[order] = np.minimum(1.0, np.maximum.accumulate(filled_F[order] * left))
    return np.where(known_F, adjusted_F, np.nan)


def family_level(size: int, *, alpha: float) -> float:
    """Level at which all intervals of a family hold together in 1 − α of studies: 1 − α/size (Bonferroni)."""
    check_level(alpha)
    if size < 1:
        raise EstimateError(f"a family of {size}: one or more")
    return 1 - alpha / size


def _p(mean: float, variance: float, freedom: float) -> float:
    """Both tails; the floor keeps the variance above 0."""
    return float(2 * special.stdtr(freedom, -abs(mean) / np.sqrt(variance)))
