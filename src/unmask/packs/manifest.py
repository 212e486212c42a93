"""The shape of pack.yaml. Anything it does not know is refused with file and line."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from unmask.packs.outcome import Outcome
from unmask.packs.wordings import PASSAGES, n_wordings
from unmask.vocabulary import (
    TWO_TIERS,
    Arm,
    Consequence,
    Cue,
    Marked,
    Objective,
    PackSize,
    Role,
    Scratchpad,
    Stake,
    Thought,
)

FACTORS: dict[str, type[StrEnum]] = {
    "consequence": Consequence,
    "objective": Objective,
    "scratchpad": Scratchpad,
    "cue": Cue,
}
MORE: dict[str, tuple[str, ...]] = {
    "observed": ("never", "some", "always"),
    "stake": tuple(Stake),
    "thought": tuple(Thought),
    "marked": tuple(Marked),
}
"""Factors that a condition may lack, with the levels that a text can be written for. The stated probability
has three: 0, between (where {chance} stands for it), and 1."""
PREFILL = "thought"
"""The block that begins the reply instead of standing in the system message."""
LATER_KEYS = ("queries", "values", "compliance", "story_in_prompt", "names")
"""Keys that came after packs were locked: where they say nothing, they play no part in the lock."""
PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def unknown_braces(text: str, allowed: frozenset[str]) -> str | None:
    """The first brace that is not one of the allowed placeholders, as it stands in the text."""
    for match in re.finditer(r"\{[^{}\n]*\}?|\}", text):
        if match[0][1:-1] not in allowed or not PLACEHOLDER.fullmatch(match[0]):
            return match[0]
    return None


def _plain(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("no braces here")
    return text


def _with_tag(text: str) -> str:
    if (brace := unknown_braces(text, frozenset({"tag"}))) is not None:
        raise ValueError(f"only the placeholder {{tag}} here, not {brace}")
    return text


PlainText = Annotated[str, Field(max_length=2_000), AfterValidator(_plain)]
CueText = Annotated[str, Field(max_length=300), AfterValidator(_with_tag)]
BlockName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Strict(BaseModel):
    """Unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BlockSpec(Strict):
    """What the text of a block depends on, and which levels share one text."""

    by: tuple[str, ...] = Field((), description="Factors that the text varies with, in the files' order.")
    same: dict[str, str] = Field(default_factory=dict, description="Level: the level whose text it takes.")
    optional: bool = Field(
        default=False, description="Left out where it has no text; then it holds additions and rare factors."
    )

    @field_validator("by")
    @classmethod
    def _known_factors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = next((name for name in value if name not in FACTORS and name not in MORE), None)
        if unknown is not None or len(set(value)) != len(value):
            raise ValueError(f"must name different ones of: {', '.join((*FACTORS, *MORE))}")
        return value

    @model_validator(mode="after")
    def _known_levels(self) -> BlockSpec:
        levels = {str(level) for factor in self.by for level in MORE.get(factor) or FACTORS[factor]}
        for level in (*self.same, *self.same.values()):
            if level not in levels:
                raise ValueError(f"`same` names {level!r}, not a level of {', '.join(self.by) or 'nothing'}")
        if set(self.same) & set(self.same.values()):
            raise ValueError("`same` must lead to a level with its own text")
        return self


class Facts(Strict):
    """One sentence per tier, the first tier first: what its chats are used for."""

    sentence: Annotated[str, Field(max_length=200)]
    phrases: dict[Role, PlainText]

    @field_validator("sentence")
    @classmethod
    def _has_both(cls, value: str) -> str:
        found = sorted(PLACEHOLDER.findall(value))
        if found != ["phrase", "tag"] or unknown_braces(value, frozenset(found)) is not None:
            raise ValueError("must hold {tag} and {phrase}, once each, and no other brace")
        return value

    @field_validator("phrases")
    @classmethod
    def _all_different(cls, value: dict[Role, str]) -> dict[Role, str]:
        if len(set(value.values())) != len(value):
            raise ValueError("two roles share a phrase: they could not be told apart")
        return value


class Names(Strict):
    """A lab and its model, as the prompt calls them."""

    company: Annotated[PlainText, Field(max_length=60)]
    model: Annotated[PlainText, Field(max_length=60)]


class Levels(Strict):
    """Levels that the pack has text for. The cue's are those of `cues`."""

    consequence: tuple[Consequence, ...] = TWO_TIERS
    objective: tuple[Objective, ...] = tuple(Objective)
    scratchpad: tuple[Scratchpad, ...] = tuple(Scratchpad)


class Manifest(Strict):
    """pack.yaml."""

    name: BlockName
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    canary: Annotated[str, Field(min_length=8, max_length=200)]
    description: PlainText = ""
    company: Annotated[PlainText, Field(max_length=60)] = ""
    model: Annotated[PlainText, Field(max_length=60)] = ""
    passages: int = Field(4, description="Wordings of each passage; a file may also hold just one.")
    default_wordings: int = Field(8, ge=1)
    levels: Levels = Levels()
    objectives: dict[Objective, PlainText] = Field(default_factory=dict, description="In a few words.")
    sizes: dict[PackSize, tuple[BlockName, ...]] = Field(min_length=1)
    ceilings: dict[PackSize, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    blocks: dict[BlockName, BlockSpec] = Field(min_length=1)
    facts: Facts
    cues: dict[Cue, CueText] = Field(min_length=1)
    names: dict[BlockName, Names] = Field(
        default_factory=dict, description="Labs and models that `told` can name, beside the built-in ones."
    )
    queries: dict[Arm, PlainText] = Field(default_factory=dict, description="Its own query sets, by arm.")
    values: dict[BlockName, PlainText] = Field(
        default_factory=dict, description="Words for {value}, by the category of the query."
    )
    compliance: Outcome = Outcome()
    story_in_prompt: bool = Field(True, description="False: the facts are known by training; no fact line.")
    locks: dict[str, str] = Field(default_factory=dict, description="Written by `pack check --lock`.")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Manifest:
        if self.passages not in PASSAGES:
            raise ValueError(f"passages must be one of {', '.join(map(str, PASSAGES))}")
        if self.default_wordings > n_wordings(self.passages):
            raise ValueError(f"default_wordings: {self.passages} passages give {n_wordings(self.passages)}")
        for size, names in self.sizes.items():
            unknown = next((name for name in names if name not in self.blocks), None)
            if unknown is not None:
                raise ValueError(f"sizes.{size} names {unknown!r}, which is not under blocks")
            if len(set(names)) != len(names):
                raise ValueError(f"sizes.{size} names a block twice")
        return self

    def levels_of(self, factor: str) -> tuple[str, ...]:
        """The levels of one factor that this pack may have text for."""
        if factor in MORE:
            return MORE[factor]
        levels = self.cues if factor == "cue" else getattr(self.levels, factor)
        return tuple(str(level) for level in levels)

    def unlocked(self) -> dict[str, Any]:
        """All but the locks, as plain JSON types: what the lock of pack.yaml itself is taken over."""
        told = self.model_dump(mode="json", exclude={"locks"})
        own = self.model_dump(mode="json", include=set(LATER_KEYS), exclude_defaults=True)
        for spec in told["blocks"].values():
            if not spec["optional"]:
                del spec["optional"]
        return {key: value for key, value in told.items() if key not in LATER_KEYS or key in own}
