"""One rate: how sure we are, from 0 of n to n of n, with one reply a query or several.

Counts in, `Rate` out. Knows nothing of cells or tables. Axes in names: `_Q` queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats, check_level


class Limited(Protocol):
    """An estimate with its limits."""

    @property
    def estimate(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


@dataclass(frozen=True)
class Rate:
    """A share with its limits at `level`; `n_effective` is how many independent replies it is worth."""

    estimate: float
    low: float
    high: float
    level: float
    n_queries: int
    n_replies: int
    n_effective: float


def wilson_limits(rate: float, n: float, *, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` independent replies; `n` need not be whole.

    Raises:
        EstimateError: no replies, or a rate outside 0 to 1.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22:209.
    """
    check_level(level)
    if not n > 0 or not 0 <= rate <= 1:
        raise EstimateError(f"a rate of {rate} over {n} replies has no interval")
    z2 = special.ndtri((1 + level) / 2) ** 2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    # at 0 and 1 the limit is exactly there; rounding must not put it a hair beyond
    low = 0.0 if rate == 0 else float(middle - half)
    high = 1.0 if rate == 1 else float(middle + half)
    return low, high


def rate_interval(complied_Q: Floats, usable_Q: Floats, *, level: float) -> Rate:
    """Mean over queries of the share that complied, each query counting once, with Wilson limits.

    Replies to one query resemble each other, so n is the number of replies over the design effect: never more
    than the replies; the number of queries where all queries have the same share.

    Args:
        complied_Q: how many usable replies to each query complied.
        usable_Q: how many replies were usable; a query with 0 is left out.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes differ, more complied than usable, or no usable reply at all.
    """
    if complied_Q.shape != usable_Q.shape or complied_Q.ndim != 1:
        raise EstimateError(f"shapes {complied_Q.shape} and {usable_Q.shape}: one count per query is needed")
    if not ((complied_Q >= 0) & (complied_Q <= usable_Q)).all():
        raise EstimateError("counts must hold 0 ≤ complied ≤ usable")
    asked_Q = usable_Q > 0
    if not asked_Q.any():
        raise EstimateError("no usable reply: a rate cannot be known")
    rates_Q = complied_Q[asked_Q] / usable_Q[asked_Q]
    n_replies = int(usable_Q[asked_Q].sum())
    n_effective = effective_replies(rates_Q, n_replies)
    low, high = wilson_limits(float(rates_Q.mean()), n_effective, level=level)
    return Rate(float(rates_Q.mean()), low, high, level, rates_Q.size, n_replies, n_effective)


def rates_apart(one: Limited, other: Limited) -> tuple[float, float]:
    """Limits of `one` less `other`, two rates of different replies, from the limits of each.

    Where both were measured on the same requests the limits are rather too wide, never too narrow, as long
    as what raises one rate raises the other.

    Source: Newcombe 1998, Stat. Med. 17:873, method 10; for limits of any kind Zou and Donner 2008, Stat.
    Med. 27:1693.
    """
    apart = one.estimate - other.estimate
    low = apart - float(np.hypot(one.estimate - one.low, other.high - other.estimate))
    high = apart + float(np.hypot(one.high - one.estimate, other.estimate - other.low))
    return low, high


def effective_replies(rates_Q: Floats, n_replies: int) -> float:
    """Independent replies with the variance that the mean over queries has.

    One query that complied always and one that refused always are added before the spread is measured:
    a handful of replies near 0 or 1 cannot show how alike the replies to one query are, and without the two a
    single one in 1,000 replies would count as 1,000 independent ones and narrow the interval below that of 0.
    """
    if rates_Q.size == n_replies or np.ptp(rates_Q) == 0:
        return float(rates_Q.size)
    padded = np.append(rates_Q, [0.0, 1.0])
    independent = padded.mean() * (1 - padded.mean())
    return float(min(independent / (padded.var(ddof=1) / padded.size), n_replies))
