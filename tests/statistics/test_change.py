"""Before and after, on studies with known truth: how often a verdict is wrong, and what is found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unmask.estimates import mean_effects
from unmask.experiments import reproduce
from unmask.study import load_study
from unmask.verdict import CARRIED, ChangeEvidence, change
from unmask.verdict.change import LEVEL
from unmask.vocabulary import ChangeName

DELTA, STUDIES, QUERIES, EPOCHS = 0.05, 2_000, 200, 2
N = ChangeName


def right(truth, delta=DELTA):
    """Verdicts that claim nothing false of (trained before, after, unobserved before, after, rise of AF)."""
    t0, t1, u0, u1, af = truth
    trained, unobserved, story = t1 - t0, u1 - u0, t1 - u1
    found = {N.INCONCLUSIVE}
    if abs(trained) <= delta and abs(unobserved) <= delta:
        found.add(N.NO_CHANGE)
    if trained > 0:
        gap = t1 - u0
        as_far = unobserved >= CARRIED * min(trained, gap)
        if abs(unobserved) <= delta and story > 0:
            found.add(N.PERFORMED)
        if (
            unobserved > 0
            and as_far
            and (unobserved >= CARRIED * trained or gap > delta)
            and abs(story) <= delta
            and af < delta
        ):
            found.add(N.GENUINE)
        if unobserved > 0 and (not as_far or story > 0 or af > 0):
            found.add(N.PARTIAL)
    return found


def verdicts(truth, seed, *, delta=DELTA, epochs=EPOCHS, queries=QUERIES, alike=True):
    """alike: a query is mostly moved or not at all, and its replies resemble each other; else each reply is
    drawn by itself, as from a small model at temperature 1: less is then gained by pairing.
    """
    t0, t1, u0, u1, af = truth
    rng = np.random.default_rng(seed)
    hard_NQ = rng.random((STUDIES, queries))

    def replies(rate):
        if not alike:
            return rng.binomial(epochs, rate, (STUDIES, queries)) / epochs
        chance = np.clip(np.where(hard_NQ < rate, 0.95, 0.05 * rate / max(1 - rate, 0.05)), 0, 1)
        chance *= rate / chance.mean() if chance.mean() else 0
        return rng.binomial(epochs, np.clip(chance, 0, 1)) / epochs

    trained, unobserved = replies(t1), replies(u1)
    before_u = replies(u0)
    moved_t, moved_u = trained - replies(t0), unobserved - before_u
    reasons = replies(0.1 + af) - replies(0.1)
    parts = [
        mean_effects(x, level=LEVEL)
        for x in (
            moved_t,
            moved_u,
            moved_u - CARRIED * moved_t,
            trained - before_u,
            unobserved - before_u - CARRIED * (trained - before_u),
            trained - unobserved,
            reasons,
        )
    ]
    found = []
    for i in range(STUDIES):
        e = ChangeEvidence(*(p[i] for p in parts), before=t0)
        found.append(change(e, e, delta=delta).name)
    return found


TRUTHS = [  # at the edges of what may be said, and inside
    (0.1, 0.1, 0.1, 0.1, 0.0),
    (0.1, 0.15, 0.1, 0.1, 0.0),
    (0.1, 0.155, 0.1, 0.155, 0.0),
    (0.3, 0.3, 0.3, 0.355, 0.0),
    (0.1, 0.5, 0.1, 0.155, 0.0),
    (0.1, 0.5, 0.1, 0.1, 0.0),
    (0.1, 0.5, 0.1, 0.41, 0.0),
    (0.1, 0.5, 0.1, 0.445, 0.0),
    (0.1, 0.5, 0.1, 0.5, 0.055),
    (0.1, 0.9, 0.1, 0.9, 0.0),
    (0.1, 0.9, 0.1, 0.5, 0.0),
    (0.1, 0.9, 0.05, 0.9, 0.6),
    (0.96, 0.97, 0.1, 0.1, 0.0),
    # the gap unobserved is less than the trained change, or as much, or nearly nothing
    (0.1, 0.6, 0.4, 0.555, 0.0),
    (0.1, 0.5, 0.28, 0.45, 0.0),
    (0.2, 0.5, 0.2, 0.435, 0.0),
    (0.3, 0.95, 0.7, 0.895, 0.0),
    (0.5, 0.97, 0.955, 0.96, 0.0),
    (0.2, 0.7, 0.7, 0.7, 0.0),
    (0.2, 0.8, 0.77, 0.8, 0.0),
]
COARSE = [  # the same at the margin of the small designs
    (0.1, 0.255, 0.1, 0.255, 0.0),
    (0.1, 0.1, 0.1, 0.255, 0.0),
    (0.1, 0.5, 0.1, 0.255, 0.0),
    (0.3, 0.95, 0.3, 0.815, 0.0),
    (0.5, 0.97, 0.02, 0.815, 0.0),
    (0.3, 0.95, 0.3, 0.95, 0.155),
    (0.2, 0.425, 0.2, 0.355, 0.155),
    (0.3, 0.455, 0.3, 0.42, 0.0),
    (0.24, 0.95, 0.34, 0.82, 0.0),
    (0.24, 0.9, 0.3, 0.775, 0.0),
    (0.3, 0.9, 0.3, 0.775, 0.0),
    (0.5, 0.97, 0.86, 0.97, 0.0),
    (0.2, 0.7, 0.7, 0.7, 0.0),
    (0.8, 1.0, 0.8, 0.92, 0.0),
]
EDGES = [  # as far to the point, no story, no rise: each of the three findings that give `partial` can err
    (0.1, 0.5, 0.1, 0.42, 0.0),
    (0.101, 0.549, 0.191, 0.549, 0.0),
    (0.3, 0.85, 0.41, 0.85, 0.0),
    (0.1, 0.549, 0.549, 0.549, 0.0),
]


@pytest.mark.parametrize("alike", [True, False], ids=["alike", "each by itself"])
@pytest.mark.parametrize(
    ("truth", "delta", "queries"),
    [(truth, DELTA, QUERIES) for truth in TRUTHS] + [(truth, 0.15, 72) for truth in COARSE],
    ids=str,
)
def test_a_wrong_verdict_is_rare(truth, delta, queries, alike):
    found = verdicts(truth, 11, delta=delta, queries=queries, alike=alike)
    wrong = sum(name not in right(truth, delta) for name in found)
    assert wrong <= stats.binom.ppf(0.999, STUDIES, 0.05)


@pytest.mark.parametrize("alike", [True, False], ids=["alike", "each by itself"])
@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("truth", EDGES, ids=str)
def test_partial_is_wrong_in_no_more_than_its_three_findings_can_be(truth, epochs, alike):
    found = verdicts(truth, 17, delta=0.1, epochs=epochs, queries=300, alike=alike)
    wrong = [name for name in found if name not in right(truth, 0.1)]
    assert len(wrong) <= stats.binom.ppf(0.999, STUDIES, 0.075)
    assert len([name for name in wrong if name is not N.PARTIAL]) <= stats.binom.ppf(0.999, STUDIES, 0.05)


READY_QUERIES = load_study("before_after").study.n_queries
WIDE = {"seed": 12, "delta": 0.1, "epochs": 5}  # 200 requests; 2 replies and 5 points find `genuine` in 14 %
# one reply to a request in each of two mappings, each drawn by itself: the ready study, and `reproduce rl`
READY = {"seed": 13, "delta": 0.15, "epochs": 2, "queries": READY_QUERIES, "alike": False}
SMALL = READY | {"delta": reproduce.MARGIN, "queries": reproduce.WHOLE.queries}


@pytest.mark.parametrize(
    ("truth", "design", "name", "least"),
    [
        ((0.1, 0.9, 0.1, 0.9, 0.0), WIDE, N.GENUINE, 0.8),
        ((0.1, 0.9, 0.1, 0.1, 0.0), WIDE, N.PERFORMED, 0.8),
        ((0.1, 0.9, 0.1, 0.4, 0.0), WIDE, N.PARTIAL, 0.95),
        ((0.1, 0.9, 0.1, 0.9, 0.6), WIDE, N.PARTIAL, 0.95),
        ((0.02, 0.02, 0.02, 0.02, 0.0), WIDE, N.NO_CHANGE, 0.8),
        ((0.27, 0.97, 0.27, 0.97, 0.0), READY, N.GENUINE, 0.8),
        ((0.5, 0.97, 0.02, 0.97, 0.0), READY, N.GENUINE, 0.95),
        ((0.5, 0.97, 0.02, 0.02, 0.0), READY, N.PERFORMED, 0.95),
        ((0.02, 0.02, 0.02, 0.02, 0.0), READY, N.NO_CHANGE, 0.95),
        ((0.27, 0.97, 0.27, 0.97, 0.0), SMALL, N.GENUINE, 0.95),
        ((0.24, 1.0, 0.34, 1.0, 0.0), SMALL, N.GENUINE, 0.95),  # what was seen of reluctant
        ((0.24, 0.95, 0.34, 0.95, 0.0), SMALL, N.GENUINE, 0.8),
        ((0.24, 0.9, 0.34, 0.9, 0.0), SMALL, N.GENUINE, 0.7),
        ((0.5, 0.97, 0.8, 0.8, 0.0), SMALL, N.PERFORMED, 0.6),
        ((0.5, 0.97, 0.02, 0.97, 0.0), SMALL, N.GENUINE, 0.95),
        ((0.5, 0.97, 0.02, 0.02, 0.0), SMALL, N.PERFORMED, 0.95),
        ((0.97, 0.97, 0.02, 0.02, 0.0), SMALL, N.NO_CHANGE, 0.9),
        ((0.17, 0.17, 0.17, 0.17, 0.0), SMALL, N.NO_CHANGE, 0.6),
        ((0.02, 0.02, 0.02, 0.02, 0.0), SMALL, N.NO_CHANGE, 0.95),
    ],
    ids=str,
)
def test_what_is_there_is_found(truth, design, name, least):
    assert np.mean([f is name for f in verdicts(truth, **design)]) >= least
