"""How well a judge agrees with the truth, and people with one another.

Arrays in, frozen results out. Axes: `_N` texts, `_L` labellers.
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
    """Texts whose score lies between `low` and `high`: the mean score, and the share that is yes."""

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


def auroc(score_N: Floats, truth_N: np.ndarray, *, level: float = 0.95) -> Figure:
    """Chance that a yes scores above a no, ties half, with DeLong's variance on the logit scale.

    Unknown where there is no yes or no no.
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837; Sun and Xu 2014 for the ranks.
    """
    check_level(level)
    yes, no = score_N[truth_N], score_N[~truth_N]
    m, n = yes.size, no.size
    if not m or not n:
        return UNKNOWN
    together = stats.rankdata(np.concatenate([yes, no]))
    above_yes = (together[:m] - stats.rankdata(yes)) / n  # share of the no's below each yes
    above_no = 1 - (together[m:] - stats.rankdata(no)) / m
    area = float(above_yes.mean())
    if min(m, n) < 2:
        return Figure(area, float("nan"), float("nan"))
    variance = above_yes.var(ddof=1) / m + above_no.var(ddof=1) / n
    if variance == 0 or area in (0.0, 1.0):
        # perfect separation says nothing of its own uncertainty: the rarer class is what could have told
        return Figure(area, *wilson_limits(area, min(m, n), level=level))
    half = special.ndtri((1 + level) / 2) * np.sqrt(variance) / (area * (1 - area))
    return Figure(
        area,
        float(special.expit(special.logit(area) - half)),
        float(special.expit(special.logit(area) + half)),
    )


def calibration(score_N: Floats, truth_N: np.ndarray, *, bins: int = BINS) -> Calibration:
    """How far probabilities are from what happened, in bins of equal size.

    Raises:
        EstimateError: no scores, or scores outside 0 to 1.
    """
    if not score_N.size or ((score_N < 0) | (score_N > 1)).any():
        raise EstimateError("calibration needs probabilities from 0 to 1")
    order = np.argsort(score_N, kind="stable")
    found = [
        Bin(float(s.min()), float(s.max()), int(s.size), float(s.mean()), float(t.mean()))
        for s, t in (
            (score_N[part], truth_N[part]) for part in np.array_split(order, min(bins, score_N.size))
        )
    ]
    error = sum(b.n * abs(b.mean_score - b.share) for b in found) / score_N.size
    return Calibration(float(((score_N - truth_N) ** 2).mean()), float(error), tuple(found))


def differing(first: tuple[int, int], second: tuple[int, int], *, level: float = 0.95) -> Differing:
    """Whether two shares (hits, n) differ; NaN where one of them is of none.

    Source: Newcombe 1998, Stat. Med. 17:873, method 10; Fisher's exact test.
    """
    (a, m), (b, n) = first, second
    if not m or not n:
        return Differing(UNKNOWN, float("nan"))
    one, other = share(a, m, level=level), share(b, n, level=level)
    d = one.estimate - other.estimate
    low = d - np.hypot(one.estimate - one.low, other.high - other.estimate)
    high = d + np.hypot(one.high - one.estimate, other.estimate - other.low)
    p = stats.fisher_exact([[a, m - a], [b, n - b]]).pvalue
    return Differing(Figure(d, float(low), float(high)), float(p))


def cohen_kappa(first_N: np.ndarray, second_N: np.ndarray, *, level: float = 0.95) -> Figure:
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
    diagonal = np.diag(table)
    a = (diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    crossed = table * (columns[:, None] + rows[None, :]) ** 2
    b = (1 - kappa) ** 2 * (crossed.sum() - np.diag(crossed).sum())
    c = (kappa - chance * (1 - kappa)) ** 2
    error = np.sqrt(max(a + b - c, 0.0) / n) / (1 - chance)
    half = special.ndtri((1 + level) / 2) * error
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


def best_threshold(score_N: Floats, truth_N: np.ndarray) -> float:
    """The threshold with the largest sensitivity plus specificity; of equal ones the middle (Youden 1950).

    A text is called yes at or above it. Choose it on other texts than those that report it.
    """
    if not truth_N.any() or truth_N.all():
        raise EstimateError("a threshold needs texts that are yes and texts that are no")
    levels = np.unique(score_N)
    cuts = np.concatenate([[levels[0]], (levels[:-1] + levels[1:]) / 2])
    yes, no = np.sort(score_N[truth_N]), np.sort(score_N[~truth_N])
    gain = (1 - np.searchsorted(yes, cuts) / yes.size) + np.searchsorted(no, cuts) / no.size
    best = np.flatnonzero(np.isclose(gain, gain.max()))
    return float(cuts[best[best.size // 2]])
