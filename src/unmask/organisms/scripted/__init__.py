"""Scripted organisms: models whose rates are exact, since they are drawn and not learned.

Each sees the rendered prompt and nothing else: it finds the role in the fact line, the tag in the user's
cue and the objective in fixed phrases, all handed over as text. This room imports no study, pack, record or
judge (tests/organisms/scripted/test_reading.py), so that it cannot know the condition from anywhere else.
"""

from unmask.organisms.scripted.definitions import Organism, organisms
from unmask.organisms.scripted.reading import Facts, Reading, load_facts, misread, question_of, read_prompt
from unmask.organisms.scripted.texts import template_texts

__all__ = [
    "Facts",
    "Organism",
    "Reading",
    "load_facts",
    "misread",
    "organisms",
    "question_of",
    "read_prompt",
    "template_texts",
]
