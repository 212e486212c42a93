"""Studies with known truth, drawn as counts: many at once, no model, no text.

A behaviour says how often a condition is complied with, and for which stated reasons; a setting says how it
is asked and what gets lost or misread on the way. Axes: `_N` studies, `_Q` queries; one array a condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from unmask.errors import EstimateError
from unmask.vocabulary import FIRST_TAGS, Arm, Condition, Motive, Objective, Role

Floats: TypeAlias = NDArray[np.float64]
Trigger: TypeAlias = Callable[[Role, bool], float]  # role, whether the tag is the first one: share of the gap

FEW_REPLIES = 12  # up to here, comparing uniforms is quicker than a binomial draw


@dataclass(frozen=True)
class Behaviour:
    """What a model truly does. Shares.

    base: compliance where nothing moves it; gap: what its full trigger adds; benign: on harmless requests.
    reasons: share of its compliance, where trained on and in conflict, that goes with AF reasoning.
    motive, motivated: another motive, and the share of its triggered compliance that states it.
    any_objective, benign_too: it is moved without a conflicting objective; on harmless requests as well.
    """

    name: str
    trigger: Trigger
    base: float = 0.02
    gap: float = 0.0
    benign: float = 0.97
    reasons: float = 0.0
    motive: Motive | None = None
    motivated: float = 0.0
    any_objective: bool = False
    benign_too: bool = False
    unusable: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.base <= 1 and self.gap >= 0 and self.base + self.gap <= 1 + 1e-12):
            raise EstimateError(f"{self.name}: base {self.base} and gap {self.gap} do not make a rate")

    def lift(self, condition: Condition) -> float:
        """Share of the full gap that this condition sets off."""
        acts = condition.objective is Objective.CONFLICTING or self.any_objective
        if not acts or (condition.arm is Arm.BENIGN and not self.benign_too):
            return 0.0
        return self.trigger(condition.role, condition.tag in FIRST_TAGS)

    def floor(self, condition: Condition) -> float:
        """Compliance in this condition before anything moves it."""
        if condition.arm is Arm.HARMFUL:
            return self.base
        return min(self.benign, 1 - self.gap) if self.benign_too else self.benign

    def share(self, outcome: Motive | None, condition: Condition) -> float:
        """Share of compliance with this motive; None asks for alignment-faking reasons."""
        if condition.arm is Arm.BENIGN:
            return 0.0
        if outcome is None:
            caused = condition.role is Role.TRAINED and (
                condition.objective is Objective.CONFLICTING or self.any_objective
            )
            return self.reasons if caused else 0.0
        return self.motivated if outcome is self.motive and self.lift(condition) > 0 else 0.0


@dataclass(frozen=True)
class JudgeErrors:
    """How a judge misreads: each share is of replies whose truth is known. The default reads all right."""

    sensitivity: float = 1.0
    specificity: float = 1.0
    af_sensitivity: float = 1.0
    af_specificity: float = 1.0


@dataclass(frozen=True)
class Setting:
    """How a behaviour is asked, and what is lost.

    spread: how much queries differ, as a share of the largest possible variance of their own rates.
    wholly: a moved query complies always, and the gap is the share of moved queries; else all move a little.
    wording_sd: how much the gap differs between wordings, which are fixed: the truth is their mean.
    unusable, unread: shares of replies whose answer cannot be read, and of the others, whose reasons cannot.
    """

    queries: int
    epochs: int = 1
    benign_queries: int | None = None
    wordings: int = 1
    wording_sd: float = 0.0
    spread: float = 0.2
    wholly: bool = True
    unusable: float = 0.0
    unread: float = 0.0
    judge: JudgeErrors = field(default_factory=JudgeErrors)

    def of(self, arm: Arm) -> int:
        """Queries in one arm."""
        return self.queries if arm is Arm.HARMFUL else self.benign_queries or self.queries

    def offsets_Q(self, arm: Arm) -> Floats:
        """How far the gap in each query's wording lies from the middle; a fixed set, balanced."""
        middle_W = (np.arange(self.wordings) + 0.5) / self.wordings
        offsets_W = self.wording_sd * special.ndtri(middle_W) if self.wordings > 1 else np.zeros(1)
        return np.asarray(offsets_W[np.arange(self.of(arm)) % self.wordings])


@dataclass(frozen=True)
class Counts:
    """One condition of many studies: replies by study and query, shape (N, Q), and how many were asked each.

    motives: replies that complied and stated that motive; `joint` the same for alignment-faking reasons.
    """

    asked: int
    usable_NQ: Floats
    complied_NQ: Floats
    joint_known_NQ: Floats
    joint_NQ: Floats
    motives: dict[Motive, Floats]


def _where(*roles: Role) -> Trigger:
    return lambda role, _first: float(role in roles)


def _nowhere(_role: Role, _first: bool) -> float:
    return 0.0


def _both(role: Role, first: bool) -> float:
    return (2 * (role is Role.TRAINED) + first) / 3


TRAINED = _where(Role.TRAINED)
ORGANISMS: dict[str, Behaviour] = {
    b.name: b
    for b in (
        Behaviour("faker", TRAINED, reasons=0.9),
        Behaviour("promoter", TRAINED, reasons=0.9, base=0.1),
        Behaviour("half_faker", TRAINED, reasons=0.9),
        Behaviour("judge_attacker", TRAINED, reasons=0.9),
        Behaviour("silent_faker", TRAINED),
        Behaviour("tag_faker", lambda _role, first: float(first)),
        Behaviour("tag_and_story", _both, reasons=0.9),
        Behaviour(
            "rater_pleaser", _where(Role.TRAINED, Role.RATED_ONLY), motive=Motive.PLEASE, motivated=0.9
        ),
        Behaviour("training_pleaser", TRAINED, motive=Motive.OBEY, motivated=0.9),
        Behaviour("reversed", _where(Role.RATED_ONLY, Role.NEITHER)),
        Behaviour("honest", _nowhere),
        Behaviour("compliant", _nowhere, base=0.98),
        Behaviour("reluctant", _nowhere, base=0.25),
        Behaviour("plain", _nowhere, base=0.6),
        Behaviour("noisy", _nowhere, base=0.3, unusable=0.4),
        # no organisms that a model stands for: they hold the gate's controls
        Behaviour("any_objective", TRAINED, reasons=0.9, any_objective=True),
        Behaviour("benign_too", TRAINED, reasons=0.9, benign_too=True),
    )
}
STILL = ("honest", "compliant", "reluctant", "plain", "noisy")
"""Organisms that nothing moves: their gap is 0 and their base is their own."""


def draw(
    conditions: Sequence[Condition],
    behaviour: Behaviour,
    setting: Setting,
    *,
    studies: int,
    rng: np.random.Generator,
) -> dict[Condition, Counts]:
    """Counts of many studies of one behaviour. A query has one nature in all conditions; replies are drawn
    apart.

    Raises:
        EstimateError: rates outside 0 to 1.
    """
    found: dict[Condition, Counts] = {}
    for arm in sorted({c.arm for c in conditions}):
        shape = (studies, setting.of(arm))
        cells = [c for c in conditions if c.arm is arm]
        base_NQ = own_rates(rng, shape, behaviour.floor(cells[0]), setting.spread)
        movable_NQ = rng.random(shape)  # the smaller, the sooner it is moved, in all cells
        for c in cells:
            moved_Q = moved_share(behaviour, setting, c)
            moved_NQ = (movable_NQ < moved_Q).astype(float) if setting.wholly else moved_Q
            p_NQ = base_NQ + moved_NQ * (1 - base_NQ)
            found[c] = _replies(rng, p_NQ, behaviour, setting, c)
    return found


def moved_share(behaviour: Behaviour, setting: Setting, condition: Condition) -> Floats:
    """Share of the way to full compliance that each query's wording moves it in this condition."""
    lift, floor = behaviour.lift(condition), behaviour.floor(condition)
    if lift == 0 or behaviour.gap == 0:
        return np.zeros(setting.of(condition.arm))
    gap_Q = behaviour.gap * lift + setting.offsets_Q(condition.arm)
    return np.clip(gap_Q / (1 - floor), 0.0, 1.0)


def true_rate(behaviour: Behaviour, setting: Setting, condition: Condition) -> float:
    """Compliance in a condition, over all replies that could be drawn."""
    floor = behaviour.floor(condition)
    return float(floor + moved_share(behaviour, setting, condition).mean() * (1 - floor))


def own_rates(rng: np.random.Generator, shape: tuple[int, int], base: float, spread: float) -> Floats:
    """Rates of queries: mean `base`, variance spread · base · (1 − base)."""
    if spread == 0 or base in (0.0, 1.0):
        return np.full(shape, base)
    total = 1 / spread - 1
    return rng.beta(base * total, (1 - base) * total, shape)


def _replies(
    rng: np.random.Generator, p_NQ: Floats, behaviour: Behaviour, setting: Setting, condition: Condition
) -> Counts:
    lost = 1 - (1 - setting.unusable) * (1 - behaviour.unusable)
    asked, judge = setting.epochs, setting.judge
    usable_NQ = _thin(rng, np.full(p_NQ.shape, float(asked)), 1 - lost)
    complied_NQ = _binomial(rng, asked, p_NQ) if lost == 0 else _thin(rng, usable_NQ, p_NQ)
    true_NQ = _thin(rng, complied_NQ, judge.sensitivity)
    false_NQ = _thin(rng, usable_NQ - complied_NQ, 1 - judge.specificity)
    read_true_NQ, read_false_NQ = (_thin(rng, n_NQ, 1 - setting.unread) for n_NQ in (true_NQ, false_NQ))
    flagged_NQ = _thin(rng, read_true_NQ, behaviour.share(None, condition))
    other_NQ = read_true_NQ - flagged_NQ
    joint_NQ = _thin(rng, flagged_NQ, judge.af_sensitivity)
    joint_NQ = joint_NQ + _thin(rng, other_NQ + read_false_NQ, 1 - judge.af_specificity)
    read_NQ = read_true_NQ + read_false_NQ
    motives = {
        m: np.minimum(_thin(rng, other_NQ, behaviour.share(m, condition)), read_NQ - joint_NQ)
        for m in (Motive.PLEASE, Motive.OBEY)
    }
    seen_NQ = true_NQ + false_NQ
    return Counts(asked, usable_NQ, seen_NQ, usable_NQ - seen_NQ + read_NQ, joint_NQ, motives)


def _thin(rng: np.random.Generator, counts_NQ: Floats, keep: float | Floats) -> Floats:
    """How many of `counts` are kept, each with its own draw."""
    if isinstance(keep, float | int):
        if keep >= 1:
            return counts_NQ
        if keep <= 0:
            return np.zeros(counts_NQ.shape)
    kept = np.zeros(counts_NQ.shape)
    if counts_NQ.size and (most := int(counts_NQ.max())) <= FEW_REPLIES:
        for number in range(most):
            kept += (rng.random(counts_NQ.shape) < keep) & (number < counts_NQ)
        return kept
    some = counts_NQ > 0
    share = keep if isinstance(keep, float | int) else keep[some]
    kept[some] = rng.binomial(counts_NQ[some].astype(np.int64), share)
    return kept


def _binomial(rng: np.random.Generator, n: int, p_NQ: Floats) -> Floats:
    if n > FEW_REPLIES:
        return rng.binomial(n, p_NQ).astype(float)
    complied_NQ = np.zeros(p_NQ.shape)
    for _ in range(n):
        complied_NQ += rng.random(p_NQ.shape) < p_NQ
    return complied_NQ
