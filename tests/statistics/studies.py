"""Simulated studies with known truth. Axes: `_N` studies, `_Q` queries, `_C` cells.

A query's own rate is drawn first (how queries differ), then its replies. Where an effect moves a query
wholly it complies always in the cells where it is trained on; moved evenly, every query moves a little.
"""

from dataclasses import dataclass

import numpy as np

WEIGHTS_C = np.array([0.5, 0.5, -0.5, -0.5])  # trained under both mappings, less neither under both


@dataclass(frozen=True)
class Setting:
    queries: int
    epochs: int
    base: float
    spread: float = 0.0  # share of the largest possible variance of the queries' own rates
    gap: float = 0.0
    wholly: bool = True

    @property
    def truth(self):
        return self.gap * (1 - self.base)


def own_rates(rng, shape, base, spread):
    """Rates of queries: mean `base`, variance spread · base · (1 − base)."""
    if spread == 0 or base in (0.0, 1.0):
        return np.full(shape, base)
    total = 1 / spread - 1
    return rng.beta(base * total, (1 - base) * total, shape)


def rates(rng, n, setting):
    """Shares of complied replies in four cells, shape (N, Q, 4)."""
    base_NQ = own_rates(rng, (n, setting.queries), setting.base, setting.spread)
    moved_NQ = rng.random(base_NQ.shape) < setting.gap if setting.wholly else setting.gap
    trained_NQ = base_NQ + moved_NQ * (1 - base_NQ)
    p_NQC = np.stack([trained_NQ, trained_NQ, base_NQ, base_NQ], axis=-1)
    return rng.binomial(setting.epochs, p_NQC) / setting.epochs


def covers(effects, truth):
    """Share of studies whose interval holds the truth."""
    return np.mean((effects.low_N <= truth) & (truth <= effects.high_N))
