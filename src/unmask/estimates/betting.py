"""Limits that hold at any time, by betting: for runs that stop as soon as they know enough.

Someone starts with a capital of 1 and, block after block, bets that the mean is above `at`. If it is not, no
way of betting makes the capital grow on average, and it ever reaches 1/a with probability a at most (Ville).
Where it has, `at` is excluded, however often one looked. Values lie within a known span; nothing else is
assumed but that every block has the same mean given those before. Axes: `_N` studies, `_Q` blocks.

The capital is split over a few fixed bets (BETS, SHARES). A bet of b pays 1 − b + b·(x − low)/(at − low): it
falls as `at` rises, so that what is excluded is an interval, and its end is found by halving. The bets are
large, since contrasts that matter are best met so: at δ = 5 points and little noise the best bet is the
largest there is. docs/statistics.md compares them with others.

Source: Waudby-Smith and Ramdas 2024, arXiv:2010.09686 (hedged capital), with a mixture for the plug-in bet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.errors import EstimateError
from unmask.estimates.effects import Effect, Floats, check_level

BETS = (0.98, 0.85, 0.65, 0.45, 0.30, 0.20, 0.12, 0.06)  # none is 1: one block may not ruin a bet for ever
SHARES = (0.35, 0.20, 0.13, 0.10, 0.08, 0.06, 0.05, 0.03)  # of the capital; they sum to 1
HALVINGS = 48  # of the span: limits are exact to 1e-14
SMALL = 1e-9  # rounding in rates and weights
Span = tuple[float, float]


@dataclass(frozen=True)
class Sequence:
    """Limits after each block, each the intersection of all before it; they hold together at `level`.

    n_used: blocks with a value. The last limits are what a run reports: a mean at stopping is biased.
    """

    low_Q: Floats
    high_Q: Floats
    level: float
    n_used: int

    def effect(self) -> Effect:
        """The last limits as an effect; its estimate is their middle, not the mean of the blocks."""
        if not self.low_Q.size:
            raise EstimateError("no block was asked: there is no sequence")
        low, high = float(self.low_Q[-1]), float(self.high_Q[-1])
        missing = int(self.low_Q.size) - self.n_used
        return Effect((low + high) / 2, low, high, self.level, self.n_used, missing)


def sequence(value_Q: Floats, *, span: Span, level: float) -> Sequence:
    """A confidence sequence for the mean of bounded blocks: all limits hold at once.

    Args:
        value_Q: one value a block in the order in which they were asked; NaN where a block has none.
        span: the lowest and the highest value that there can be, known before the first block.
        level: two-sided, strictly between 0 and 1; each side gets half of the rest.
    Raises:
        EstimateError: a value outside the span, or a level that is none.
    """
    _check(value_Q, span, level)
    low_Q = _lower(value_Q, span, level)
    high_Q = -_lower(-value_Q, (-span[1], -span[0]), level)
    return Sequence(low_Q, high_Q, level, int((~np.isnan(value_Q)).sum()))


def first_above(value_NQ: Floats, at: float, *, span: Span, level: float) -> NDArray[np.int64]:
    """After how many blocks the lower limit has passed `at`, by study; one more than there are where never.

    The same as looking for it in `sequence`, for many studies at once and without computing limits.
    """
    _check(value_NQ, span, level)
    reached_NQ = capital(value_NQ, at, span=span) >= 2 / (1 - level)
    never = value_NQ.shape[-1] + 1
    found: NDArray[np.int64] = np.where(reached_NQ.any(axis=-1), reached_NQ.argmax(axis=-1) + 1, never)
    return found


def first_below(value_NQ: Floats, at: float, *, span: Span, level: float) -> NDArray[np.int64]:
    """After how many blocks the upper limit has passed `at`: the mirror image of `first_above`."""
    return first_above(-value_NQ, -at, span=(-span[1], -span[0]), level=level)


def capital(value_NQ: Floats, at: float, *, span: Span) -> Floats:
    """Capital after each block of one who bets that the mean is above `at`, which lies inside the span.

    Beyond what a float holds it is infinite, which is past every threshold, or 0, which loses nothing but
    the bet that came to it.
    """
    low, high = span
    if not low < at <= high:
        raise EstimateError(f"{at} is not within {low} to {high}: nothing to bet on")
    seen = np.where(np.isnan(value_NQ), at, value_NQ)  # a block without a value changes nothing
    values, place_NQ = np.unique(seen, return_inverse=True)  # contrasts of few replies take few values
    ratio = (values - low) / (at - low)
    place_NQ = place_NQ.reshape(value_NQ.shape)
    total_NQ = np.zeros(value_NQ.shape)
    with np.errstate(over="ignore", under="ignore"):
        for bet, share in zip(BETS, SHARES, strict=True):
            pays = np.maximum(1 - bet + bet * ratio, 0.0)
            total_NQ += share * np.cumprod(pays[place_NQ], axis=-1)
    return total_NQ


def _lower(value_Q: Floats, span: Span, level: float) -> Floats:
    """Lower limits after each block: halved anew only where the last one is excluded by now."""
    low, high = span
    threshold = np.log(2 / (1 - level))
    values, place_Q = np.unique(value_Q[~np.isnan(value_Q)], return_inverse=True)
    above = values - low
    counts = np.zeros(values.size)
    limits_Q = np.empty(value_Q.size)
    limit, used = low, 0
    for number, value in enumerate(value_Q):
        if not np.isnan(value):
            counts[place_Q[used]] += 1
            used += 1
            limit = _raised(limit, above, counts, (low, high), threshold)
        limits_Q[number] = limit
    return limits_Q


def _raised(limit: float, above: Floats, counts: Floats, span: Span, threshold: float) -> float:
    """The largest mean that is excluded, or the limit as it was."""
    low, high = span
    if limit > low and _log_capital(limit - low, above, counts) < threshold:
        return limit
    inside, outside = limit, high
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if _log_capital(middle - low, above, counts) >= threshold:
            inside = middle
        else:
            outside = middle
    return inside


def _log_capital(at: float, above: Floats, counts: Floats) -> float:
    """Log of the capital, from how often each value came; everything measured from the span's low end."""
    if at <= 0:
        return np.inf
    bets_J = np.asarray(BETS)[:, np.newaxis]
    pays_J = np.log(np.maximum(1 - bets_J + bets_J * above / at, 1e-300)) @ counts
    return float(np.logaddexp.reduce(pays_J + np.log(SHARES)))


def _check(value_Q: Floats, span: Span, level: float) -> None:
    check_level(level)
    low, high = span
    with np.errstate(invalid="ignore"):
        outside = (value_Q < low - SMALL) | (value_Q > high + SMALL)
    if not low < high or outside.any():
        raise EstimateError(f"values outside {low} to {high}: a sequence holds only for a known span")
