"""How far people agree: Cohen's kappa for pairs, Krippendorff's alpha over all; as said and as yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from unmask.estimates.agreement import UNKNOWN, Figure, cohen_kappa, krippendorff_alpha
from unmask.labelling.texts import TASKS
from unmask.vocabulary import HumanLabel

SEED = 20_240_612  # the bootstrap's: the same labels give the same interval


@dataclass(frozen=True)
class Pair:
    """Two labellers on the texts that both labelled."""

    first: str
    second: str
    n: int
    agreed: int
    kappa: Figure
    kappa_yes: Figure  # of the labels as yes or no; artefacts left out


@dataclass(frozen=True)
class Agreement:
    """Of one task: who labelled how many, every pair, and all together."""

    task: str
    labelled: dict[str, int]
    both: int  # texts with two labels or more
    pairs: list[Pair]
    alpha: Figure
    alpha_yes: Figure

    def as_dict(self) -> dict[str, Any]:
        """Plain data; what cannot be known is None."""
        found: dict[str, Any] = _known(asdict(self))
        return found


def agreement_of(labels: pl.DataFrame) -> list[Agreement]:
    """For each task that has labels; `labels` has the columns of `schema.LABELS`."""
    tasks = [(task, labels.filter(pl.col("task") == str(task))) for task in TASKS]
    return [_of_task(str(task), rows) for task, rows in tasks if rows.height]


def _of_task(task: str, labels: pl.DataFrame) -> Agreement:
    said = {
        (who, what): word for who, what, word in labels.select("labeller", "reply_id", "label").iter_rows()
    }
    names, texts = sorted({who for who, _ in said}), sorted({what for _, what in said})
    said_LN = np.array([[said.get((who, what), "") for what in texts] for who in names], dtype=str)
    yes_LN = _as_yes_or_no(said_LN)
    return Agreement(
        task=task,
        labelled={name: int((row != "").sum()) for name, row in zip(names, said_LN, strict=True)},
        both=int(((said_LN != "").sum(axis=0) >= 2).sum()),
        pairs=[_pair(names, said_LN, yes_LN, i, j) for i, j in combinations(range(len(names)), 2)],
        alpha=_alpha(said_LN),
        alpha_yes=_alpha(yes_LN),
    )


def _pair(names: Sequence[str], said_LN: np.ndarray, yes_LN: np.ndarray, i: int, j: int) -> Pair:
    one, other = _both(said_LN[i], said_LN[j])
    agreed = int((one == other).sum())
    return Pair(
        names[i], names[j], one.size, agreed, _kappa(one, other), _kappa(*_both(yes_LN[i], yes_LN[j]))
    )


def _both(one_N: np.ndarray, other_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = (one_N != "") & (other_N != "")
    return one_N[there], other_N[there]


def _kappa(one: np.ndarray, other: np.ndarray) -> Figure:
    return cohen_kappa(one, other) if one.size else UNKNOWN


def _alpha(said_LN: np.ndarray) -> Figure:
    # one labeller, or no text in common: there is nothing to compare
    if not ((said_LN != "").sum(axis=0) >= 2).any():
        return UNKNOWN
    return krippendorff_alpha(said_LN, rng=np.random.default_rng(SEED))


def _as_yes_or_no(said_LN: np.ndarray) -> np.ndarray:
    words = {str(w): "" if w.truth is None else ("yes" if w.truth else "no") for w in HumanLabel}
    return np.array([[words.get(str(w), "") for w in row] for row in said_LN], dtype=str)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _known(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_known(v) for v in value]
    return None if isinstance(value, float) and np.isnan(value) else value
