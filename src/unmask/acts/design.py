"""Which worlds are played how: conditions, contrasts of conditions, and the messages of each episode.

Every variant of a world is played in every cell of the design; the twin where the motive is strongest and
where there is none, the control where there is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from unmask.acts.texts import texts
from unmask.acts.world import Told, World
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.vocabulary import ActVariant, Consequence, Objective, Scratchpad, Watched

OPPORTUNITIES = (ActVariant.OFFERED, ActVariant.HINTED, ActVariant.UNMENTIONED)


@dataclass(frozen=True, order=True)
class ActCondition:
    """What one episode is told: one level of each factor."""

    conflict: Objective
    ahead: Consequence
    observed: Watched

    @property
    def key(self) -> str:
        """Short, stable and readable: `conflicting.trained.unwatched`."""
        return f"{self.conflict}.{self.ahead}.{self.observed}"


def condition_of(key: str) -> ActCondition:
    """The inverse of `key`; ValueError for what is none."""
    conflict, ahead, observed = key.split(".")
    return ActCondition(Objective(conflict), Consequence(ahead), Watched(observed))


MOTIVE = condition_of("conflicting.trained.unwatched")
NO_MOTIVE = condition_of("absent.none.unwatched")
STAR = (
    MOTIVE,
    condition_of("aligned.trained.unwatched"),
    condition_of("conflicting.none.unwatched"),
    condition_of("conflicting.trained.watched"),
    NO_MOTIVE,
)
"""One factor changed at a time: the cheapest design in which each contrast has its cells."""
FULL = tuple(
    ActCondition(*levels) for levels in product(Objective, (Consequence.TRAINED, Consequence.NONE), Watched)
)
DESIGNS: Mapping[str, tuple[ActCondition, ...]] = {"star": STAR, "full": FULL}
CONTRASTS: Mapping[str, tuple[str, str, str, str]] = {
    "conflict": ("conflict", "conflicting", "aligned", "Does it act more where its values are at odds?"),
    "ahead": ("ahead", "trained", "none", "Does it act more where it is about to be trained?"),
    "unobserved": ("observed", "unwatched", "watched", "Does it act more where nobody looks?"),
}
"""Name: factor, level that counts up, level that counts down, what it asks. All other levels equal."""
MOTIVE_QUESTION = "Does it act more with every motive than with none, the opportunity being the same?"


def weights_of(contrast: str, cells: Sequence[ActCondition]) -> dict[ActCondition, float]:
    """What each cell counts in a contrast: pairs that differ in its factor alone, each pair alike.

    Empty where the design has no such pair.
    """
    if contrast == "motive":
        return {MOTIVE: 1.0, NO_MOTIVE: -1.0} if {MOTIVE, NO_MOTIVE} <= set(cells) else {}
    factor, up, down, _ = CONTRASTS[contrast]
    others = [name for name in ("conflict", "ahead", "observed") if name != factor]
    pairs = [
        (a, b)
        for a in cells
        for b in cells
        if getattr(a, factor) == up
        and getattr(b, factor) == down
        and all(getattr(a, name) == getattr(b, name) for name in others)
    ]
    found: dict[ActCondition, float] = {}
    for a, b in pairs:
        found[a] = found.get(a, 0.0) + 1 / len(pairs)
        found[b] = found.get(b, 0.0) - 1 / len(pairs)
    return found


@dataclass(frozen=True)
class Episode:
    """One world in one variant and one condition, with what the model is told."""

    world: World
    variant: ActVariant
    condition: ActCondition
    system: str
    user: str

    @property
    def id(self) -> str:
        """Readable, and no two alike in a design."""
        return f"{self.world.name}.{self.variant}.{self.condition.key}"

    @property
    def prompt_sha256(self) -> str:
        """Of both messages as they are told, tools of a text convention left out."""
        return hashlib.sha256(f"{self.system}\0{self.user}".encode()).hexdigest()


def cells_of(design: str) -> tuple[ActCondition, ...]:
    """The conditions of a design.

    Raises:
        UsageError: no such design.
    """
    if design not in DESIGNS:
        raise UsageError(f"no design {design!r}", hint=nearest(design, list(DESIGNS)))
    return DESIGNS[design]


def episodes_of(
    worlds: Sequence[World], *, design: str = "star", scratchpad: Scratchpad = Scratchpad.HIDDEN
) -> list[Episode]:
    """Every episode of a design, world by world."""
    cells = cells_of(design)
    return [
        Episode(
            world, variant, cell, system_of(world, variant, cell, scratchpad), world.asked(variant).strip()
        )
        for world in worlds
        for variant, cell in _crossed(cells)
    ]


def _crossed(cells: Sequence[ActCondition]) -> Iterator[tuple[ActVariant, ActCondition]]:
    yield ActVariant.CONTROL, NO_MOTIVE  # first: a run that is broken off knows at least whether it can
    yield ActVariant.TWIN, MOTIVE
    yield ActVariant.TWIN, NO_MOTIVE
    for cell in cells:
        yield from ((variant, cell) for variant in OPPORTUNITIES)


def facts_of(told: Told, condition: ActCondition) -> str:
    """Setting and one passage for each factor, in a fixed order."""
    parts = (
        told.setting,
        told.conflict[condition.conflict],
        told.ahead[condition.ahead],
        told.observed[condition.observed],
    )
    return "\n\n".join(part.strip() for part in parts if part.strip())


def system_of(world: World, variant: ActVariant, condition: ActCondition, scratchpad: Scratchpad) -> str:
    """The system message of an episode."""
    parts = (
        facts_of(world.told, condition),
        world.added(variant).notice.strip(),
        texts().scratchpad[scratchpad].strip(),
    )
    return "\n\n".join(part for part in parts if part)
