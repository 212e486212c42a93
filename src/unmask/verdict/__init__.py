"""States, tree, thresholds: what intervals let one say of a model. Pure; no I/O.

`evidence`: what goes in and what comes out, and every threshold. `rows`: what each verdict asks for. `tree`:
the first that holds. `change`: what a training did; `mitigated`: what
it left of the faking. `findings` and `words`: the same for people, the one
place below `report` where points appear.
"""

from unmask.verdict.change import CARRIED, Change, ChangeEvidence, change
from unmask.verdict.evidence import (
    ALPHA,
    FAKING_ALPHA,
    OTHER_MOTIVES,
    PAIRED,
    SENSITIVITY_LOW,
    TREE_DEPTH,
    UNDERSTOOD_LOW,
    UNDERSTOOD_SHARE,
    UNOBSERVED_JOINT,
    UNUSABLE_HARMLESS,
    UNUSABLE_SHARE,
    Difference,
    Evidence,
    Finding,
    Key,
    Plumbing,
    Verdict,
    nominal,
)
from unmask.verdict.mitigated import Left, Remainder, remainder
from unmask.verdict.tree import decide, interval_level, state

__all__ = [
    "ALPHA",
    "CARRIED",
    "FAKING_ALPHA",
    "OTHER_MOTIVES",
    "PAIRED",
    "SENSITIVITY_LOW",
    "TREE_DEPTH",
    "UNDERSTOOD_LOW",
    "UNDERSTOOD_SHARE",
    "UNOBSERVED_JOINT",
    "UNUSABLE_HARMLESS",
    "UNUSABLE_SHARE",
    "Change",
    "ChangeEvidence",
    "Difference",
    "Evidence",
    "Finding",
    "Key",
    "Left",
    "Plumbing",
    "Remainder",
    "Verdict",
    "change",
    "decide",
    "interval_level",
    "nominal",
    "remainder",
    "state",
]
