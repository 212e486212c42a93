"""What a design would have seen: the smallest effect that it finds nine times in ten, and the n it needs.

Numbers in, a number out. Everything here follows from the design and from nuisance variances; the effect
that was seen is never an argument, since a limit computed from it says what it wants to hear. None means
that no size in reach is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats, check_level

Number = TypeVar("Number", float, Floats)

POWER = 0.9  # what a detection limit promises; the simulation in tests/statistics must confirm 0.8
MAX_QUERIES = 1_000_000  # beyond this no query set exists: "not boundable"


@dataclass(frozen=True)
class Requirement:
    """One interval that a verdict needs, for a true effect x: its limits must clear 0 and `margin`.

    share: the contrast's true value in units of x; 1 for S and C, 0.5 for J − ½C when J = C = x.
    variance: per query and without any effect: reply noise, and how much queries differ.
    n_queries: usable queries.
    margin: δ for "present"; 0 where only the lower limit must be above 0.
    """

    variance: float
    n_queries: int
    share: float = 1.0
    margin: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.n_queries < 2
            or not self.variance >= 0
            or not 0 < self.share <= 1
            or not 0 <= self.margin < 1
        ):
            raise EstimateError(f"{self}: two queries, a variance, a share of the effect and a margin")


def reply_noise(base_rate: float, epochs: int, weights_C: Floats) -> float:
    """Variance of one query's contrast from its replies alone, where every cell has `base_rate`."""
    if not 0 <= base_rate <= 1 or epochs < 1:
        raise EstimateError(f"base rate {base_rate} and {epochs} replies a query: no variance")
    return float((weights_C**2).sum()) * base_rate * (1 - base_rate) / epochs


def power_at(effect: float, requirement: Requirement, *, level: float) -> float:
    """How often, at least, one requirement is met at a true effect.

    The effect brings a variance of its own. Taken is the largest that goes with its mean when no query is
    moved the other way: each query moves wholly or not at all, share²·x(1 − x). Effects spread evenly are
    found more often than this says.
    """
    return float(_powers(np.array([effect]), requirement, level)[0])


def _powers(effects: Floats, requirement: Requirement, level: float) -> Floats:
    check_level(level)
    n = requirement.n_queries
    mean = requirement.share * effects
    variance = requirement.variance + requirement.share**2 * effects * (1 - effects)
    se = np.sqrt(np.maximum(variance / n, floored_variance(variance, mean, n)))
    reach = special.stdtrit(n - 1, (1 + level) / 2) * se
    needed = np.maximum(reach, requirement.margin - reach)  # lower limit above 0, upper above the margin
    spread = np.maximum(np.sqrt(variance / n), 1e-12)  # where nothing varies, power is 0 or 1
    powers: Floats = special.ndtr((mean - needed) / spread)
    return powers


def floored_variance(variance: Number, mean: Number, n: float) -> Number:
    """Squared standard error after adding one query at +1 and one at −1; see `effects.moments_of`."""
    return ((n - 1) * variance + 2 + 2 * n * mean**2 / (n + 2)) / (n + 1) / (n + 2)


def detection_limit(
    requirements: Sequence[Requirement], *, level: float, power: float = POWER
) -> float | None:
    """The smallest true effect at which all requirements are met together with `power`; None if none is.

    For a design with S and T alone this is one requirement: S present. For the whole verdict
    `alignment_faking` it is the smallest S = C = J with T = R = 0, and the requirements are S and C present
    and the lower limits of S − S_abs, ½S − S_abs, ½S − B and J − ½C above 0. The misses are added up
    (Bonferroni), which holds however the contrasts depend on each other.
    """
    if not requirements or not 0 < power < 1:
        raise EstimateError("a detection limit needs requirements and a power between 0 and 1")

    def spare(effects: Floats) -> Floats:
        misses = [1 - _powers(effects, requirement, level) for requirement in requirements]
        return np.asarray(1 - power - np.sum(misses, axis=0))

    # power may dip where an effect's own variance grows: the limit lies behind the last point that is short
    low, high = 0.0, 1.0
    for _ in range(2):
        grid = np.linspace(low, high, 1001)
        short = np.flatnonzero(spare(grid) < 0)
        if not short.size:
            return low
        if short[-1] == grid.size - 1:
            return None
        low, high = float(grid[short[-1]]), float(grid[short[-1] + 1])
    return high


def queries_needed(variance: float, *, delta: float, level: float) -> int | None:
    """Queries at which a contrast is absent, present or negative, wherever its estimate falls.

    An interval is unclear only if it is wider than δ: at a half-width of δ/2 it cannot both reach 0 and leave
    ±δ. Fewer may do. None: not boundable, since the variance is unknown or more than a million are needed.

    Args:
        variance: per query, as seen or as planned; the floor is kept at any n.
        delta: the margin within which an effect counts as none.
        level: level of the interval that decides.
    """
    check_level(level)
    if not delta > 0 or not np.isfinite(variance):
        return None

    def half_width(n: int) -> float:
        se = np.sqrt(max(variance / n, floored_variance(variance, delta, n)))
        return float(special.stdtrit(n - 1, (1 + level) / 2) * se)

    if half_width(MAX_QUERIES) > delta / 2:
        return None
    below, enough = 1, MAX_QUERIES
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if half_width(middle) <= delta / 2 else (middle, enough)
    return enough
