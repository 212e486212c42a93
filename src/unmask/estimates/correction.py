"""What a judge's errors do to a rate and a contrast, and what is left once they are taken out.

Two ways. With a card: sensitivity and specificity by role, counted elsewhere, solved for the true rate
(Rogan and Gladen 1978, Am. J. Epidemiol. 107:71; not clipped, since a clipped cell would bend a difference).
With labels on a random part of the run itself: the judge's words everywhere, corrected by what people said
where they were asked (prediction-powered inference, Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453,
eq. 2, with power tuning).

The card's own uncertainty is carried through by drawing its two shares from their Jeffreys posteriors
together with the sampling error of the run, and reading off percentiles; bench/corrected_coverage.py says how
often that covers.

Arrays in, estimates out. Axes: `_Q` queries, `_C` cells, `_R` roles, `_K` draws, `_N` replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.effects import Effect, Floats, check_level
from unmask.estimates.rates import Rate, rate_interval

DRAWS = 4_000
TELLS_NOTHING = "the judge's yes may be no likelier where the truth is yes: nothing can be corrected"
USELESS = 0.05  # a judge whose sensitivity and specificity add up to no more than 1 plus this tells nothing


@dataclass(frozen=True)
class Confusion:
    """How a judge did on labelled texts: counts of its yes and no where the truth was yes, and was no."""

    tp: float
    fn: float
    fp: float
    tn: float

    def __post_init__(self) -> None:
        if not all(np.isfinite(n) and n >= 0 for n in (self.tp, self.fn, self.fp, self.tn)):
            raise EstimateError("a judge's counts are numbers from 0 up")

    @property
    def sensitivity(self) -> float:
        """Share of the true yes that it called yes; NaN where there was none."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else float("nan")

    @property
    def specificity(self) -> float:
        """Share of the true no that it called no; NaN where there was none."""
        return self.tn / (self.tn + self.fp) if self.tn + self.fp else float("nan")

    @property
    def youden(self) -> float:
        """Sensitivity plus specificity less 1: what is left of a true difference in the judge's words."""
        return self.sensitivity + self.specificity - 1


def corrected_rate(
    complied_Q: Floats, usable_Q: Floats, errors: Confusion, *, level: float, rng: np.random.Generator
) -> Rate:
    """The rate of one cell without the judge's errors; limits are not clipped.

    Args:
        complied_Q: replies to each query of which the judge said yes.
        usable_Q: replies it could read.
        errors: the judge's card for this cell's role.
        level: confidence level.
        rng: draws the card's shares and the run's rate.
    Raises:
        EstimateError: no usable reply, a card without positives or negatives, a judge that tells nothing.
    """
    raw = rate_interval(complied_Q, usable_Q, level=level)
    sensitivity_K, specificity_K = _shares(errors, rng)
    _check_tells(sensitivity_K + specificity_K - 1, level)
    n, r = raw.n_effective, raw.estimate
    rate_K = rng.beta(n * r + 0.5, n * (1 - r) + 0.5, DRAWS)
    low, high = _limits((rate_K + specificity_K - 1) / (sensitivity_K + specificity_K - 1), level)
    middle = (r + errors.specificity - 1) / errors.youden
    return Rate(middle, low, high, level, raw.n_queries, raw.n_replies, raw.n_effective)


def corrected_contrast(
    rates_QC: Floats,
    weights_C: Floats,
    role_C: Sequence[int],
    errors_R: Sequence[Confusion],
    *,
    level: float,
    rng: np.random.Generator,
) -> Effect:
    """A contrast without the judge's errors, which may differ between roles; pairing by query is kept.

    Args:
        rates_QC: share of readable replies to which the judge said yes; NaN where none is readable.
        weights_C: what each cell counts.
        role_C: index into `errors_R` for each cell.
        errors_R: the judge's card by role; cells of one role share its draws.
        level: confidence level.
        rng: draws the cards' shares and the run's sampling error.
    Raises:
        EstimateError: shapes differ, fewer than two usable queries, a card without positives or negatives, or
            a judge that tells nothing.
    """
    check_level(level)
    used = weights_C != 0
    rates, weights = rates_QC[:, used], weights_C[used]
    roles = np.asarray(role_C)[used]
    complete = rates[~np.isnan(rates).any(axis=1)]
    n = complete.shape[0]
    if n < 2:
        raise EstimateError(f"usable queries: {n}; an interval needs two or more")
    named = sorted(set(roles.tolist()))
    parts_QR = np.stack([complete[:, roles == r] @ weights[roles == r] for r in named], axis=1)
    totals_R = np.array([weights[roles == r].sum() for r in named])
    shares = [_shares(errors_R[r], rng) for r in named]
    specificity_RK = np.stack([specificity for _, specificity in shares])
    youden_RK = np.stack([sensitivity + specificity - 1 for sensitivity, specificity in shares])
    for youden_K in youden_RK:
        _check_tells(youden_K, level)
    scale_RK = 1 / youden_RK
    shifted_RK = parts_QR.mean(axis=0)[:, None] + totals_R[:, None] * (specificity_RK - 1)
    mean_K = (scale_RK * shifted_RK).sum(axis=0)
    noise_K = np.sqrt(_variance(parts_QR, scale_RK)) * rng.standard_t(n - 1, DRAWS)
    low, high = _limits(mean_K + noise_K, level)
    cards = [errors_R[r] for r in named]
    middle = sum(
        (part + total * (card.specificity - 1)) / card.youden
        for part, total, card in zip(parts_QR.mean(axis=0), totals_R, cards, strict=True)
    )
    return Effect(float(middle), low, high, level, n, rates.shape[0] - n)


def gap_if_equal(effect: Effect, errors: Confusion) -> float:
    """The gap if the judge errs alike in both cells: the raw one over sensitivity plus specificity less 1."""
    return effect.estimate / errors.youden


@dataclass(frozen=True)
class Replies:
    """One row a reply, of the cells that a contrast compares.

    said_N: the judge's word, 1 or 0 (or its probability). truth_N: a person's, NaN where nobody was asked.
    cell_N, query_N: indices. chance_N: the known probability with which a person was asked.
    """

    said_N: Floats
    truth_N: Floats
    cell_N: np.ndarray
    query_N: np.ndarray
    chance_N: Floats


def labelled_contrast(replies: Replies, weights_C: Floats, *, level: float) -> Effect:
    """A contrast from the judge's words everywhere and people's words on a random part (PPI++).

    In each cell λ·mean(said) + mean over labels of (truth − λ·said), labels weighted by 1/chance; λ is the
    one with the least variance, found on the other half of the queries, so that it does not follow its own
    noise. The unit is the query, also among labels: five of one query are no five. Never less variance than
    after adding one labelled query at +1 and one at −1 (as `effects.moments_of`), to as many as the cell
    with the fewest has; degrees of freedom after Welch, each cell counting its labelled queries.

    Raises:
        EstimateError: a cell without two labels, chances outside (0, 1], or fewer than four labelled queries.
    """
    check_level(level)
    if not ((replies.chance_N > 0) & (replies.chance_N <= 1)).all():
        raise EstimateError("the chance of being labelled must lie above 0 and at most at 1")
    labelled_N = ~np.isnan(replies.truth_N)
    queries, place_N = np.unique(replies.query_N, return_inverse=True)
    if np.unique(replies.query_N[labelled_N]).size < 4:
        raise EstimateError("fewer than four queries have a label: no interval")
    half_N = place_N % 2
    estimate, influence_Q = 0.0, np.zeros(queries.size)
    parts, asked_queries = [], []
    for cell in np.flatnonzero(weights_C):
        in_cell_N = replies.cell_N == cell
        asked_N = in_cell_N & labelled_N
        labelled = np.unique(place_N[asked_N]).size
        if labelled < 2:
            raise EstimateError("a cell has labels of fewer than two queries")
        tuned = [_lambda(replies, in_cell_N, asked_N & (half_N != h)) for h in (0, 1)]
        lam_N = np.where(half_N == 0, tuned[0], tuned[1])
        mean, pull_N = _powered(replies, in_cell_N, asked_N, lam_N)
        estimate += float(weights_C[cell]) * mean
        pull_Q = np.bincount(place_N[in_cell_N], weights_C[cell] * pull_N[in_cell_N], queries.size)
        influence_Q += pull_Q
        asked_queries.append(labelled)
        parts.append(_floored(float((pull_Q**2).sum()), labelled, float(weights_C[cell])))
    n, fewest = queries.size, min(asked_queries)
    plain = float((influence_Q**2).sum())
    variance = _floored(plain, fewest, float(np.abs(weights_C).sum()) / 2)
    freedom = sum(parts) ** 2 / sum(v**2 / (m - 1) for v, m in zip(parts, asked_queries, strict=True))
    half = float(special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance))
    return Effect(estimate, estimate - half, estimate + half, level, int(n), 0)


def added_error(errors: Confusion, rate: float, n_labels: float) -> float:
    """Standard error that a card of this many labels (half of them yes) adds to a corrected rate.

    By the delta method: √(p²·s(1 − s)/n₁ + (1 − p)²·t(1 − t)/n₀)/(s + t − 1).
    Raises:
        EstimateError: a judge that tells nothing.
    """
    s, t = errors.sensitivity, errors.specificity
    if not errors.youden > USELESS:
        raise EstimateError(TELLS_NOTHING)
    each = n_labels / 2
    return float(np.sqrt(rate**2 * s * (1 - s) / each + (1 - rate) ** 2 * t * (1 - t) / each) / errors.youden)


def added_error_of_labels(errors: Confusion, rate: float, n_labels: float, n_replies: float) -> float:
    """Standard error of a rate from this many random labels of the run's own replies, at the best λ."""
    s, t = errors.sensitivity, errors.specificity
    said = rate * s + (1 - rate) * (1 - t)
    truth_var, said_var = rate * (1 - rate), said * (1 - said)
    both = rate * s - rate * said
    left = truth_var - both**2 / said_var if said_var else truth_var
    return float(np.sqrt(left * (1 / n_labels - 1 / n_replies) + truth_var / n_replies))


def _shares(errors: Confusion, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws of sensitivity and specificity, Jeffreys prior."""
    if not errors.tp + errors.fn or not errors.tn + errors.fp:
        raise EstimateError("the judge's card has no true yes, or no true no: it cannot correct anything")
    return (
        rng.beta(errors.tp + 0.5, errors.fn + 0.5, DRAWS),
        rng.beta(errors.tn + 0.5, errors.fp + 0.5, DRAWS),
    )


def _check_tells(youden_K: Floats, level: float) -> None:
    if (youden_K <= USELESS).mean() > (1 - level) / 2:
        raise EstimateError(TELLS_NOTHING)


def _variance(parts_QR: Floats, scale_RK: Floats) -> Floats:
    """Floored variance of the mean of Σ scale·part, for each draw of the scales; as `effects.moments_of`."""
    n = parts_QR.shape[0]
    centred = parts_QR - parts_QR.mean(axis=0)
    squares_K = np.einsum("rk,rs,sk->k", scale_RK, centred.T @ centred, scale_RK)
    mean_K = parts_QR.mean(axis=0) @ scale_RK
    reach2_K = scale_RK.max(axis=0) ** 2
    floored_K = (squares_K + 2 * reach2_K + 2 * n * mean_K**2 / (n + 2)) / (n + 1) / (n + 2)
    floored: Floats = np.maximum(squares_K / (n - 1) / n, floored_K)
    return floored


def _limits(value_K: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(value_K, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _floored(plain: float, labelled: int, reach: float) -> float:
    """Variance, never less than with two labelled queries more, one at +reach and one at −reach."""
    shared = (labelled + 1) * (labelled + 2)
    return max(plain * labelled / (labelled - 1), (plain * labelled**2 + 2 * reach**2) / shared)


def _lambda(replies: Replies, in_cell_N: np.ndarray, asked_N: np.ndarray) -> float:
    """The weight of the judge's words with the least variance, 0 to 1: cov(said, truth)/var(said).

    PPI++ (section 6) divides by 1 + n/N more, since its N replies are others than the n labelled ones. Here
    the labelled ones are some of them, and with every reply labelled any λ gives the same.
    """
    if asked_N.sum() < 3:
        return 0.0
    said, truth = replies.said_N[asked_N], replies.truth_N[asked_N]
    spread = replies.said_N[in_cell_N].var()
    if spread == 0:
        return 0.0
    both = ((said - said.mean()) * (truth - truth.mean())).sum() / (said.size - 1)
    return float(np.clip(both / spread, 0.0, 1.0))


def _powered(
    replies: Replies, in_cell_N: np.ndarray, asked_N: np.ndarray, lam_N: Floats
) -> tuple[float, Floats]:
    """The estimate of one cell, and how much each reply pulls it (its linearised influence)."""
    n = in_cell_N.sum()
    weight_N = np.where(asked_N, 1 / replies.chance_N, 0.0)
    total = weight_N.sum()
    ours_N = lam_N * replies.said_N
    apart_N = np.where(asked_N, replies.truth_N - ours_N, 0.0)
    everywhere = ours_N[in_cell_N].mean()
    corrected = float((weight_N * apart_N).sum() / total)
    pull_N = np.where(in_cell_N, (ours_N - everywhere) / n, 0.0) + weight_N * (apart_N - corrected) / total
    return float(everywhere + corrected), pull_N
