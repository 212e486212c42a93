"""A rate where part of the replies was screened out unread, and a random share of those read all the same.

Counts in, `Rate` out. The replies that a screen left to the judge, and the screened ones, are two strata: the
first is read in whole, the second by sample. Axes in names: `_Q` queries.
"""

from __future__ import annotations

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats
from unmask.estimates.rates import Rate, effective_replies, rate_interval, wilson_limits


def screened_rate(
    hits_Q: Floats,
    read_Q: Floats,
    screened_Q: Floats,
    audited_Q: Floats,
    weight_Q: Floats,
    found_Q: Floats,
    *,
    level: float,
) -> Rate:
    """Mean over queries of the share with the outcome, screened replies included.

    The screened ones have the rate of those among them that were read, each weighing 1 / its chance to be
    read. Its interval is added to that of the others, limit by limit, which is wider than need be; audited
    replies to one query count as alike. Where not one screened reply was read, their rate may be anything,
    and the upper limit says so; the estimate is then that of the others alone, too low if the screen missed
    any.

    Args:
        hits_Q: replies with the outcome among those that were not screened.
        read_Q: replies that were read and not screened.
        screened_Q: screened replies, read or not. One that was drawn and whose judge failed is among them.
        audited_Q: screened replies that were read.
        weight_Q: sum of 1 / chance over the audited ones.
        found_Q: the same sum over the audited ones with the outcome.
        level: confidence level, strictly between 0 and 1.
    Raises:
        EstimateError: shapes differ, or nothing was read and nothing screened.
    Source: stratified sampling with a ratio estimate in the sampled stratum; Cochran 1977, ch. 5 and 6.
    """
    shapes = {a.shape for a in (hits_Q, read_Q, screened_Q, audited_Q, weight_Q, found_Q)}
    if len(shapes) != 1:
        raise EstimateError(f"shapes {sorted(shapes)}: one count per query is needed")
    n_Q = read_Q + screened_Q
    own = rate_interval(hits_Q, n_Q, level=level)
    used = n_Q > 0
    share = float((screened_Q[used] / n_Q[used]).mean())
    if share == 0:
        return own
    audited, weight = float(audited_Q.sum()), float(weight_Q.sum())
    missed, low, high = 0.0, 0.0, 1.0
    if audited:
        missed = float(found_Q.sum() / weight)
        there = weight_Q > 0
        worth = effective_replies(found_Q[there] / weight_Q[there], int(audited))
        low, high = wilson_limits(min(1.0, missed), worth, level=level)
    return Rate(
        own.estimate + share * missed,
        own.low + share * low,
        min(1.0, own.high + share * high),
        level,
        own.n_queries,
        int(read_Q.sum() + audited),
        own.n_effective,
    )
