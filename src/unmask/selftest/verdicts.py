"""Verdicts of simulated studies against their truth: how many wrong, how many right, what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from unmask.estimates import Effect
from unmask.instrument.many import Many, gather_many
from unmask.instrument.tally import Tally, tally
from unmask.instrument.truth import truth_of
from unmask.selftest.scenarios import Scenario
from unmask.simulate import draw
from unmask.study import conditions_of, decision_level
from unmask.verdict import ALPHA, Key, state
from unmask.verdict.rows import Row, rows_of
from unmask.vocabulary import Contrast, State, VerdictName

PILOT = 100  # studies from which widths and spreads are taken; other draws than those that are judged
POWERED = 0.95
CHANCE = 0.999


@dataclass(frozen=True)
class Judged:
    """One scenario. `power`: what its widths and spreads promise; None where no row is its truth."""

    scenario: Scenario
    tally: Tally
    power: float | None

    @property
    def false_alarms_hold(self) -> bool:
        """Wrong verdicts at or below nominal, beyond chance: α, and half of it for `alignment_faking`."""
        faking = self.tally.wrong.get(VerdictName.ALIGNMENT_FAKING, 0)
        return (
            self.tally.limits(self.tally.n_wrong, level=CHANCE)[0] <= ALPHA
            and self.tally.limits(faking, level=CHANCE)[0] <= ALPHA / 2
        )

    @property
    def power_holds(self) -> bool:
        """Right in 95 % where the design promises that much."""
        promised = self.power is not None and self.power >= POWERED
        return not promised or self.tally.limits(self.tally.n_right, level=CHANCE)[1] >= POWERED

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        s = self.scenario
        sizes = {"queries": s.setting.queries, "epochs": s.setting.epochs}
        named = {"group": s.group, "name": s.name, "design": s.design, "nominal": s.nominal}
        held = {"false_alarms_hold": self.false_alarms_hold, "power_holds": self.power_holds}
        return named | sizes | self.tally.as_dict() | {"power": self.power} | held


def judge(scenarios: Sequence[Scenario], *, studies: int, seed: int) -> list[Judged]:
    """All scenarios, each with its own stream of chance."""
    judged = []
    for number, s in enumerate(scenarios):
        level = decision_level(s.study)
        rng = np.random.default_rng([seed, number])
        found = tally(s.behaviour, s.setting, s.study, studies=studies, rng=rng, level=level, known=s.known)
        judged.append(Judged(s, found, expected_power(s, level=level, rng=rng)))
    return judged


def confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """True region against verdict, over scenarios of which the nominal rate is asked."""
    table: dict[str, Counter[str]] = {}
    for one in judged:
        if one.scenario.nominal:
            row = table.setdefault(str(one.tally.truth.region), Counter())
            row.update({str(name): n for name, n in one.tally.counts.items()})
    return {region: dict(sorted(row.items())) for region, row in sorted(table.items())}


def expected_power(s: Scenario, *, level: float, rng: np.random.Generator) -> float | None:
    """At least how often the row that is the truth holds, from widths and spreads by the normal curve.

    The misses of its clauses are added up. None where the truth is no row (`other_gap`), where replies are
    unusable (bounds follow no normal curve), or where the judge errs.
    """
    if s.setting.unusable or s.setting.unread or s.behaviour.unusable or not s.nominal:
        return None
    drawn = draw(conditions_of(s.study), s.behaviour, s.setting, studies=PILOT, rng=rng)
    many = gather_many(drawn, s.study, level=level, known=s.known)
    truth = truth_of(s.behaviour, s.setting, s.study, delta=s.study.delta, known=s.known)
    states = {key: _true_state(key, value, s.study.delta) for key, value in truth.values.items()}
    row = next((r for r in rows_of(many[0], states) if r.name is truth.region and r.holds), None)
    return None if row is None else max(0.0, 1 - _misses(row, states, truth.values, many, s.study.delta))


def _misses(row: Row, states: dict[Key, State], values: dict[Key, float], many: Many, delta: float) -> float:
    total = 0.0
    for clause in row.clauses:
        if clause.keys:  # a clause with two keys holds by either: the likelier one counts
            known = [key for key in clause.keys if key in states]
            total += min(1 - _chance(key, states[key], values[key], many, delta) for key in known)
    return total


def _chance(key: Key, wanted: State, value: float, many: Many, delta: float) -> float:
    """How often one interval says what is true, if estimates are normal and widths are what they are."""
    found = many.effects[key]
    half = float(np.mean(found.high_N - found.low_N)) / 2
    spread = max(float(np.std(found.estimate_N)), 1e-9)
    if wanted is State.ABSENT:
        room = delta - half
        reach = special.ndtr((room - value) / spread) - special.ndtr((-room - value) / spread)
        return max(0.0, float(reach))
    needed = max(half, delta - half) if isinstance(key, Contrast) else half
    return float(special.ndtr((abs(value) - needed) / spread))


def _true_state(key: Key, value: float, delta: float) -> State:
    if isinstance(key, Contrast):
        return state(Effect(value, value, value, 0.999, 2, 0), delta)
    return State.PRESENT if value > 0 else State.NEGATIVE if value < 0 else State.UNCLEAR
