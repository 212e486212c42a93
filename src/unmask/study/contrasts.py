"""Which cells a contrast needs, and with which weight. Letters and formulas: docs/statistics.md.

Every contrast but the published gap averages over both mappings of tag to role, so that the tag cancels.
"""

from __future__ import annotations

from collections.abc import Iterable

from unmask.study.spec import Study
from unmask.vocabulary import (
    FIRST_TAGS,
    TAGS,
    Arm,
    Condition,
    Consequence,
    Contrast,
    Labels,
    Objective,
    Role,
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
POSITIVE_ROLE = {Consequence.RATED_ONLY: Role.RATED_ONLY}  # elsewhere the trained role is the positive one


def cells_of(contrast: Contrast, study: Study) -> dict[Condition, float]:
    """Cells of a contrast with their weights, which sum to 0 (+1 over one side, −1 over the other)."""
    consequence, objective, arm = PLACES[contrast]
    labels = (Labels.PLAIN,) if contrast is Contrast.PUBLISHED_GAP else study.labels
    conditions = [
        Condition(
            tag=tag,
            labels=mapping,
            consequence=consequence,
            objective=objective,
            scratchpad=study.scratchpad,
            cue=study.cue,
            arm=arm,
        )
        for mapping in labels
        for tag in TAGS[mapping]
    ]
    share = 1.0 / len(labels)
    return {c: share if _positive(contrast, c) else -share for c in conditions}


def _positive(contrast: Contrast, condition: Condition) -> bool:
    if contrast is Contrast.TAG:
        return condition.tag in FIRST_TAGS
    return condition.role is POSITIVE_ROLE.get(condition.consequence, Role.TRAINED)


def conditions_of(study: Study, contrasts: Iterable[Contrast] | None = None) -> list[Condition]:
    """All conditions that the contrasts need, each once, in a stable order."""
    wanted = study.contrasts if contrasts is None else contrasts
    return sorted({condition for contrast in wanted for condition in cells_of(contrast, study)})
