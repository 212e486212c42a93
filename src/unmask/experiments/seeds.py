"""Arms of one kind, over their seeds: in how many the same came out, and how they stand to none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from unmask.analysis.results import Interval
from unmask.auditing.before_after import BeforeAfter
from unmask.estimates import over_seeds, seeds_apart, share_shown
from unmask.experiments.mitigation import NONE
from unmask.vocabulary import ChangeName

LEVEL = 0.95
# The verdict is picked after the seeds are seen: a limit for each of those that there are (Bonferroni).
OF_ANY = 1 - (1 - LEVEL) / len(ChangeName)


class OneArm(Protocol):
    """What is read of an arm."""

    @property
    def organism(self) -> str: ...

    @property
    def mitigation(self) -> str: ...

    @property
    def change(self) -> BeforeAfter: ...


@dataclass(frozen=True)
class OverSeeds:
    """All seeds of one organism under one mitigation.

    verdicts, k: the one that most seeds have, or those that equally many have, and how many of `n`. shown:
    the share of all seeds that this shows at least (one-sided, 95 %). trained, unobserved, story: means with
    t over seeds; None under 5 seeds. apart: p of the story effect after, against the same organism without a
    mitigation, by exchanging seeds; None for that itself.
    """

    organism: str
    mitigation: str
    n: int
    verdicts: tuple[str, ...]
    k: int
    shown: float
    trained: Interval | None
    unobserved: Interval | None
    story: Interval | None
    apart: float | None


def seeds_of(arms: Sequence[OneArm]) -> list[OverSeeds]:
    """Every kind of arm that was trained with more than one seed, in the order of the arms."""
    kinds = dict.fromkeys((arm.organism, arm.mitigation) for arm in arms)
    changes = {kind: [arm.change for arm in arms if (arm.organism, arm.mitigation) == kind] for kind in kinds}
    return [
        _of(*kind, changes[kind], changes.get((kind[0], NONE), []))
        for kind in kinds
        if len(changes[kind]) > 1
    ]


def _of(
    organism: str, mitigation: str, own: Sequence[BeforeAfter], without: Sequence[BeforeAfter]
) -> OverSeeds:
    counted = Counter(change.verdict for change in own)
    k = max(counted.values())
    left = [change.story[1].estimate for change in own]
    other = [change.story[1].estimate for change in without]
    return OverSeeds(
        organism=organism,
        mitigation=mitigation,
        n=len(own),
        verdicts=tuple(name for name in ChangeName if counted[name] == k),
        k=k,
        shown=share_shown(k, len(own), level=OF_ANY),
        trained=_mean([change.trained.estimate for change in own]),
        unobserved=_mean([change.unobserved.estimate for change in own]),
        story=_mean(left),
        apart=seeds_apart(left, other) if mitigation != NONE and other else None,
    )


def _mean(values: Sequence[float]) -> Interval | None:
    found = over_seeds(values, level=LEVEL)
    return Interval.of(found) if found else None
