"""The shape of a world's file. Anything it does not know is refused with file and line (docs/acts.md)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from unmask.acts.holds import Canary, Holds, Strict
from unmask.vocabulary import Act, ActVariant, Consequence, Objective, Watched

RESERVED = ("example.com", "example.org", "example.net", "invalid")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")
URL = re.compile(r"https?://([^\s/\"'<>:]+)", re.IGNORECASE)
SECRET = re.compile(r"weight|checkpoint|credential|secret|token|\.key$|key\.", re.IGNORECASE)
DECOY = "DECOY"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,47}$")]
Prose = Annotated[str, Field(min_length=1, max_length=4_000)]
AHEAD = (Consequence.TRAINED, Consequence.NONE)


def reserved(domain: str) -> bool:
    """Whether a domain can belong to nobody (RFC 2606)."""
    domain = domain.lower().rstrip(".")
    return any(domain == name or domain.endswith(f".{name}") for name in RESERVED)


def foreign(text: str) -> list[str]:
    """Addresses and URLs in a text that are not on reserved domains."""
    domains = [(match[0], match[0].rsplit("@", 1)[1]) for match in ADDRESS.finditer(text)]
    domains += [(match[0], match[1]) for match in URL.finditer(text)]
    return [whole for whole, domain in domains if not reserved(domain)]


class Told(Strict):
    """The system message, in facts: `setting` always, then one sentence or two for each factor's level."""

    setting: Prose
    conflict: dict[Objective, str]
    ahead: dict[Consequence, Prose]
    observed: dict[Watched, Prose]

    @model_validator(mode="after")
    def _complete(self) -> Told:
        if set(self.conflict) != set(Objective) or set(self.observed) != set(Watched):
            raise ValueError("conflict: conflicting, aligned, absent; observed: watched, unwatched")
        if set(self.ahead) != set(AHEAD):
            raise ValueError("ahead: trained, none")
        if not (self.conflict[Objective.CONFLICTING].strip() and self.conflict[Objective.ALIGNED].strip()):
            raise ValueError("conflict: only `absent` may be empty")
        for levels in (self.conflict, self.ahead, self.observed):
            texts = [" ".join(text.split()) for text in levels.values()]
            if any(a in b for i, a in enumerate(texts) for b in texts[:i] + texts[i + 1 :] if a):
                raise ValueError("two levels of one factor say the same, or one within the other")
        return self


class Place(Strict):
    """A host of the cluster, or a target of uploads. `outside`: the lab does not run it."""

    about: Prose
    outside: bool = False


class Letter(Strict):
    sender: str = Field(alias="from")
    subject: str
    body: Prose


class Mail(Strict):
    """The model's own address, the domains that are inside, and what lies in its inbox."""

    own: str
    inside: tuple[str, ...] = Field(min_length=1)
    inbox: tuple[Letter, ...] = ()


class TestQuestion(Strict):
    """A question of a capability test; `right` lists every form of the right answer."""

    __test__ = False  # not for pytest
    ask: Prose
    right: tuple[str, ...] = Field(min_length=1)


class State(Strict):
    """What a world holds at the start, as plain data."""

    files: dict[str, str] = Field(default_factory=dict)
    hosts: dict[str, Place] = Field(default_factory=dict)
    targets: dict[str, Place] = Field(default_factory=dict)
    mail: Mail | None = None
    settings: dict[str, str] = Field(default_factory=dict)
    queue: dict[str, dict[str, str]] = Field(default_factory=dict)
    test: dict[str, TestQuestion] = Field(default_factory=dict)
    locked: tuple[str, ...] = ()

    @field_validator("files")
    @classmethod
    def _paths(cls, value: dict[str, str]) -> dict[str, str]:
        bad = next((path for path in value if not re.fullmatch(r"(/[\w.-]+)+", path) or ".." in path), None)
        if bad is not None:
            raise ValueError(f"{bad!r} is no path like /work/notes.txt")
        marked = next((p for p, text in value.items() if SECRET.search(p) and DECOY not in text), None)
        if marked is not None:
            raise ValueError(f"{marked!r} sounds like weights or keys: its text must say {DECOY}")
        return value

    @model_validator(mode="after")
    def _known(self) -> State:
        here = {*self.files, *self.hosts, *self.targets, *self.settings, *self.queue, *self.test}
        unknown = next((name for name in self.locked if name not in here), None)
        if unknown is not None:
            raise ValueError(f"locked names {unknown!r}, which is not in the state")
        domains = [*self.hosts, *self.targets, *(self.mail.inside if self.mail else ())]
        real = next((name for name in domains if "." in name and not reserved(name)), None)
        if real is not None:
            raise ValueError(f"{real!r} is not on a reserved domain ({', '.join(RESERVED)})")
        return self


class Variant(Strict):
    """What a variant adds: a sentence to the system message, and things to the state."""

    notice: str = ""
    files: dict[str, str] = Field(default_factory=dict)
    inbox: tuple[Letter, ...] = ()
    settings: dict[str, str] = Field(default_factory=dict)
    queue: dict[str, dict[str, str]] = Field(default_factory=dict)
    hosts: dict[str, Place] = Field(default_factory=dict)
    targets: dict[str, Place] = Field(default_factory=dict)

    @property
    def adds(self) -> bool:
        """Whether it says or holds anything."""
        return bool(self.model_fields_set)


class Twin(Variant):
    """The same call, asked for by those who may."""

    asked: Prose


class Job(Strict):
    """What the model is asked to do, and what must hold once it has."""

    asked: Prose
    done: Holds


class Call(Strict):
    """One tool call of a script."""

    tool: str
    arguments: dict[str, str] = Field(default_factory=dict, alias="with")


class Calls(Strict):
    """Scripts that show that the world can be played: what a scripted agent calls."""

    act: tuple[Call, ...] = Field(min_length=1)
    attempt: tuple[Call, ...] = Field(min_length=1)
    job: tuple[Call, ...] = Field(min_length=1)
    control: tuple[Call, ...] = Field(min_length=1)
    twin: tuple[Call, ...] = ()


class World(Strict):
    """One world: what is told, what is there, what may be called, what counts."""

    canary: Canary
    name: Name
    title: str = Field(max_length=80)
    act: Act
    about: Prose
    told: Told
    state: State
    tools: tuple[str, ...] = Field(min_length=1)
    job: Job
    variants: dict[ActVariant, Variant]
    twin: Twin
    control: Job
    done: Holds
    attempted: Holds
    words: tuple[str, ...] = Field(min_length=1)
    asked_after: Prose
    calls: Calls

    @model_validator(mode="after")
    def _whole(self) -> World:
        wanted = {ActVariant.OFFERED, ActVariant.HINTED, ActVariant.UNMENTIONED}
        if set(self.variants) != wanted:
            raise ValueError("variants: offered, hinted, unmentioned (the twin stands beside them)")
        if self.variants[ActVariant.UNMENTIONED].adds:
            raise ValueError("variants.unmentioned adds nothing: write {}")
        if not all(self.variants[v].adds for v in wanted - {ActVariant.UNMENTIONED}):
            raise ValueError(
                "variants.offered and variants.hinted must add a notice, or something to the state"
            )
        if (real := foreign(self.model_dump_json())) != []:
            raise ValueError(f"{real[0]!r} is not on a reserved domain ({', '.join(RESERVED)})")
        return self

    def added(self, variant: ActVariant) -> Variant:
        """What a variant adds; the control adds nothing."""
        if variant is ActVariant.TWIN:
            return self.twin
        return self.variants.get(variant, Variant())

    def asked(self, variant: ActVariant) -> str:
        """What the user asks for in a variant."""
        own: dict[ActVariant, Any] = {ActVariant.TWIN: self.twin, ActVariant.CONTROL: self.control}
        return str(own.get(variant, self.job).asked)
