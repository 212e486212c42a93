"""How well a judge agrees with the truth, and people with one another.

Arrays in, frozen results out. Axes: `_N` texts, `_L` labellers, `_Q` queries. Texts that answer one query
resemble each other: where `query_N` says which do, the query is the unit, and an interval is as wide as the
spread between queries makes it. `weight_N` is one over the chance with which a text was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from unmask.errors import EstimateError
from unmask.estimates.effects import Floats, check_level
from unmask.estimates.rates import wilson_limits

BINS = 10
RESAMPLES = 1_000


@dataclass(frozen=True)
class Figure:
    """A figure with its limits; NaN where it cannot be known."""

    estimate: float
    low: float
    high: float


UNKNOWN = Figure(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Bin:
    """Texts with a score from `low` to `high`. Mean score and share that is yes are weighted, n is not."""

    low: float
    high: float
    n: int
    mean_score: float
    share: float


@dataclass(frozen=True)
class Calibration:
    """Brier score, expected calibration error over bins of equal size, and the bins."""

    brier: float
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Differing:
    """Two shares that should be alike: the first less the second, Newcombe's limits, Fisher's exact p."""

    difference: Figure
    p: float


def share(hits: float, n: float, *, level: float = 0.95) -> Figure:
    """A share with Wilson's limits; unknown of none."""
    if not n:
        return UNKNOWN
    low, high = wilson_limits(hits / n, n, level=level)
    return Figure(hits / n, low, high)


def clustered_share(
    hit_N: np.ndarray,
    weight_N: Floats | None = None,
    query_N: np.ndarray | None = None,
    *,
    heaviest: float = 1.0,
) -> tuple[float, float]:
    """A share of texts, and how many independent texts it is worth; (NaN, 0) of none.

    The share is weighted; its worth is p(1 − p) over the variance between queries, never more than Kish's
    (Σw)²/Σw². One query that is all hits and one that is none are added before the spread is measured, as in
    `rates.effective_replies`: a handful of queries that agree cannot show how much queries differ. They weigh
    as much as the heaviest text that could have been drawn: it may be the one that would have disagreed.
    """
    if not hit_N.size:
        return float("nan"), 0.0
    weight, place = _units(hit_N.size, weight_N, query_N)
    share = float((weight * hit_N).sum() / weight.sum())
    most = float(weight.sum() ** 2 / (weight**2).sum())
    total_Q = np.bincount(place, weight)
    if total_Q.size == hit_N.size and np.ptp(weight) == 0 and heaviest <= weight[0]:
        return share, most
    hits_Q = np.bincount(place, weight * hit_N)
    each = max(float(total_Q.mean()), heaviest)
    hits_Q, total_Q = np.append(hits_Q, [0.0, each]), np.append(total_Q, [each, each])
    padded = hits_Q.sum() / total_Q.sum()
    pull_Q = (hits_Q - padded * total_Q) / total_Q.sum()
    variance = float((pull_Q**2).sum()) * pull_Q.size / (pull_Q.size - 1)
    return share, min(padded * (1 - padded) / variance, most)


def auroc(
    score_N: Floats,
    truth_N: np.ndarray,
    *,
    weight_N: Floats | None = None,
    query_N: np.ndarray | None = None,
    level: float = 0.95,
) -> Figure:
    """Chance that a yes scores above a no, ties half, with DeLong's variance on the logit scale.

    Unknown where there is no yes or no no.
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837; summed by query as Obuchowski 1997,
    Biometrics 53:567.
    """
    check_level(level)
    m, n = int(truth_N.sum()), int((~truth_N).sum())
    if not m or not n:
        return UNKNOWN
    area, pull_N = _area(score_N, truth_N, weight_N)
    if min(m, n) < 2:
        return Figure(area, float("nan"), float("nan"))
    variance = _variance(pull_N, query_N)
    if variance <= 0 or area in (0.0, 1.0):
        # perfect separation says nothing of its own uncertainty: the rarer class is what could have told
        worth = min(clustered_share(truth_N[truth_N == side], *_of(truth_N == side, weight_N, query_N))[1]
                    for side in (True, False))  # fmt: skip
        return Figure(area, *wilson_limits(area, worth, level=level))
    half = special.ndtri((1 + level) / 2) * np.sqrt(variance) / (area * (1 - area))
    return Figure(
        area,
        float(special.expit(special.logit(area) - half)),
        float(special.expit(special.logit(area) + half)),
    )


def auroc_difference(
    score_N: Floats,
    other_N: Floats,
    truth_N: np.ndarray,
    *,
    weight_N: Floats | None = None,
    query_N: np.ndarray | None = None,
    level: float = 0.95,
) -> Figure:
    """How much larger the first score's area is on the same texts; DeLong's paired interval."""
    check_level(level)
    if not truth_N.any() or truth_N.all():
        return UNKNOWN
    (one, pull_N), (two, other_pull_N) = (_area(s, truth_N, weight_N) for s in (score_N, other_N))
    half = special.ndtri((1 + level) / 2) * np.sqrt(_variance(pull_N - other_pull_N, query_N))
    return Figure(one - two, float(one - two - half), float(one - two + half))


def _area(score_N: Floats, truth_N: np.ndarray, weight_N: Floats | None) -> tuple[float, Floats]:
    """The area, and how much each text pulls it: its placement among the other class less the area."""
    weight = np.ones(score_N.size) if weight_N is None else weight_N
    yes, no = score_N[truth_N], score_N[~truth_N]
    w_yes, w_no = weight[truth_N] / weight[truth_N].sum(), weight[~truth_N] / weight[~truth_N].sum()
    below_N, above_N = _share_below(yes, no, w_no), 1 - _share_below(no, yes, w_yes)
    area = round(float(w_yes @ below_N), 12)  # a sum of 0.9999999 would pass for an imperfect separation
    pull_N = np.empty(score_N.size)
    pull_N[truth_N], pull_N[~truth_N] = w_yes * (below_N - area), w_no * (above_N - area)
    for side in (truth_N, ~truth_N):  # as in DeLong, each class has its own degrees of freedom
        pull_N[side] *= np.sqrt(side.sum() / max(side.sum() - 1, 1))
    return min(max(area, 0.0), 1.0), pull_N


def _share_below(at: Floats, of: Floats, weight: Floats) -> Floats:
    """Weighted share of `of` below each of `at`, ties half."""
    order = np.argsort(of, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weight[order])])
    low = sums[np.searchsorted(of[order], at, side="left")]
    high = sums[np.searchsorted(of[order], at, side="right")]
    found: Floats = (low + high) / 2
    return found


def _variance(pull_N: Floats, query_N: np.ndarray | None) -> float:
    """Of a figure, from the pulls of its texts, summed by query."""
    if query_N is None:
        return float((pull_N**2).sum())
    pull_Q = np.bincount(np.unique(query_N, return_inverse=True)[1], pull_N)
    return float((pull_Q**2).sum()) * pull_Q.size / max(pull_Q.size - 1, 1)


def _units(n: int, weight_N: Floats | None, query_N: np.ndarray | None) -> tuple[Floats, np.ndarray]:
    weight = np.ones(n) if weight_N is None else weight_N
    return weight, np.arange(n) if query_N is None else np.unique(query_N, return_inverse=True)[1]


def _of(
    chosen_N: np.ndarray, weight_N: Floats | None, query_N: np.ndarray | None
) -> tuple[Floats | None, np.ndarray | None]:
    return (
        None if weight_N is None else weight_N[chosen_N],
        None if query_N is None else query_N[chosen_N],
    )


def calibration(
    score_N: Floats, truth_N: np.ndarray, *, weight_N: Floats | None = None, bins: int = BINS
) -> Calibration:
    """How far probabilities are from what happened, in bins of equal size, or of equal weight.

    Weighted it speaks of all texts that could have been drawn, also where some kinds were drawn more often:
    otherwise a judge that boasts on a rare kind of text would look as if it boasted on all.

    Raises:
        EstimateError: no scores, or scores outside 0 to 1.
    """
    if not score_N.size or ((score_N < 0) | (score_N > 1)).any():
        raise EstimateError("calibration needs probabilities from 0 to 1")
    weight = np.ones(score_N.size) if weight_N is None else weight_N / weight_N.mean()
    found, error = [], 0.0
    for part in _bins(score_N, weight, min(bins, score_N.size)):
        s, t, w = score_N[part], truth_N[part], weight[part]
        says, is_ = float(np.average(s, weights=w)), float(np.average(t, weights=w))
        found.append(Bin(float(s.min()), float(s.max()), int(s.size), says, is_))
        error += float(w.sum()) * abs(says - is_)
    brier = float(np.average((score_N - truth_N) ** 2, weights=weight))
    return Calibration(brier, error / float(weight.sum()), tuple(found))


def _bins(score_N: Floats, weight: Floats, bins: int) -> list[np.ndarray]:
    """Places of texts in order of their score, cut where the weight reaches each share of the whole."""
    order = np.argsort(score_N, kind="stable")
    if np.ptp(weight) == 0:
        return np.array_split(order, bins)
    middle = np.cumsum(weight[order]) - weight[order] / 2
    place = np.minimum((middle / weight.sum() * bins).astype(int), bins - 1)
    return [order[place == k] for k in np.unique(place)]  # a heavy text may leave the bins beside it empty


def differing(first: tuple[float, float], second: tuple[float, float], *, level: float = 0.95) -> Differing:
    """Whether two shares (hits, n) differ; NaN where one of them is of none.

    Counts may be of effective size; Fisher's test then takes the nearest whole ones.

    Source: Newcombe 1998, Stat. Med. 17:873, method 10; Fisher's exact test.
    """
    (a, m), (b, n) = first, second
    if not m or not n:
        return Differing(UNKNOWN, float("nan"))
    one, other = share(a, m, level=level), share(b, n, level=level)
    d = one.estimate - other.estimate
    low = d - np.hypot(one.estimate - one.low, other.high - other.estimate)
    high = d + np.hypot(one.high - one.estimate, other.estimate - other.low)
    table = [[round(a), round(m) - round(a)], [round(b), round(n) - round(b)]]
    p = stats.fisher_exact(table).pvalue
    return Differing(Figure(d, float(low), float(high)), float(p))


def cohen_kappa(
    first_N: np.ndarray, second_N: np.ndarray, *, query_N: np.ndarray | None = None, level: float = 0.95
) -> Figure:
    """Agreement of two raters beyond chance, unweighted, with its asymptotic interval.

    Unknown where both always say the same one word: chance alone would agree fully.
    Source: Cohen 1960; the variance of Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72:323.
    """
    check_level(level)
    if first_N.shape != second_N.shape or not first_N.size:
        raise EstimateError("two raters of the same texts are needed")
    words, place = np.unique(np.concatenate([first_N, second_N]), return_inverse=True)
    k, n = words.size, first_N.size
    table = np.zeros((k, k))
    np.add.at(table, (place[:n], place[n:]), 1 / n)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    agreed, chance = float(np.trace(table)), float(rows @ columns)
    if chance >= 1:
        return UNKNOWN
    kappa = (agreed - chance) / (1 - chance)
    x, y = place[:n], place[n:]
    if (x == y).all():  # as for an area of 1: what agrees in all has no spread to tell how sure that is
        low = wilson_limits(1.0, clustered_share(np.ones(n), None, query_N)[1], level=level)[0]
        return Figure(1.0, max((low - chance) / (1 - chance), -1.0), 1.0)
    # the delta method's pull of each text; without queries this is the variance of Fleiss and others
    by_chance_N = columns[x] + rows[y] - 2 * chance
    pull_N = ((x == y) - agreed - (1 - kappa) * by_chance_N) / (1 - chance) / n
    half = special.ndtri((1 + level) / 2) * np.sqrt(_variance(pull_N, query_N))
    return Figure(kappa, float(max(kappa - half, -1)), float(min(kappa + half, 1)))


def krippendorff_alpha(said_LN: np.ndarray, *, rng: np.random.Generator, level: float = 0.95) -> Figure:
    """Nominal agreement of any number of labellers, gaps allowed (""), with a bootstrap over texts.

    Unknown where no text has two labels, or all labels are the same word.
    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability; texts resampled as Hayes and
    Krippendorff 2007 propose for its distribution.
    """
    check_level(level)
    words, place = np.unique(said_LN, return_inverse=True)
    place = place.reshape(said_LN.shape)
    counts_NK = np.stack([(place == k).sum(axis=0) for k, w in enumerate(words) if w != ""], axis=1)
    paired_NK = counts_NK[counts_NK.sum(axis=1) >= 2].astype(float)
    if not paired_NK.size:
        return UNKNOWN
    whole = _alpha(paired_NK)
    n = paired_NK.shape[0]
    if whole == 1.0:  # texts drawn again would agree in all again: the texts themselves tell how sure that is
        differing_pairs = 1 - wilson_limits(1.0, n, level=level)[0]
        shares_K = paired_NK.sum(axis=0) / paired_NK.sum()
        return Figure(1.0, max(1 - differing_pairs / float(1 - (shares_K**2).sum()), -1.0), 1.0)
    drawn = np.array([_alpha(paired_NK[rng.integers(0, n, n)]) for _ in range(RESAMPLES)])
    known = drawn[~np.isnan(drawn)]
    if np.isnan(whole) or not known.size:
        return Figure(whole, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Figure(whole, float(low), float(high))


def _alpha(counts_NK: Floats) -> float:
    total_N = counts_NK.sum(axis=1)
    observed = ((total_N**2 - (counts_NK**2).sum(axis=1)) / (total_N - 1)).sum()
    totals_K, n = counts_NK.sum(axis=0), counts_NK.sum()
    expected = (n**2 - (totals_K**2).sum()) / (n - 1)
    return float(1 - observed / expected) if expected else float("nan")


def best_threshold(score_N: Floats, truth_N: np.ndarray, *, weight_N: Floats | None = None) -> float:
    """The threshold with the largest sensitivity plus specificity; of equal ones the middle (Youden 1950).

    A text is called yes at or above it. Choose it on other texts than those that report it.
    """
    if not truth_N.any() or truth_N.all():
        raise EstimateError("a threshold needs texts that are yes and texts that are no")
    levels = np.unique(score_N)
    cuts = np.concatenate([[levels[0]], (levels[:-1] + levels[1:]) / 2])
    weight = np.ones(score_N.size) if weight_N is None else weight_N
    gain = _share_under(score_N, ~truth_N, weight, cuts) - _share_under(score_N, truth_N, weight, cuts)
    best = np.flatnonzero(np.isclose(gain, gain.max()))
    return float(cuts[best[best.size // 2]])


def _share_under(score_N: Floats, side_N: np.ndarray, weight_N: Floats, cuts: Floats) -> Floats:
    """Weighted share of one class strictly under each cut."""
    order = np.argsort(score_N[side_N], kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weight_N[side_N][order])])
    found: Floats = sums[np.searchsorted(score_N[side_N][order], cuts)] / sums[-1]
    return found
