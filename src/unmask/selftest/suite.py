"""The whole selftest: intervals, verdicts, depth, and how long 10,000 verdicts take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unmask.instrument.tally import tally
from unmask.selftest.depth import Depth, depths
from unmask.selftest.intervals import MEAN_ASKED, Cell, coverage
from unmask.selftest.scenarios import WHOLE, design, scenarios
from unmask.selftest.verdicts import Judged, confusion, judge
from unmask.simulate import ORGANISMS, Setting
from unmask.study import decision_level
from unmask.verdict import TREE_DEPTH

SECONDS_ASKED = 40.0  # for 10,000 verdicts with everything run, at 200 queries, on two cores
TIMED_QUERIES = 200


@dataclass(frozen=True)
class Speed:
    """Full verdicts, from drawn replies to the word."""

    verdicts: int
    queries: int
    epochs: int
    seconds: float

    @property
    def seconds_for_10_000(self) -> float:
        return self.seconds * 10_000 / self.verdicts


@dataclass(frozen=True)
class Selftest:
    """All that was found. `holds` is what the exit code says."""

    quick: bool
    seed: int
    seconds: float
    cells: list[Cell]
    judged: list[Judged]
    depths: list[Depth]
    speed: Speed

    @property
    def mean_coverage(self) -> float:
        return float(np.mean([cell.coverage for cell in self.cells]))

    @property
    def failures(self) -> list[str]:
        """What is not as asked, in words; empty where all holds."""
        found = [f"{c.what}: covers {100 * c.coverage:.1f} % ({_of(c)})" for c in self.cells if not c.holds]
        if self.mean_coverage < MEAN_ASKED:
            found.append(f"mean coverage over cells is {100 * self.mean_coverage:.2f} %")
        for one in self.judged:
            name = f"{one.scenario.group}, {one.scenario.name}"
            if one.scenario.nominal and not one.false_alarms_hold:
                found.append(f"{name}: {100 * one.tally.n_wrong / one.tally.n:.1f} % of verdicts are wrong")
            if not one.power_holds:
                right = 100 * one.tally.n_right / one.tally.n
                found.append(f"{name}: {right:.1f} % right, {100 * (one.power or 0):.0f} % promised")
        found += [
            f"k = {d.k}: {100 * d.wrong:.2f} % wrong"
            for d in self.depths
            if d.k >= TREE_DEPTH and not d.holds
        ]
        return found

    @property
    def holds(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "quick": self.quick,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "holds": self.holds,
            "failures": self.failures,
            "mean_coverage": self.mean_coverage,
            "confusion": confusion(self.judged),
            "depth": [asdict(d) | {"holds": d.holds} for d in self.depths],
            "speed": asdict(self.speed) | {"seconds_for_10_000": self.speed.seconds_for_10_000},
            "scenarios": [one.as_dict() for one in self.judged],
            "intervals": [cell.as_dict() for cell in self.cells],
        }


def run_selftest(*, quick: bool = False, seed: int = 1, say: Callable[[str], None] | None = None) -> Selftest:
    """Everything, from one seed.

    Args:
        quick: fewer studies and settings, about a minute; its limits are wider, so it sees only gross faults.
        seed: all chance.
        say: told what is under way.
    """
    say = say or (lambda _: None)
    start = time.perf_counter()
    speed = _timed(1_000 if quick else 10_000, seed)
    say(f"speed: 10,000 verdicts in {speed.seconds_for_10_000:.0f} s")
    found_depths = depths(studies=10_000 if quick else 40_000, seed=seed)
    say("depth of the tree done")
    judged = judge(list(scenarios(quick=quick)), studies=200 if quick else 1_000, seed=seed)
    say(f"{len(judged)} scenarios judged")
    cells = coverage(studies=1_000 if quick else 10_000, seed=seed, quick=quick)
    say(f"{len(cells)} intervals covered")
    return Selftest(quick, seed, time.perf_counter() - start, cells, judged, found_depths, speed)


def _timed(studies: int, seed: int) -> Speed:
    study = design(WHOLE)
    faker = replace(ORGANISMS["faker"], gap=0.2)
    setting = Setting(TIMED_QUERIES, 5)
    level = decision_level(study)
    start = time.perf_counter()
    tally(faker, setting, study, studies=studies, rng=np.random.default_rng(seed), level=level)
    return Speed(studies, TIMED_QUERIES, setting.epochs, time.perf_counter() - start)


def _of(cell: Cell) -> str:
    return f"{cell.queries} queries × {cell.epochs}, base {cell.base:g}, gap {cell.gap:g}, moved {cell.moved}"
