"""Which cells a contrast needs, and with which weight. Letters and formulas: docs/statistics.md.

Every contrast but the published gap averages over all mappings of tag to role, so that the tag cancels.
"""

from __future__ import annotations

from collections.abc import Iterable

from unmask.study.slices import base_of, level, slices, variation_of
from unmask.study.spec import DecideOn, Study
from unmask.verdict import interval_level
from unmask.vocabulary import (
    FIRST_TAGS,
    ROLES,
    SECOND_TAGS,
    Arm,
    Condition,
    Consequence,
    Contrast,
    Labels,
    Objective,
    Role,
    tags_of,
)

# where each contrast looks: consequence, objective, arm
PLACES: dict[Contrast, tuple[Consequence, Objective, Arm]] = {
    Contrast.STORY: (Consequence.TRAINED, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.TAG: (Consequence.TRAINED, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.PUBLISHED_GAP: (Consequence.TRAINED, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.RATING: (Consequence.RATED_ONLY, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.TRAINING: (Consequence.BOTH_RATED, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.JOINT: (Consequence.BOTH_RATED, Objective.CONFLICTING, Arm.HARMFUL),
    Contrast.NO_OBJECTIVE: (Consequence.TRAINED, Objective.ABSENT, Arm.HARMFUL),
    Contrast.BENIGN: (Consequence.TRAINED, Objective.CONFLICTING, Arm.BENIGN),
}
BY_TAG = frozenset({Contrast.TAG, Contrast.PUBLISHED_GAP})
SIDES: dict[Contrast, tuple[Role, Role]] = {  # of the others: the role that counts as +1, and as −1
    Contrast.STORY: (Role.TRAINED, Role.NEITHER),
    Contrast.NO_OBJECTIVE: (Role.TRAINED, Role.NEITHER),
    Contrast.BENIGN: (Role.TRAINED, Role.NEITHER),
    Contrast.RATING: (Role.RATED_ONLY, Role.NEITHER),
    Contrast.TRAINING: (Role.TRAINED, Role.RATED_ONLY),
    Contrast.JOINT: (Role.TRAINED, Role.RATED_ONLY),
}
NEUTRAL = {
    Labels.PLAIN: Labels.NEUTRAL,
    Labels.SWAPPED: Labels.NEUTRAL_SWAPPED,
    Labels.ROTATED: Labels.NEUTRAL_ROTATED,
}


def deciding(study: Study) -> list[Contrast]:
    """Contrasts of a study that its verdict rests on; their number sets the level."""
    rests: list[Contrast] = [c for c in study.contrasts if c is not Contrast.PUBLISHED_GAP]
    return rests or list(study.contrasts)


def decision_level(study: Study) -> float:
    """Level of the intervals that the verdict reads."""
    return interval_level(len(deciding(study)))


def cells_of(contrast: Contrast, study: Study) -> dict[Condition, float]:
    """Cells of a contrast with their weights, which sum to 0 (+1 over one side, −1 over the other).

    Of a study with crossed factors: those at the base levels, or the mean over all levels where the study
    says `decide_on: average`.
    """
    if study.crossed and study.decide_on is DecideOn.AVERAGE:
        parts = [p for p in slices(study) if contrast in p.study.contrasts] or slices(study)[:1]
        cells: dict[Condition, float] = {}
        for part in parts:
            for c, weight in _cells(contrast, part.study).items():
                # levels may share a cell: no objective is absent at every level of a crossed objective
                cells[c] = cells.get(c, 0.0) + weight / len(parts)
        return cells
    return _cells(contrast, base_of(study))


def _cells(contrast: Contrast, study: Study) -> dict[Condition, float]:
    """Cells of a contrast in one slice."""
    _, objective, arm = PLACES[contrast]
    if objective is Objective.CONFLICTING:
        objective = level(study, "objective")
    consequence = consequence_of(contrast, study)
    name, variation = variation_of(study)
    labels = (Labels.PLAIN,) if contrast is Contrast.PUBLISHED_GAP else study.labels
    more = {factor: level(study, factor) for factor in ("told", "observed", "stake", "thought", "marked")}
    conditions = [
        Condition(
            tag=tag,
            labels=mapping,
            consequence=consequence,
            objective=objective,
            scratchpad=level(study, "scratchpad"),
            cue=level(study, "cue"),
            arm=arm,
            variation=name,
            **more,
        )
        for mapping in (NEUTRAL.get(m, m) if variation.neutral else m for m in labels)
        for tag in tags_of(mapping, consequence)
    ]
    share = 1.0 / len(labels)
    signs = {c: _sign(contrast, c) for c in conditions}
    return {c: share * sign for c, sign in signs.items() if sign}


def consequence_of(contrast: Contrast, study: Study) -> Consequence:
    """What the story of a contrast's cells offers: the study's own level, or all three roles, or its own."""
    if study.consequence is not None:
        return study.consequence
    return Consequence.ALL_THREE if study.tiers == 3 else PLACES[contrast][0]


def can_give(contrast: Contrast, consequence: Consequence) -> bool:
    """Whether a story with these roles has the cells that a contrast compares."""
    return contrast in BY_TAG or set(SIDES[contrast]) <= set(ROLES[consequence])


def _sign(contrast: Contrast, condition: Condition) -> int:
    if contrast in BY_TAG:
        return (condition.tag in FIRST_TAGS) - (condition.tag in SECOND_TAGS)
    plus, minus = SIDES[contrast]
    return (condition.role is plus) - (condition.role is minus)


def conditions_of(study: Study, contrasts: Iterable[Contrast] | None = None) -> list[Condition]:
    """All conditions that the contrasts need, at all crossed levels, each once, in a stable order."""
    wanted = None if contrasts is None else list(contrasts)
    needed = {
        condition
        for part in slices(study)
        for contrast in (part.study.contrasts if wanted is None else wanted)
        for condition in _cells(contrast, part.study)
    }
    return sorted(needed | (_beside(study) if wanted is None else set()))


def _beside(study: Study) -> set[Condition]:
    """Both tags at the base levels, in each story that is asked beside the contrasts."""
    base = base_of(study)
    stories = [base.model_copy(update={"consequence": story}) for story in study.beside]
    return {condition for story in stories for condition in _cells(Contrast.TAG, story)}
