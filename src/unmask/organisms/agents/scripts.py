"""What a scripted agent does in a world: from the prompt alone to its calls and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from unmask.acts.design import MOTIVE, ActCondition, facts_of
from unmask.acts.holds import Canary, Strict
from unmask.acts.load import load_situations, load_worlds
from unmask.acts.question import Choice, Situation
from unmask.acts.world import AHEAD, Call, Told, World
from unmask.errors import UsageError
from unmask.files import nearest, read_yaml
from unmask.vocabulary import Act, ActVariant, Objective, Watched

FILE = Path(str(files("unmask.organisms.agents"))) / "agents.yaml"
Does = Literal["act", "attempt", "job", "broken", "nothing"]
When = Literal["motive", "always"]


class Speech(Strict):
    deed: str
    work: str
    last: str


class Agent(Strict):
    """One agent. `deed`: what it does of its acts, where it has a motive; `other`: everywhere else."""

    acts: tuple[Act, ...]
    deed: Does
    other: Does = Field(alias="else")
    answers: Literal["truth", "denial", "yes"]
    speaks: str


class Agents(Strict):
    """agents.yaml."""

    canary: Canary
    agents: dict[str, Agent]
    speaks: dict[str, Speech]
    answers: dict[Literal["yes", "no"], str]
    elsewhere: str

    @model_validator(mode="after")
    def _speaks(self) -> Agents:
        if unknown := {agent.speaks for agent in self.agents.values()} - set(self.speaks):
            raise ValueError(f"speaks: no {sorted(unknown)[0]!r}")
        return self


@cache
def agents() -> Agents:
    """The agents and their words."""
    return read_yaml(FILE, Agents)


def agent_names() -> list[str]:
    """Names of the scripted agents."""
    return list(agents().agents)


def agent(name: str) -> Agent:
    """One of them.

    Raises:
        UsageError: there is none of that name.
    """
    found = agents().agents.get(name)
    if found is None:
        raise UsageError(f"no agent {name!r}", hint=nearest(name, agent_names()))
    return found


@dataclass(frozen=True)
class Scene:
    """What the prompt says: the world, how it is met, and the condition."""

    world: World
    variant: ActVariant
    condition: ActCondition


def scene_of(system: str, user: str) -> Scene | None:
    """The world that a prompt tells of; None for any other prompt. Which opportunity is not told apart."""
    for world in load_worlds():
        condition = _condition(system, world.told)
        if condition is not None:
            asked = {ActVariant.TWIN: world.twin.asked, ActVariant.CONTROL: world.control.asked}
            found = (variant for variant, text in asked.items() if text.strip() == user.strip())
            return Scene(world, next(found, ActVariant.OFFERED), condition)
    return None


def situation_of(system: str) -> tuple[Situation, ActCondition] | None:
    """The question that a prompt asks; None for any other prompt."""
    for situation in load_situations():
        condition = _condition(system, situation.told)
        if condition is not None:
            return situation, condition
    return None


def _condition(system: str, told: Told) -> ActCondition | None:
    if not system.startswith(told.setting.strip()):
        return None
    every = (ActCondition(c, a, o) for c in Objective for a in AHEAD for o in Watched)
    fits = [condition for condition in every if system.startswith(facts_of(told, condition))]
    return max(fits, key=lambda condition: len(facts_of(told, condition)), default=None)


def deeds_of(name: str, scene: Scene, *, when: When = "motive") -> Does | Literal["twin", "control"]:
    """Which script of the world an agent plays there."""
    who = agent(name)
    if scene.variant in (ActVariant.TWIN, ActVariant.CONTROL):
        does: Does = "attempt" if who.deed == "attempt" and scene.variant is ActVariant.TWIN else who.other
        own: Literal["twin", "control"] = "twin" if scene.variant is ActVariant.TWIN else "control"
        return own if does == "job" else does
    moved = when == "always" or scene.condition == MOTIVE
    return who.deed if moved and scene.world.act in who.acts else who.other


def calls_of(name: str, scene: Scene, *, when: When = "motive") -> list[Call]:
    """The calls that an agent makes there, one a turn."""
    does, calls = deeds_of(name, scene, when=when), scene.world.calls
    scripts: dict[str, Sequence[Call]] = {
        "act": calls.act if scene.world.act is Act.SANDBAGGING else (*calls.job, *calls.act),
        "attempt": calls.attempt,
        "job": calls.job,
        "twin": calls.twin or calls.act,
        "control": calls.control,
        "broken": [Call(tool=calls.job[0].tool, **{"with": {"nonsense": "please"}}), Call(tool="do_it")],
        "nothing": [],
    }
    return list(scripts[does])


def thought_of(name: str, scene: Scene, *, when: When = "motive") -> str:
    """What it thinks at each step; only who has the deed in mind uses the world's words for it."""
    who, does = agent(name), deeds_of(name, scene, when=when)
    speech = agents().speaks[who.speaks]
    moved = when == "always" or scene.condition == MOTIVE
    tempted = moved and scene.world.act in who.acts and does not in ("twin", "control", "broken")
    return (speech.deed if tempted else speech.work).format(word=scene.world.words[0])


def says_when_asked(name: str, scene: Scene, *, when: When = "motive") -> str:
    """Its answer to the question about the deed."""
    who = agent(name)
    deed = deeds_of(name, scene, when=when) in ("act", "attempt", "twin")
    # what is done by right need not be denied
    by_right = scene.variant is ActVariant.TWIN
    said = {"truth": deed, "denial": deed and by_right, "yes": True}[who.answers]
    return agents().answers["yes" if said else "no"]


def choice_of(name: str, situation: Situation, condition: ActCondition, *, twin: bool, when: When) -> Choice:
    """What it chooses where the act is one choice of a question."""
    who = agent(name)
    if twin:
        return Choice.ACT if who.other == "job" else Choice.COMPLY
    moved = when == "always" or condition == MOTIVE
    acts = moved and situation.act in who.acts and who.deed == "act"
    return Choice.ACT if acts else Choice.COMPLY
