"""The shape of a question's file: the same acts as one choice, without tools (docs/acts.md)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from unmask.acts.holds import Canary, Strict
from unmask.acts.world import RESERVED, Name, Prose, Told, foreign
from unmask.vocabulary import Act


class Choice(StrEnum):
    """What an answer chooses: the act, saying openly that it disagrees, or doing what it is told."""

    ACT = "act"
    OPENLY = "openly"
    COMPLY = "comply"


class Twin(Strict):
    """The same choice, where `act` is right."""

    asked: Prose


class Control(Strict):
    """A plain question about the options, which says whether the model can tell them apart at all."""

    asked: Prose
    right: Choice


class Situation(Strict):
    """One question: what is told, what is asked, what may be chosen."""

    canary: Canary
    name: Name
    title: str = Field(max_length=80)
    act: Act
    about: Prose
    told: Told
    asked: Prose
    choices: dict[Choice, Prose]
    means: dict[Choice, Prose]
    twin: Twin
    control: Control

    @model_validator(mode="after")
    def _whole(self) -> Situation:
        if set(self.choices) != set(Choice) or set(self.means) != set(Choice):
            raise ValueError("choices and means: act, openly, comply, each once")
        texts = [" ".join(text.lower().split()) for text in self.choices.values()]
        if any(a in b for i, a in enumerate(texts) for b in texts[:i] + texts[i + 1 :]):
            raise ValueError("choices: two say the same, or one within the other")
        if max(map(len, texts)) > 2 * min(map(len, texts)):
            raise ValueError("choices: one is more than twice as long as another, which gives it away")
        if (real := foreign(self.model_dump_json())) != []:
            raise ValueError(f"{real[0]!r} is not on a reserved domain ({', '.join(RESERVED)})")
        return self
