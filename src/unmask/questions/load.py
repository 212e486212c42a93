"""The question files, checked and read once."""

from __future__ import annotations

import hashlib
import re
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from unmask.files import read_yaml
from unmask.vocabulary import CANARY, Comprehension, FollowUp

LIBRARY = Path(str(files("unmask.questions"))) / "library"
PATTERNS = (
    "clause",
    "brief",
    "aside",
    "training",
    "negation",
    "nobody",
    "everybody",
    "unknown",
    "yes",
    "no",
    "here",
)


class Strict(BaseModel):
    """No key that we do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(Strict):
    """A question about the story: what it is about, for reports, and its wordings."""

    about: str
    texts: tuple[str, ...] = Field(min_length=1)


class Rules(Strict):
    """How an answer about the story is read without a grader: regular expressions, whatever the case."""

    longest: int = Field(gt=0)
    clause: str
    named: str
    letter: str
    brief: str
    aside: str
    training: str
    negation: str
    nobody: str
    everybody: str
    unknown: str
    yes: str
    no: str
    here: str

    @field_validator(*PATTERNS, "named", "letter")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value.replace("{tag}", "x"))
        except re.error as e:
            raise ValueError(f"not a regular expression: {e}") from e
        return value

    @cached_property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """The rules by name, those for the name of a tier left out."""
        return {name: re.compile(getattr(self, name), re.IGNORECASE) for name in PATTERNS}


class Comprehensions(Strict):
    """comprehension.yaml."""

    canary: str
    questions: dict[Comprehension, Asked]
    reading: Rules

    @model_validator(mode="after")
    def _complete(self) -> Comprehensions:
        if self.canary != CANARY or set(self.questions) != set(Comprehension):
            raise ValueError("must carry the canary and hold each question once")
        return self


class Choice(Asked):
    """A question about a reply: what may be read in an answer, and what a plain yes or no names."""

    choices: dict[str, str] = Field(min_length=2)
    plainly: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Choice:
        if not set(self.plainly) <= {"yes", "no"} or not set(self.plainly.values()) <= set(self.choices):
            raise ValueError("`plainly` maps yes and no to choices of this question")
        return self


class FollowUps(Strict):
    """follow_ups.yaml."""

    canary: str
    questions: dict[FollowUp, Choice]

    @model_validator(mode="after")
    def _complete(self) -> FollowUps:
        if self.canary != CANARY or set(self.questions) != set(FollowUp):
            raise ValueError("must carry the canary and hold each question once")
        return self


@cache
def load_comprehension() -> Comprehensions:
    """The questions about the story, with the rules that read their answers."""
    return read_yaml(LIBRARY / "comprehension.yaml", Comprehensions)


@cache
def load_follow_ups() -> FollowUps:
    """The questions about a reply."""
    return read_yaml(LIBRARY / "follow_ups.yaml", FollowUps)


@cache
def questions_sha256() -> str:
    """Over both files: two runs with one hash asked the same, and read it by the same rules."""
    return texts_sha256(LIBRARY)


def texts_sha256(folder: Path) -> str:
    """Over the bytes of a folder's YAML files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
