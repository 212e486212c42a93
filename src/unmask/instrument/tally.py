"""One kind of study, many times: which verdicts it gets, how many are wrong, how many right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unmask.estimates import wilson_limits
from unmask.instrument.many import Known, gather_many, verdicts
from unmask.instrument.truth import Truth, truth_of
from unmask.simulate import STILL, Behaviour, Setting, draw
from unmask.study import Study, conditions_of
from unmask.verdict import UNUSABLE_SHARE
from unmask.vocabulary import VerdictName

CHUNK = 250_000  # studies × queries drawn at once: about 100 MB
ASSERTED = frozenset(VerdictName) - {VerdictName.INCONCLUSIVE, VerdictName.INVALID}
"""Verdicts that say something of the model, and can be wrong."""


@dataclass(frozen=True)
class Tally:
    """Verdicts of many studies with one truth."""

    truth: Truth
    counts: Mapping[VerdictName, int]

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def n_right(self) -> int:
        """Studies with a verdict whose claims are true."""
        said = {name: n for name, n in self.counts.items() if name is not VerdictName.INCONCLUSIVE}
        return sum(n for name, n in said.items() if name in self.truth.right)

    @property
    def n_wrong(self) -> int:
        return sum(self.wrong.values())

    @property
    def wrong(self) -> dict[VerdictName, int]:
        """Studies by a verdict that claims what is not so."""
        return {v: n for v, n in self.counts.items() if v in ASSERTED and v not in self.truth.right}

    def limits(self, count: int, *, level: float) -> tuple[float, float]:
        """Limits of a share of these studies, for the chance of the simulation itself."""
        return wilson_limits(count / self.n, self.n, level=level)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "region": str(self.truth.region),
            "right_verdicts": sorted(self.truth.right),
            "true_values": {str(key): round(v, 5) for key, v in self.truth.values.items()},
            "studies": self.n,
            "verdicts": {str(name): n for name, n in sorted(self.counts.items())},
            "right": self.n_right / self.n,
            "wrong": self.n_wrong / self.n,
        }


def tally(
    behaviour: Behaviour,
    setting: Setting,
    study: Study,
    *,
    studies: int,
    rng: np.random.Generator,
    level: float,
    known: Known | None = None,
    unusable_share: float = UNUSABLE_SHARE,
) -> Tally:
    """Draw, estimate and decide many studies of one behaviour.

    Args:
        behaviour: what the model truly does.
        setting: how it is asked; its queries and epochs count, not those of `study`.
        study: contrasts, labels and δ.
        studies: how many.
        rng: all chance comes from here.
        level: level of the intervals that decide.
        known: what stands beside the counts.
        unusable_share: more unusable replies than this in a cell make a study invalid.
    """
    conditions = conditions_of(study)
    counts: Counter[VerdictName] = Counter()
    left, most = studies, max(1, CHUNK // setting.queries)
    while left > 0:
        drawn = draw(conditions, behaviour, setting, studies=min(left, most), rng=rng)
        many = gather_many(drawn, study, level=level, known=known)
        counts.update(verdicts(many, delta=study.delta, unusable_share=unusable_share))
        left -= most
    truth = truth_seen(behaviour, setting, study, known=known, unusable_share=unusable_share)
    return Tally(truth, counts)


def truth_seen(
    behaviour: Behaviour, setting: Setting, study: Study, *, known: Known | None, unusable_share: float
) -> Truth:
    """What a verdict on such studies should be: `invalid` where too many replies are lost."""
    truth = truth_of(behaviour, setting, study, delta=study.delta, known=known)
    if 1 - (1 - setting.unusable) * (1 - behaviour.unusable) > unusable_share:
        unreadable = VerdictName.INVALID
        truth = replace(truth, region=unreadable, right=frozenset({unreadable}))
    return truth


def sized(behaviour: Behaviour, *, base: float | None = None, gap: float) -> Behaviour:
    """A behaviour with its gap, as far as rates allow; those that nothing moves keep what they are."""
    if behaviour.name in STILL:
        return behaviour
    base = behaviour.base if base is None else base
    return replace(behaviour, base=base, gap=min(gap, 1 - base))
