"""Two cells, one reply a query: how far apart, where a share of the pairs may be zero.

Binary arrays in, `Effect` out: Tango's score interval, which stays right where no pair or every pair
differs. With several replies a query or more than two cells use `effects`.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Effect, Floats, check_level


def tango_effect(first_Q: Floats, second_Q: Floats, *, level: float) -> Effect:
    """First minus second rate over paired binary outcomes, with Tango's score interval.

    Args:
        first_Q: 1 complied, 0 refused, NaN unusable; one reply for each query.
        second_Q: the same queries in the same order.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes differ, outcomes other than 0 and 1, or fewer than two usable pairs.
    """
    if first_Q.shape != second_Q.shape or first_Q.ndim != 1:
        raise EstimateError(f"shapes {first_Q.shape} and {second_Q.shape}: pair them by query first")
    diff_Q = first_Q - second_Q
    used_Q = ~np.isnan(diff_Q)
    outcomes = np.concatenate([first_Q[used_Q], second_Q[used_Q]])
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise EstimateError("one reply a query is 0 or 1; for shares of several replies use contrast_effect")
    n = int(used_Q.sum())
    only_first, only_second = int((diff_Q == 1).sum()), int((diff_Q == -1).sum())
    low, high = tango_limits(only_first, only_second, n, level=level)
    return Effect((only_first - only_second) / n, low, high, level, n, diff_Q.size - n)


def tango_limits(only_first: int, only_second: int, n: int, *, level: float) -> tuple[float, float]:
    """Limits of the difference of two paired proportions, from the counts of pairs that differ.

    The score equation (b − c − nΔ)² = z²(2nq + nΔ(1 − Δ)), with q the constrained estimate of P(second only),
    holds one square root; isolating and squaring it leaves a quartic in Δ. Squaring adds roots where what the
    root equals is negative. That is a parabola open upwards, so they lie between the limits, which are the
    outermost real roots. Limits lie in [−1, 1] by construction.

    Raises:
        EstimateError: fewer than two pairs, or more pairs that differ than pairs.
    Source: Tango 1998, Stat. Med. 17:891; without iteration: Yang, Sun and Hardin 2012,
    doi:10.1002/sim.5561.
    """
    check_level(level)
    if n < 2 or min(only_first, only_second) < 0 or only_first + only_second > n:
        raise EstimateError(f"{only_first} and {only_second} differing pairs of {n}: no interval")
    if only_first < only_second:  # the mirror image, so that swapping the cells gives exactly mirrored limits
        low, high = tango_limits(only_second, only_first, n, level=level)
        return -high, -low
    z2 = special.ndtri((1 + level) / 2) ** 2 / n
    d, s, c = (only_first - only_second) / n, (only_first + only_second) / n, only_second / n
    # in v with Δ = d + v·unit, v of order 1: near Δ = 1 the limits differ by little, and their powers by less
    unit = z2 + np.sqrt(z2 * (s - d**2))
    powers = np.array([unit**2, unit, 1.0])
    left = np.array([1 + z2, 1.5 * z2 * d, z2 * (d**2 - s) / 2]) * powers
    linear, constant = 2 - d, 2 * d - d**2 - s
    root = np.array([linear**2 - 8 * c, 2 * linear * constant + 8 * c * (1 - 2 * d), 0]) * powers
    root[2] = constant**2 + 8 * c * d * (1 - d)
    quartic = np.polysub(np.polymul(left, left), z2**2 / 4 * root)
    candidates = np.roots(quartic / quartic[0])
    limits = d + unit * candidates.real[np.abs(candidates.imag) < 1e-7]
    if only_first == only_second:
        return -float(limits.max()), float(limits.max())
    # when every pair differs, 1 is a double root, which rounding may split into a complex pair
    high = 1.0 if only_first == n else min(1.0, float(limits.max()))
    return max(-1.0, float(limits.min())), high
