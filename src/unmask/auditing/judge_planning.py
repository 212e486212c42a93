"""How many labels which precision costs, by the formulas that `unmask judge plan` prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from unmask.errors import UsageError
from unmask.estimates.correction import USELESS, Confusion, added_error, added_error_of_labels

LEVEL = 0.95


def label_plan(
    rate: float, sensitivity: float, specificity: float, replies: int, labels: Sequence[int]
) -> list[dict[str, float]]:
    """For each number of labels a cell: the error a card adds, and half of a corrected gap's width.

    The gap is that of two cells with this rate and their own cards or labels.

    Raises:
        UsageError: a judge that tells nothing.
    """
    if sensitivity + specificity - 1 <= USELESS:
        raise UsageError(
            "sensitivity and specificity add up to 1 or less: such a judge tells nothing",
            hint="no number of labels corrects it; label all replies",
        )
    errors = Confusion(sensitivity, 1 - sensitivity, 1 - specificity, specificity)
    said = rate * sensitivity + (1 - rate) * (1 - specificity)
    sampling = said * (1 - said) / replies / errors.youden**2
    z = float(special.ndtri((1 + LEVEL) / 2))
    rows = []
    for n in labels:
        card = added_error(errors, rate, n)
        own = added_error_of_labels(errors, rate, min(n, replies), replies)
        rows.append(
            {
                "labels": n,
                "bias": said - rate,
                "card_se": card,
                "card_gap": float(z * np.sqrt(2 * (sampling + card**2))),
                "labelled_gap": float(z * np.sqrt(2) * own),
            }
        )
    return rows
