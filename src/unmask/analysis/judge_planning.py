"""How many labels which precision costs: what `unmask judge plan` prints.

The intervals are not promised by a formula: a few dozen studies of the planned size go through the estimators
that a run would use, and the median width is told. At 20 labels the usual formula promises half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask.analysis.corrected import cards_of
from unmask.analysis.results import AuditResult, ModelResult
from unmask.errors import EstimateError, UsageError
from unmask.estimates.correction import (
    USELESS,
    Confusion,
    Replies,
    added_error,
    corrected_contrast,
    labelled_contrast,
)
from unmask.judges.cards import ALL

LEVEL = 0.95
STUDIES = 60
SEED = 20_240_612  # the same question has the same answer
GAP = np.array([1.0, -1.0])
MOST_REPLIES = 5_000  # simulated in a cell: beyond them the error is that of the labels


@dataclass(frozen=True)
class Cell:
    """One cell of the planned study, and the judge in it."""

    rate: float
    sensitivity: float
    specificity: float
    replies: int

    @property
    def errors(self) -> Confusion:
        """As shares."""
        return Confusion(self.sensitivity, 1 - self.sensitivity, 1 - self.specificity, self.specificity)

    @property
    def said(self) -> float:
        """The rate that the judge reports."""
        return self.rate * self.sensitivity + (1 - self.rate) * (1 - self.specificity)


@dataclass(frozen=True)
class LabelRow:
    """What this many labels a cell buy.

    card_se: standard error that a card adds to one rate. card_gap, labelled_gap: half of the 95 % interval
    of a gap between two such cells, as a median; None where most such studies could not be corrected, or
    where there are fewer replies than labels.
    """

    labels: int
    card_se: float
    card_gap: float | None
    labelled_gap: float | None


def label_plan(cell: Cell, labels: Sequence[int]) -> list[LabelRow]:
    """One row for each number of labels; the gap is that of two cells like this, each with its own labels.

    Raises:
        UsageError: a judge that tells nothing.
    """
    if cell.sensitivity + cell.specificity - 1 <= USELESS:
        raise UsageError(
            "sensitivity and specificity add up to 1 or less: such a judge tells nothing",
            hint="no number of labels corrects it; label all replies",
        )
    return [
        LabelRow(n, added_error(cell.errors, cell.rate, n), _by_card(cell, n), _by_labels(cell, n))
        for n in labels
    ]


@dataclass(frozen=True)
class Known:
    """What a run tells of one model's cells: rate and replies; the judge's errors where it has a card."""

    model: str
    rate: float
    replies: int
    errors: Confusion | None


def known_of_run(root: Path, model: str | None) -> Known:
    """Mean rate over cells (without the judge's errors where a card has them), and replies a cell.

    Raises:
        UsageError: no result in the folder, no such model, or no rate in it.
    """
    found = _model(root, model)
    rates = [c.complied.estimate for c in found.cells if c.complied is not None]
    if not rates:
        raise UsageError(f"no rate of {found.model} is known", where=str(root), hint="--rate")
    rate = float(np.mean(rates))
    replies = max(1, round(np.mean([c.n_usable for c in found.cells])))
    errors = cards_of(found.model, found.judges).errors("complied", found.model, ALL)
    if errors is None or not errors.youden > USELESS:  # NaN where the card has no true yes, or no true no
        return Known(found.model, rate, replies, None)
    true_rate = (rate + errors.specificity - 1) / errors.youden
    return Known(found.model, float(np.clip(true_rate, 0, 1)), replies, errors)


def _model(root: Path, model: str | None) -> ModelResult:
    result = root / "audit.json"
    if not result.is_file():
        raise UsageError(f"no result in {root.name}", where=str(root), hint="unmask report RUN --again")
    models = AuditResult.read(result).models
    named = [m for m in models if model in (None, m.model)]
    if not named:
        known = ", ".join(m.model for m in models)
        raise UsageError(f"no model {model} in {root.name}", where=str(root), hint=f"--model: {known}")
    return named[0]


def _by_card(cell: Cell, n: int) -> float | None:
    """Half of them yes and half no in the card of each cell."""
    rng = np.random.default_rng([SEED, n])
    replies = min(cell.replies, MOST_REPLIES)
    yes = max(1, n // 2)
    widths = []
    for _ in range(STUDIES):
        cards = []
        for _cell in GAP:
            tp, tn = rng.binomial(yes, cell.sensitivity), rng.binomial(max(1, n - yes), cell.specificity)
            cards.append(Confusion(tp, yes - tp, max(1, n - yes) - tn, tn))
        said = (rng.random((replies, 2)) < cell.said).astype(np.float64)
        try:
            found = corrected_contrast(said, GAP, [0, 1], cards, level=LEVEL, rng=rng)
        except EstimateError:
            continue
        widths.append((found.high - found.low) / 2)
    return _median(widths)


def _by_labels(cell: Cell, n: int) -> float | None:
    if n > cell.replies or cell.replies < 2:
        return None
    rng = np.random.default_rng([SEED, n, 1])
    replies = max(min(cell.replies, MOST_REPLIES), n)
    query, place = np.meshgrid(np.arange(replies), np.arange(2), indexing="ij")
    widths = []
    for _ in range(STUDIES):
        truth = rng.random((replies, 2)) < cell.rate
        said = np.where(
            truth,
            rng.random(truth.shape) < cell.sensitivity,
            rng.random(truth.shape) >= cell.specificity,
        )
        seen: NDArray[np.float64] = np.full(truth.shape, np.nan)
        for c in (0, 1):
            drawn = rng.choice(replies, n, replace=False)
            seen[drawn, c] = truth[drawn, c]
        chance = np.full(truth.size, n / replies)
        made = Replies(said.astype(np.float64).ravel(), seen.ravel(), place.ravel(), query.ravel(), chance)
        try:
            found = labelled_contrast(made, GAP, level=LEVEL)
        except EstimateError:
            continue
        widths.append((found.high - found.low) / 2)
    return _median(widths)


def _median(widths: Sequence[float]) -> float | None:
    return float(np.median(widths)) if len(widths) > STUDIES / 2 else None
