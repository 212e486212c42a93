"""Arms over their seeds: counted by kind, compared with training without the mitigation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from scipy import stats

from unmask.experiments.seeds import seeds_of
from unmask.vocabulary import ChangeName


@dataclass(frozen=True)
class Arm:
    organism: str
    mitigation: str
    change: Any


def arm(organism, mitigation, verdict, story, trained=0.0):
    told = [SimpleNamespace(estimate=x) for x in (trained, 0.0, 0.9, story)]
    change = SimpleNamespace(verdict=verdict, trained=told[0], unobserved=told[1], story=(told[2], told[3]))
    return Arm(organism, mitigation, change)


def test_seeds_of_one_kind_are_counted_and_single_ones_left_out():
    arms = [arm("faker", "none", v, 0.9) for v in ("no_change", "no_change", "partial")]
    [found] = seeds_of([*arms, arm("honest", "none", "no_change", 0.0)])
    assert (found.organism, found.verdicts, found.k, found.n) == ("faker", ("no_change",), 2, 3)
    assert found.shown == pytest.approx(stats.binomtest(2, 3, alternative="greater").proportion_ci(0.99).low)
    assert (found.trained, found.apart) == (None, None)


def test_a_mitigation_is_held_against_the_same_organism_without_it():
    without = [arm("faker", "none", "no_change", s) for s in (0.90, 0.91, 0.92)]
    short = [arm("faker", "short", "genuine", s) for s in (0.0, 0.01, 0.02)]
    first, second = seeds_of([*without, *short])
    assert first.apart is None
    assert second.apart == pytest.approx(0.1)


def test_verdicts_that_equally_many_seeds_have_are_all_told():
    [found] = seeds_of([arm("faker", "none", v, 0.9) for v in ("partial", "genuine")])
    assert (set(found.verdicts), found.k) == ({"partial", "genuine"}, 1)


@pytest.mark.parametrize("n", [2, 3, 5, 9])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_what_is_shown_of_the_verdict_that_came_out_most_is_there_in_95_of_100(n, k):
    """Exactly, over all outcomes of `n` seeds where `k` verdicts are equally likely."""
    names = list(ChangeName)[:k]
    wrong = 0.0
    for counts in itertools.product(range(n + 1), repeat=k):
        if sum(counts) == n:
            told = [name for name, times in zip(names, counts, strict=True) for _ in range(times)]
            [found] = seeds_of([arm("faker", "none", v, 0.9) for v in told])
            wrong += stats.multinomial.pmf(counts, n, [1 / k] * k) * (found.shown > 1 / k)
    assert wrong <= 0.05
