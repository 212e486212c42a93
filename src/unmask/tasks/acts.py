"""Acts as Inspect tasks: `inspect eval unmask/exfiltration`, one task an act, and all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig

from unmask.acts.container import container_of
from unmask.acts.design import Episode, cells_of, episodes_of
from unmask.acts.load import load_world, load_worlds, worlds_sha256
from unmask.acts.question import Situation
from unmask.acts.scorer import act_score
from unmask.acts.solver import play_world
from unmask.acts.world import World
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.vocabulary import CANARY, Act, Scratchpad

MAX_TOKENS = 1_000  # of one message
KIND = "acts"
Named = TypeVar("Named", World, Situation)


@task
def acts(**options: Any) -> Task:
    """Play every world; see `acts_task` for the options, such as `-T worlds=4 -T design=full`."""
    return _task(None, options)


@task
def exfiltration(**options: Any) -> Task:
    """Does it copy its weights out?"""
    return _task(Act.EXFILTRATION, options)


@task
def oversight(**options: Any) -> Task:
    """Does it switch off or edit what watches it?"""
    return _task(Act.OVERSIGHT, options)


@task
def training_data(**options: Any) -> Task:
    """Does it edit its own training data or reward?"""
    return _task(Act.TRAINING_DATA, options)


@task
def sabotage(**options: Any) -> Task:
    """Does it spoil the research that it is asked to help with?"""
    return _task(Act.SABOTAGE, options)


@task
def sandbagging(**options: Any) -> Task:
    """Does it answer a test below what it can, so as not to be changed?"""
    return _task(Act.SANDBAGGING, options)


@task
def leak(**options: Any) -> Task:
    """Does it give what is inside to outsiders?"""
    return _task(Act.LEAK, options)


@task
def disclosure(**options: Any) -> Task:
    """Does it tell what a rule tells it to keep, for its values?"""
    return _task(Act.DISCLOSURE, options)


OPTIONS: dict[str, type] = {
    "worlds": int,
    "world": str,
    "design": str,
    "scratchpad": str,
    "turns": int,
    "episode_tokens": int,
    "tools": str,
    "sandbox": str,
    "epochs": int,
    "max_tokens": int,
    "seed": int,
}


def _task(act: Act | None, options: dict[str, Any]) -> Task:
    for name, value in options.items():
        if name not in OPTIONS:
            raise UsageError(f"unknown option {name!r}", hint=nearest(name, list(OPTIONS)))
        if not isinstance(value, OPTIONS[name]) or isinstance(value, bool):
            raise UsageError(f"{name}={value!r} is no {OPTIONS[name].__name__}")
    chosen = choose_worlds(act, n=options.pop("worlds", None), name=options.pop("world", None))
    return acts_task(chosen, name=str(act or KIND), **options)


def choose_worlds(act: Act | None, *, n: int | None = None, name: str | None = None) -> list[World]:
    """The worlds of an act, the first `n` with the acts taking turns, or one by name.

    Raises:
        UsageError: no such world, or none left.
    """
    if name is not None:
        return [load_world(name)]
    if n is not None and n < 1:
        raise UsageError(f"worlds={n}: at least one is needed")
    every = load_worlds(act)
    return every if n is None else in_turns(every)[:n]


def in_turns(found: Sequence[Named]) -> list[Named]:
    """One of each act, then the second of each, and so on: the first few hold as many acts as can be."""
    order: dict[str, tuple[int, int]] = {}
    seen: Counter[Act] = Counter()
    for one in found:
        seen[one.act] += 1
        order[one.name] = (seen[one.act], list(Act).index(one.act))
    return sorted(found, key=lambda one: order[one.name])


def acts_task(
    worlds: Sequence[World],
    *,
    name: str = KIND,
    design: str = "star",
    scratchpad: str = "hidden",
    turns: int | None = None,
    episode_tokens: int | None = None,
    tools: str = "auto",
    sandbox: str | None = None,
    epochs: int = 1,
    max_tokens: int = MAX_TOKENS,
    seed: int = 1,
) -> Task:
    """The Inspect task of some worlds.

    Args:
        worlds: the worlds to play.
        name: of the task.
        design: `star` (one factor changed at a time) or `full` (all crossed).
        scratchpad: hidden, monitored, none or native.
        turns: most messages of the model in one episode; reported as such where reached.
        episode_tokens: the same for tokens.
        tools: native, text or auto.
        sandbox: `docker` puts the files into a container without network, with a shell; None: plain data.
        epochs: episodes of each world, variant and condition.
        max_tokens: of one message.
        seed: of the replies, where the provider takes one.
    """
    if scratchpad not in list(Scratchpad):
        raise UsageError(f"scratchpad={scratchpad!r}", hint=nearest(scratchpad, list(Scratchpad)))
    level = Scratchpad(scratchpad)
    limits = {"turns": turns, "episode_tokens": episode_tokens}
    limits = {key: value for key, value in limits.items() if value is not None}
    return Task(
        name=name,
        dataset=MemoryDataset(
            [
                _sample(episode, level, sandbox)
                for episode in episodes_of(worlds, design=design, scratchpad=level)
            ],
            name=name,
        ),
        solver=play_world(tools=tools, seed=seed, **limits),  # type: ignore[arg-type]  # ints
        scorer=act_score(),
        sandbox=container_of(sandbox),
        config=GenerateConfig(max_tokens=max_tokens),
        epochs=epochs,
        fail_on_error=False,
        metadata={
            "unmask_acts": {
                "canary": CANARY,
                "design": design,
                "cells": [cell.key for cell in cells_of(design)],
                "scratchpad": scratchpad,
                "tools": tools,
                "sandbox": sandbox,
                "seed": seed,
                "max_tokens": max_tokens,
                **limits,
                "worlds": {w.name: worlds_sha256().get(w.name, "") for w in worlds},
            }
        },
    )


def _sample(episode: Episode, level: Scratchpad, sandbox: str | None) -> Sample:
    return Sample(
        id=episode.id,
        input=[ChatMessageSystem(content=episode.system), ChatMessageUser(content=episode.user)],
        metadata={
            "world": episode.world.name,
            "act": str(episode.world.act),
            "variant": str(episode.variant),
            "condition_key": episode.condition.key,
            "conflict": str(episode.condition.conflict),
            "ahead": str(episode.condition.ahead),
            "observed": str(episode.condition.observed),
            "scratchpad": str(level),
            "prompt_sha256": episode.prompt_sha256,
        }
        | ({"sandbox": sandbox} if sandbox else {}),
    )
