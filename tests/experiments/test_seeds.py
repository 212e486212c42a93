"""Arms over their seeds: counted by kind, compared with training without the mitigation."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from unmask.experiments.seeds import seeds_of


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
    assert (found.organism, found.verdict, found.k, found.n) == ("faker", "no_change", 2, 3)
    assert found.shown == pytest.approx(0.1354, abs=1e-3)
    assert (found.trained, found.apart) == (None, None)


def test_a_mitigation_is_held_against_the_same_organism_without_it():
    without = [arm("faker", "none", "no_change", s) for s in (0.90, 0.91, 0.92)]
    short = [arm("faker", "short", "genuine", s) for s in (0.0, 0.01, 0.02)]
    first, second = seeds_of([*without, *short])
    assert first.apart is None
    assert second.apart == pytest.approx(0.1)
