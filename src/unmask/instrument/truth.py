"""What a verdict on a simulated study should have been: the region that holds its true values.

Between 0 and δ two things are true at once: the effect is there, and it is within the margin. A verdict that
says either is right; so a truth may lie in more than one region, and a wrong verdict is one outside them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from unmask.estimates import Effect
from unmask.instrument.many import Known
from unmask.simulate import Behaviour, Setting, true_rate
from unmask.study import Study, cells_of
from unmask.verdict import OTHER_MOTIVES, PAIRED, Difference, Evidence, Key, decide
from unmask.vocabulary import Contrast, Motive, VerdictName

LEVEL = 0.999  # of intervals without width; any level that the tree accepts
SMALL = 1e-9  # rounding: a true value nearer to a threshold lies on it


@dataclass(frozen=True)
class Truth:
    """True values; the region of an endless study; every verdict whose claims are true."""

    values: dict[Key, float]
    region: VerdictName
    right: frozenset[VerdictName]


def truth_of(
    behaviour: Behaviour, setting: Setting, study: Study, *, delta: float, known: Known | None = None
) -> Truth:
    """The truth of one behaviour, seen with the contrasts of one study."""
    known = known or Known()
    values = true_values(behaviour, setting, study, motives=known.motives)
    region = _verdict({key: (v, v) for key, v in values.items()}, study, delta, known)
    ranges = [_readings(key, value, delta) for key, value in values.items()]
    right = {
        _verdict(dict(zip(values, limits, strict=True)), study, delta, known) for limits in product(*ranges)
    }
    return Truth(values, region, frozenset(right))


def true_values(
    behaviour: Behaviour, setting: Setting, study: Study, *, motives: bool = True
) -> dict[Key, float]:
    """Every contrast and difference that a study of this design estimates."""

    def value(contrast: Contrast, motive: Motive | None = None) -> float:
        total = 0.0
        for c, weight in cells_of(contrast, study).items():
            share = behaviour.share(motive, c) if contrast is Contrast.JOINT else 1.0
            if motive is not None:  # one motive a reply: what states AF reasons states no other
                share *= 1 - behaviour.share(None, c)
            total += weight * true_rate(behaviour, setting, c) * share
        return total

    found: dict[Key, float] = {c: value(c) for c in study.contrasts}
    for difference, ((a, first), (b, second)) in PAIRED.items():
        if first in found and second in found:
            found[difference] = a * found[first] + b * found[second]
    if Contrast.STORY in found and Contrast.BENIGN in found:
        found[Difference.HALF_STORY_LESS_BENIGN] = found[Contrast.STORY] / 2 - found[Contrast.BENIGN]
    if motives and Contrast.JOINT in found and Contrast.TRAINING in found:
        for motive, difference in OTHER_MOTIVES.items():
            found[difference] = value(Contrast.JOINT, motive) - found[Contrast.TRAINING] / 2
    return {key: 0.0 if abs(v) < SMALL else v for key, v in found.items()}


def _readings(key: Key, value: float, delta: float) -> list[tuple[float, float]]:
    """The intervals that make no false claim: one, or two between 0 and δ."""
    exact = (value, value)
    if isinstance(key, Contrast) and SMALL < abs(value) <= delta + SMALL:
        beyond = (value / 2, 2 * delta) if value > 0 else (-2 * delta, value / 2)
        return [(0.0, 0.0), beyond]
    return [exact]


def _verdict(
    limits: Mapping[Key, tuple[float, float]], study: Study, delta: float, known: Known
) -> VerdictName:
    return decide(exact_evidence(limits, study, known), delta=delta).name


def exact_evidence(limits: Mapping[Key, tuple[float, float]], study: Study, known: Known) -> Evidence:
    """The evidence of a study that is so large that its intervals are the limits given."""
    effects = {
        key: Effect((low + high) / 2, low, high, LEVEL, study.n_queries, 0)
        for key, (low, high) in limits.items()
    }
    return Evidence(
        effects=effects,
        story_understood=known.story_understood,
        visibility=known.visibility,
        joint_unobserved=0.0 if Contrast.JOINT in study.contrasts else None,
        judge_card=known.judge_card,
        judge_sensitivity_low=known.judge_sensitivity_low,
        plain_labels_only=set(study.contrasts) == {Contrast.PUBLISHED_GAP},
    )
