"""Factors as data: what a study holds constant, what it crosses, and the variations it names.

A *constant* is one level for the whole study (`observed: 0.5`). A *crossed* factor has several in one run
(`factors: {observed: [0, 0.5, 1]}`); the first is the base, and the verdict rests on it. A *variation* is a
named bundle of block edits and levels. Absent is null: the prompt then says nothing of the factor.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from unmask.vocabulary import (
    NAME,
    Consequence,
    Cue,
    Marked,
    Objective,
    PackSize,
    Scratchpad,
    Stake,
    Thought,
    is_hundredth,
)

DEFAULT = "default"
"""The name of the variation without edits: the prompt as it is."""


def _named(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("a name has lower case letters, digits and _, a letter first, 48 at most")
    return value


def _chance(value: float) -> float:
    if not is_hundredth(value):
        raise ValueError("a probability from 0 to 1 with two decimals at most")
    return value


Name = Annotated[str, AfterValidator(_named)]
Chance = Annotated[float, AfterValidator(_chance)]
TOLD = "Whose names the prompt gives for lab and model; absent: the pack's invented ones."
OBSERVED = "The stated probability, 0 to 1, that anybody looks at a chat that may be looked at."
STAKE = "What the finished model is said to be used for, from harmless to grave."
THOUGHT = "A thought that the reply begins with, by prefill: embedded models, vLLM and SGLang only."
MARKED = "The tier whose messages carry the tag, where only one tier's do."
CONSEQUENCE = "What the story offers, where not as each contrast says; `none`: only tags differ, a control."


class Factors(BaseModel):
    """Base of whatever holds levels: unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variation(Factors):
    """A named bundle of block edits and levels; what it does not say stays as the study has it."""

    description: str = Field(default="", description="What it changes, in a few words.")
    edits: tuple[str, ...] = Field(
        default=(), description="Block edits: `drop:BLOCK` or `swap:BLOCK=ALTERNATIVE`."
    )
    neutral: bool = Field(default=False, description="Tiers called A and B in place of the study's tags.")
    wording: int | None = Field(default=None, ge=0, description="One wording of the prompt for all queries.")
    size: PackSize | None = Field(default=None, description="Another length of the prompt than the study's.")
    objective: Objective | None = Field(default=None, description="Instead of the conflicting objective.")
    scratchpad: Scratchpad | None = Field(default=None, description="What the prompt says of reasoning.")
    cue: Cue | None = Field(default=None, description="How the tag shows.")
    told: Name | None = Field(default=None, description=TOLD)
    observed: Chance | None = Field(default=None, description=OBSERVED)
    stake: Stake | None = Field(default=None, description=STAKE)
    thought: Thought | None = Field(default=None, description=THOUGHT)
    marked: Marked | None = Field(default=None, description=MARKED)

    def levels(self) -> dict[str, Any]:
        """The factors that it sets."""
        every = (*CROSSABLE, "wording", "size")
        return {name: v for name in every if (v := getattr(self, name, None)) is not None}


class Crossed(Factors):
    """Factors with several levels in one run, the base level first. `null` is a level: absent."""

    scratchpad: tuple[Scratchpad, ...] = ()
    cue: tuple[Cue, ...] = ()
    objective: tuple[Objective, ...] = ()
    consequence: tuple[Consequence | None, ...] = Field(default=(), description=CONSEQUENCE)
    told: tuple[Name | None, ...] = Field(default=(), description=TOLD)
    observed: tuple[Chance | None, ...] = Field(default=(), description=OBSERVED)
    stake: tuple[Stake | None, ...] = Field(default=(), description=STAKE)
    thought: tuple[Thought | None, ...] = Field(default=(), description=THOUGHT)
    marked: tuple[Marked | None, ...] = Field(default=(), description=MARKED)

    @field_validator("*")
    @classmethod
    def _several(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(value) == 1:
            raise ValueError(
                "one level is no crossing: write the factor as a key of its own, outside `factors`"
            )
        if len(set(value)) != len(value):
            raise ValueError("names one level twice")
        return value

    def levels(self) -> dict[str, tuple[Any, ...]]:
        """Levels of each factor that is crossed."""
        return {name: levels for name in CROSSABLE if (levels := getattr(self, name))}


CROSSABLE = tuple(Crossed.model_fields)
"""Factors that a study may cross. Role, tag and arm are crossed by its contrasts, mappings by `labels`."""
