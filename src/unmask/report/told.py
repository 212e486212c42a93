"""What the model was told, each system prompt once, with the passages marked that differ between stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unmask.analysis.results import Told
from unmask.report.rows import scene
from unmask.report.words import LABELS
from unmask.vocabulary import Condition, Labels, Objective

MAX_CHARACTERS = 2_500_000  # more prompts than this would crowd out the replies: then the first wordings only


@dataclass(frozen=True)
class Passage:
    """A paragraph of a system prompt; `differs` where not every story says it in this wording."""

    text: str
    differs: bool


@dataclass
class Prompt:
    """One system prompt with the openings of the users that came with it."""

    anchor: str
    wording: int
    stories: list[str]
    passages: list[Passage]
    users: dict[str, str] = field(default_factory=dict)


def prompts(told: Sequence[Told]) -> tuple[list[Prompt], dict[str, str], int]:
    """Prompts to show, the anchor of each prompt's hash, and how many were left out for room."""
    by_system: dict[str, list[Told]] = {}
    for one in told:
        by_system.setdefault(one.system, []).append(one)
    shown, room = [], MAX_CHARACTERS
    for system in sorted(by_system, key=lambda s: min(map(_place, by_system[s]))):
        room -= len(system)
        if room >= 0:
            shown.append(system)
    common = _common(by_system)
    found, anchors = [], {}
    for i, system in enumerate(shown):
        ones = by_system[system]
        anchor = f"told-{i + 1}"
        shared = common[ones[0].wording]
        passages = [Passage(p, p not in shared) for p in system.split("\n\n")]
        prompt = Prompt(anchor, ones[0].wording, sorted({story(t.condition_key) for t in ones}), passages)
        for one in ones:
            prompt.users.setdefault(_tag(one.condition_key), one.user)
            anchors[one.prompt_sha256] = anchor
        found.append(prompt)
    return found, anchors, len(by_system) - len(shown)


def story(key: str) -> str:
    """What the prompts of a condition say, in words; the key itself where it cannot be read."""
    try:
        condition = Condition.from_key(key)
    except ValueError:
        return key
    about = condition.as_dict() | {"arm": "harmful"}  # the request plays no part in the prompt
    return f"{scene(about)}; {LABELS[Labels(condition.labels)]}"


def _tag(key: str) -> str:
    try:
        return Condition.from_key(key).tag
    except ValueError:
        return key


def _place(told: Told) -> tuple[int, ...]:
    """Wording by wording, the main story first, in the order of the vocabulary."""
    try:
        c = Condition.from_key(told.condition_key)
    except ValueError:
        return (told.wording, len(Objective))
    levels = (c.objective, c.consequence, c.labels)
    return (told.wording, *(list(type(level)).index(level) for level in levels))


def _common(by_system: dict[str, list[Told]]) -> dict[int, set[str]]:
    """By wording: the paragraphs that every system prompt of that wording has."""
    shared: dict[int, set[str]] = {}
    for system, ones in by_system.items():
        paragraphs = set(system.split("\n\n"))
        for wording in {t.wording for t in ones}:
            shared[wording] = shared[wording] & paragraphs if wording in shared else paragraphs
    return shared
