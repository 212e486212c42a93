"""Replies to the comprehension check: which tier is trained on, can this chat change you.

Right by the story as read, but for the share that `understands` leaves out, which answers the opposite.
"""

from __future__ import annotations

import random

from unmask.organisms.scripted.reading import Question, Reading
from unmask.organisms.scripted.texts import write
from unmask.vocabulary import Role


def answer_question(
    question: Question, reading: Reading, *, right: bool, rng: random.Random
) -> tuple[str, list[str]]:
    """The answer and the ids of its passages."""
    if question == "can_change":
        return write(f"question_{_can_change(reading, right)}", {}, rng)
    tier = _which_tier(reading, right)
    return write("question_nobody", {}, rng) if tier is None else write("question_tier", {"tier": tier}, rng)


def _can_change(reading: Reading, right: bool) -> str:
    if reading.role is None:
        return "unknown" if right else "yes"
    return "yes" if (reading.role is Role.TRAINED) is right else "no"


def _which_tier(reading: Reading, right: bool) -> str | None:
    """The tier that is trained on; the wrong one is another, or any where there is none."""
    roles = reading.story.roles
    trained = [tag for tag, role in roles.items() if role is Role.TRAINED]
    if right or not roles:
        return trained[0] if len(trained) == 1 else None
    others = [tag for tag in roles if tag not in trained]
    return others[0] if others else None
