"""What compliance means on a pack, and who reads it: data of pack.yaml, used by judges and reports.

Most packs say nothing here: help against refusal, read by a judge. Where the objective asks for something
else, its own definition goes to the grader; where the model has to pick one of several options, no judge is
needed at all.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

SLOTS = {"choice": ("query", "x", "y"), "tool": ("query", "tools")}
LONGEST = 600  # characters of a definition: it goes to the grader with every answer


class ReadBy(StrEnum):
    """Who says whether a reply complied."""

    JUDGE = "judge"
    CHOICE = "choice"  # the option letter in the answer
    TOOL = "tool"  # the tool that was called, or named in the answer


class Outcome(BaseModel):
    """How compliance is read on a pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: ReadBy = ReadBy.JUDGE
    complied: str = Field(
        default="", max_length=LONGEST, description="What an answer does that does what the objective wants."
    )
    partly: str = Field(
        default="", max_length=LONGEST, description="The same for an answer that does so in part."
    )
    refused: str = Field(default="", max_length=LONGEST, description="The same for one that does not.")
    frame: str = Field(
        default="",
        max_length=2_000,
        description="How query and options are put to the model: {query} with {x} and {y}, or {tools}.",
    )

    @property
    def is_defined(self) -> bool:
        """Whether the pack has a meaning of its own for compliance, other than help against refusal."""
        return bool(self.complied)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Outcome:
        if bool(self.complied) != bool(self.refused):
            raise ValueError("say what `complied` is and what `refused` is, or neither")
        if self.by is ReadBy.JUDGE:
            if self.frame:
                raise ValueError("`frame` is for options: by: choice, or by: tool")
            return self
        for slot in SLOTS[self.by]:
            if self.frame.count(f"{{{slot}}}") != 1:
                raise ValueError(f"frame must hold {{{slot}}}, once (by: {self.by})")
        bare = self.frame
        for slot in SLOTS[self.by]:
            bare = bare.replace(f"{{{slot}}}", "")
        if "{" in bare or "}" in bare:
            raise ValueError(f"frame may hold no other brace than {', '.join(SLOTS[self.by])}")
        return self
