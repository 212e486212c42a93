"""Several trainings of one kind, each with its own seed: what they show of those that were not run.

A seed is the unit here; the replies of one training tell nothing of another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special, stats

from unmask.errors import EstimateError
from unmask.estimates.effects import Effect, check_level

LEAST_SEEDS = 5  # under these a t interval over seeds says more of its own assumptions than of the seeds


def share_shown(k: int, n: int, *, level: float = 0.95) -> float:
    """The share of all seeds that `k` of `n` show, at least: one-sided limit at `level`.

    Source: Clopper and Pearson 1934, Biometrika 26:404. 3 of 3 show 37 %, 6 of 6 show 61 %.

    Raises:
        EstimateError: not 0 ≤ k ≤ n, or no seed at all.
    """
    check_level(level)
    if n < 1 or not 0 <= k <= n:
        raise EstimateError(f"{k} of {n} seeds")
    return float(special.betaincinv(k, n - k + 1, 1 - level)) if k else 0.0


def over_seeds(values: Sequence[float], *, level: float) -> Effect | None:
    """Mean over seeds with Student's t; None under `LEAST_SEEDS`, where each seed is shown by itself."""
    check_level(level)
    n = len(values)
    if n < LEAST_SEEDS:
        return None
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * spread / n**0.5
    return Effect(mean, mean - half, mean + half, level, n, 0)


def seeds_apart(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p of a difference of means, by exchanging seeds between two kinds of training.

    Exact up to 9,999 exchanges, drawn beyond. 3 against 3 cannot go under 0.10.

    Raises:
        EstimateError: a side without a seed.
    """
    if not one or not other:
        raise EstimateError("a side without a seed")
    found = stats.permutation_test(
        (np.asarray(one, float), np.asarray(other, float)),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        vectorized=True,
        rng=np.random.default_rng(1),
    )
    return float(found.pvalue)
