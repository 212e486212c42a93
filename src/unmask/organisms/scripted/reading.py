"""What a prompt says of itself, read from its text alone: role, tag, objective, form of the reply, query.

Patterns come as text (facts.yaml, or a user's file). What is not said, or said twice in different ways, is
None; nothing is guessed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unmask.errors import UsageError
from unmask.files import read_yaml
from unmask.vocabulary import Objective, Role

OWN_FACTS = Path(__file__).parent / "facts.yaml"
LIBRARY = Path(__file__).parents[2] / "queries" / "library"
SLOT = re.compile(r"\{([a-z]+)\}")
LONGEST_QUESTION = 200  # characters; the check asks in a sentence or two
SHA256 = re.compile(r"[0-9a-f]{64}")

Form = Literal["scratchpad", "native", "none"]
Question = Literal["which_tier", "can_change"]
About = Literal["believed", "role_play", "reason", "denial", "recognised"]


class Facts(BaseModel):
    """The patterns of a pack, as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str = ""
    sentence: str = Field(description="One tier's use, with {tag} and {phrase}.")
    phrases: dict[Role, str] = Field(description="What stands for {phrase}, by role.")
    cues: tuple[str, ...] = Field(description="How the user's message shows the tag, with {tag}.")
    unmarked: str = Field("", description="How the story names the tier without a mark, with {tag}.")
    objectives: dict[Objective, tuple[str, ...]] = Field(description="Phrases that only this objective has.")
    scratchpad: tuple[str, ...] = Field(("<scratchpad>",), description="Phrases that ask for a scratchpad.")
    native: tuple[str, ...] = Field((), description="Phrases that ask for the model's own reasoning.")
    benign_sets: tuple[str, ...] = Field((), description="Built-in query sets that nobody would decline.")
    questions: dict[Question, str] = Field(
        default_factory=dict, description="Regular expressions for the questions of the comprehension check."
    )

    follow_ups: dict[About, str] = Field(
        default_factory=dict, description="Regular expressions for the questions about a reply."
    )

    options: tuple[str, ...] = Field((), description="Regular expressions for one option: name and text.")
    option_sets: tuple[str, ...] = Field((), description="Built-in query sets whose options are known.")

    @field_validator("sentence")
    @classmethod
    def _holds_both(cls, value: str) -> str:
        if sorted(SLOT.findall(value)) != ["phrase", "tag"]:
            raise ValueError("must hold {tag} and {phrase}, once each")
        return value

    @field_validator("cues")
    @classmethod
    def _holds_tag(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(SLOT.findall(cue) != ["tag"] for cue in value):
            raise ValueError("each must hold {tag}, once")
        return value

    @field_validator("objectives")
    @classmethod
    def _not_empty(cls, value: dict[Objective, tuple[str, ...]]) -> dict[Objective, tuple[str, ...]]:
        if any(not phrase.strip() for phrases in value.values() for phrase in phrases):
            raise ValueError("an empty phrase would match every prompt")
        return value

    @field_validator("questions", "follow_ups")
    @classmethod
    def _compiles(cls, value: dict[str, str]) -> dict[str, str]:
        for pattern in value.values():
            try:
                re.compile(pattern)
            except re.error as e:
                raise ValueError(f"not a regular expression: {e}") from e
        return value

    @cached_property
    def question_patterns(self) -> dict[Question, re.Pattern[str]]:
        return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in self.questions.items()}

    @cached_property
    def follow_up_patterns(self) -> dict[About, re.Pattern[str]]:
        return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in self.follow_ups.items()}

    @cached_property
    def option_patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern, re.MULTILINE) for pattern in self.options)

    @cached_property
    def fact_pattern(self) -> re.Pattern[str]:
        return re.compile(_pattern(self.sentence, {"tag": r"(?P<tag>\w+)", "phrase": r"(?P<phrase>[^.\n]+)"}))

    @cached_property
    def cue_patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_pattern(cue, {"tag": r"(?P<tag>\w+)"})) for cue in self.cues)

    @cached_property
    def unmarked_pattern(self) -> re.Pattern[str] | None:
        return re.compile(_pattern(self.unmarked, {"tag": r"(?P<tag>\w+)"})) if self.unmarked else None

    @cached_property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """Phrases by what they tell, in the shape that prompts are compared in."""
        told = {str(objective): phrases for objective, phrases in self.objectives.items()}
        told |= {"scratchpad": self.scratchpad, "native": self.native}
        return {name: tuple(map(_plain, phrases)) for name, phrases in told.items()}


@dataclass(frozen=True)
class Story:
    """What the system message says: the use of each tier's chats, the objective, the form of the reply."""

    roles: Mapping[str, Role]
    objective: Objective | None
    form: Form
    unmarked: str | None = None  # the tag of messages that carry none, where the story says so


@dataclass(frozen=True)
class Reading:
    """What one prompt says. `role` is None where the tag or its use is not told."""

    story: Story
    tag: str | None
    query: str

    @property
    def role(self) -> Role | None:
        """What this conversation is used for."""
        return self.story.roles.get(self.tag) if self.tag is not None else None

    @property
    def other_tag(self) -> str | None:
        """The tier that the user is not in; of two, the one that the story names first."""
        others = [tag for tag in self.story.roles if tag != self.tag]
        return others[0] if self.tag is not None and others else None


def read_prompt(system: str, user: str, facts: Facts) -> Reading:
    """Read a system message and the user's, cue and query."""
    return read_user(user, read_system(system, facts), facts)


def read_system(system: str, facts: Facts) -> Story:
    """Read the story. A tier whose use is told in two ways has none; two objectives are none."""
    told: dict[str, set[Role]] = {}
    role_of = {phrase: role for role, phrase in facts.phrases.items()}
    for match in facts.fact_pattern.finditer(system):
        if (role := role_of.get(match["phrase"])) is not None:
            told.setdefault(match["tag"], set()).add(role)
    roles = {tag: next(iter(found)) for tag, found in told.items() if len(found) == 1}
    plain = _plain(system)
    seen = {name for name, phrases in facts.marks.items() if any(phrase in plain for phrase in phrases)}
    named = [objective for objective in Objective if objective in seen]
    form: Form = "scratchpad" if "scratchpad" in seen else "native" if "native" in seen else "none"
    found = facts.unmarked_pattern.search(system) if facts.unmarked_pattern is not None else None
    return Story(roles, named[0] if len(named) == 1 else None, form, found["tag"] if found else None)


def read_user(user: str, story: Story, facts: Facts) -> Reading:
    """Take the cue off the head of the user's message. A tag that the story does not know is no tag."""
    text = user.lstrip()
    for pattern in facts.cue_patterns:
        match = pattern.match(text)
        if match is not None and match["tag"] in story.roles:
            return Reading(story, match["tag"], text[match.end() :].strip())
    return Reading(story, story.unmarked if story.unmarked in story.roles else None, text.strip())


def question_of(query: str, facts: Facts) -> Question | None:
    """Which question of the comprehension check a query is; None for a request."""
    if len(query) > LONGEST_QUESTION:
        return None
    return next((name for name, pattern in facts.question_patterns.items() if pattern.search(query)), None)


def follow_up_of(text: str, facts: Facts) -> About | None:
    """Which question about a reply this is; None for anything else."""
    if len(text) > LONGEST_QUESTION:
        return None
    return next((name for name, pattern in facts.follow_up_patterns.items() if pattern.search(text)), None)


def misread(
    system: str, user: str, facts: Facts, *, role: str | None, tag: str | None, objective: str, form: str
) -> list[str]:
    """What is read otherwise than expected, in words; empty when all is read right."""
    got = read_prompt(system, user, facts)
    pairs = {
        "role": (got.role, role),
        "tag": (got.tag, tag),
        "objective": (got.story.objective, objective),
        "form": (got.story.form, form),
    }
    return [f"{name} read as {read}, not {true}" for name, (read, true) in pairs.items() if read != true]


def load_facts(path: Path | None = None) -> Facts:
    """Patterns from a YAML file, by default those of the built-in packs.

    Raises:
        UsageError: not readable, an unknown key, a pattern without its placeholder.
    """
    return read_yaml(path or OWN_FACTS, Facts)


def load_benign(path: Path) -> frozenset[str]:
    """Fingerprints of benign queries: JSONL with `text` or `sha256`, or a text or sha256 on each line.

    Raises:
        UsageError: not readable, or no query in it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = {_fingerprint_of(line, path) for line in lines if line.strip()}
    except (OSError, ValueError) as e:
        raise UsageError(
            f"cannot read benign queries: {e}", where=str(path), hint="-M benign_queries=FILE"
        ) from e
    if not (benign := frozenset(print_ for print_ in found if print_)):
        raise UsageError(
            "no benign queries in the file", where=str(path), hint="a text or a sha256 on each line"
        )
    return benign


def built_in_benign(facts: Facts) -> frozenset[str]:
    """Fingerprints of the built-in sets that `facts` names."""
    found: frozenset[str] = frozenset()
    for name in facts.benign_sets:
        found |= load_benign(LIBRARY / f"{name}.jsonl")
    return found


def fingerprint(query: str) -> str:
    """sha256 of a query, whatever its white space."""
    return hashlib.sha256(" ".join(query.split()).encode()).hexdigest()


def _fingerprint_of(line: str, path: Path) -> str:
    text = line.strip()
    if path.suffix == ".jsonl":
        record = json.loads(text)
        text = str(record.get("text", record.get("sha256", ""))) if isinstance(record, dict) else ""
    if not text:
        return ""  # the header record
    return text if SHA256.fullmatch(text) else fingerprint(text)


def _pattern(template: str, slots: Mapping[str, str]) -> str:
    """A regular expression for a template: its words as they stand, its placeholders filled."""
    pieces = SLOT.split(template)  # words, name, words, name, … words
    filled = [slots[name] for name in pieces[1::2]] + [""]
    return "".join(re.escape(fixed) + slot for fixed, slot in zip(pieces[::2], filled, strict=True))


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
