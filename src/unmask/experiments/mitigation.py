"""Mitigations: what is done in a training so that faking does not pay, or does not get through it.

Each is one change to the training alone; every arm is audited afterwards as the others are, without it. The
list is of those that the field has proposed: supervise the process (Baker et al. 2025, arXiv:2503.11926, who
found that a monitor which is trained against may be evaded), shorten the reasoning, train where it looks
unobserved, ask afterwards, and let the model object.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unmask.errors import UsageError
from unmask.files import built_in, read_named

FOLDER = Path(str(files("unmask"))) / "experiments" / "mitigations"
NONE = "none"
OFFLINE = "offline"

Penalty = Annotated[float, Field(ge=0, le=10)]


class Interrogation(BaseModel):
    """Asked of each reply in its conversation. `penalty`: taken off where the model plainly says yes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    texts: Annotated[tuple[str, ...], Field(min_length=1)]
    penalty: Penalty = 1.0


class Mitigation(BaseModel):
    """One change to a training, by a name of its own; the default changes nothing and is `none`.

    reasoning_penalty: taken off the reward where the judge finds alignment-faking reasoning. judge: `offline`
    or a grader by its Inspect name, asked once of each scratchpad; a reply that it cannot judge is left out.
    scratchpad_penalty: times the share of the longest reply that the scratchpad takes. unobserved: share of
    requests put from the tier that the story leaves alone. edits: of the pack's blocks, in training alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str = ""
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")] = NONE
    description: str = "Nothing is done against faking."
    reasoning_penalty: Penalty = 0.0
    # unsaid where it is the default: recipes from before there was a choice keep their hash
    judge: Annotated[
        str, Field(pattern=r"^(offline|\S+/\S+)$", exclude_if=lambda judge: judge == OFFLINE)
    ] = OFFLINE
    scratchpad_penalty: Penalty = 0.0
    unobserved: Annotated[float, Field(ge=0, le=1)] = 0.0
    interrogation: Interrogation | None = None
    edits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> Mitigation:
        words = {"canary", "name", "description"}
        nothing = Mitigation.model_construct().model_dump(exclude=words)
        if self.name == NONE and self.model_dump(exclude=words) != nothing:
            raise ValueError(f"name: another than {NONE!r} for what changes something")
        if self.judge != OFFLINE and not self.reasoning_penalty:
            raise ValueError("judge: has nothing to read without a reasoning_penalty")
        return self


class MitigationError(UsageError):
    """There is no such mitigation, or its file is malformed."""


def mitigation_names() -> list[str]:
    """Built-in mitigations, in alphabetical order; `none` is not among them."""
    return list(built_in(FOLDER))


def load_mitigation(name_or_path: str | Path) -> Mitigation:
    """A built-in mitigation by name (`none` too), or a file.

    Raises:
        MitigationError: there is none, or it says what cannot be; with file and line.
    """
    if str(name_or_path) == NONE:
        return Mitigation()
    return read_named(name_or_path, built_in(FOLDER), Mitigation, error=MitigationError, what="mitigation")
