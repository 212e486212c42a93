"""Linear probes: a standardised logistic regression, and the layer where it does best on texts it never saw.

Arrays in, arrays out. Axes: `_N` texts, `_L` layers, `_D` width. A score is a log odds: above 0 it says yes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from unmask.errors import UsageError
from unmask.probes.activations import Activations

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Whole = NDArray[np.int64]
LEAST_SCALE = 1e-6  # a feature that hardly varies in training says nothing; dividing by it would shout


class ProbeError(UsageError):
    """A probe cannot be fitted, read or used."""


@dataclass(frozen=True)
class Linear:
    """`weights_D · (x − mean_D) / scale_D + intercept`."""

    mean_D: Floats
    scale_D: Floats
    weights_D: Floats
    intercept: float

    def scores(self, acts_ND: Activations) -> Floats:
        """Log odds of each text.

        Raises:
            ProbeError: the activations have another width.
        """
        if acts_ND.shape[-1] != self.mean_D.size:
            raise ProbeError(f"activations of width {acts_ND.shape[-1]} for a probe of {self.mean_D.size}")
        scores: Floats = (acts_ND - self.mean_D) / self.scale_D @ self.weights_D + self.intercept
        return scores

    @property
    def direction_D(self) -> Floats:
        """The unit vector in the residual stream along which the score rises fastest."""
        raw_D = self.weights_D / self.scale_D
        return np.asarray(raw_D / np.linalg.norm(raw_D))


@dataclass(frozen=True)
class Chosen:
    """The layer with the least log loss on unseen texts; scores and losses are of unseen texts too."""

    layer: int
    scores_N: Floats
    loss_L: Floats


def fit(acts_ND: Activations, truth_N: Bools, *, inverse_penalty: float) -> Linear:
    """Fit one probe; both classes weigh the same.

    Raises:
        ProbeError: one class only, or numbers that are none.
    """
    yes = int(truth_N.sum())
    if yes in (0, truth_N.size):
        raise ProbeError(
            f"{yes} of {truth_N.size} texts are yes: a probe needs both",
            hint="other organisms, or more queries: this one does the same everywhere",
        )
    if not np.isfinite(acts_ND).all():
        raise ProbeError("activations that are no numbers")
    mean_D, scale_D = acts_ND.mean(axis=0, dtype=float), acts_ND.std(axis=0, dtype=float)
    scale_D = np.where(scale_D < LEAST_SCALE, np.inf, scale_D)
    model = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=2_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit((acts_ND - mean_D) / scale_D, truth_N)
        except ConvergenceWarning as e:
            raise ProbeError("the probe did not converge", hint="a smaller inverse_penalty") from e
    kept = np.isfinite(scale_D)  # JSON has no infinity: a weight of 0 says the same
    return Linear(
        mean_D, np.where(kept, scale_D, 1.0), np.where(kept, model.coef_[0], 0.0), float(model.intercept_[0])
    )


def choose_layer(
    acts_NLD: Activations, truth_N: Bools, fold_N: Whole, model_N: Whole, *, inverse_penalty: float
) -> Chosen:
    """The layer by cross-validation on training texts alone.

    Each text is scored by a probe that saw no text of its fold, and, where there are several models, none of
    its model: so the layer is chosen for what carries over. The loss of a probe's own calibration across
    models counts too.

    Args:
        acts_NLD: shape (N, L, D).
        truth_N: yes or no.
        fold_N: the fold of each text; texts of one query must share one.
        model_N: whose activations they are.
        inverse_penalty: of the regression.
    Raises:
        ProbeError: a fold whose training texts are all of one class.
    """
    models = np.unique(model_N)
    scores_LN = np.full((acts_NLD.shape[1], truth_N.size), np.nan)
    for fold in np.unique(fold_N):
        for one in models:
            unseen = (fold_N == fold) & (model_N == one)
            seen = (fold_N != fold) & ((model_N != one) | (models.size == 1))
            for layer in range(acts_NLD.shape[1]):
                probe = fit(acts_NLD[seen, layer], truth_N[seen], inverse_penalty=inverse_penalty)
                scores_LN[layer, unseen] = probe.scores(acts_NLD[unseen, layer])
    loss_LN = -special.log_expit(np.where(truth_N, scores_LN, -scores_LN))
    weight_N = np.where(truth_N, 0.5 / truth_N.sum(), 0.5 / (~truth_N).sum())
    loss_L = loss_LN @ weight_N
    layer = int(loss_L.argmin())
    return Chosen(layer, scores_LN[layer], loss_L)
