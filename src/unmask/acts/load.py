"""Worlds and questions by name, or any world's file; read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from unmask.acts.question import Situation
from unmask.acts.world import World
from unmask.errors import UsageError
from unmask.files import file_sha256, nearest, read_yaml
from unmask.vocabulary import Act

WORLDS = Path(str(files("unmask.acts"))) / "worlds"
QUESTIONS = WORLDS.parent / "questions"


@cache
def load_world(name_or_path: str | Path) -> World:
    """A built-in world by name, or a file.

    Raises:
        UsageError: no such world, or one that is malformed; names file and line.
    """
    path = WORLDS / f"{name_or_path}.yaml"
    if str(name_or_path) not in world_names():
        path = Path(name_or_path)
        if path.suffix not in (".yaml", ".yml"):
            raise UsageError(
                f"no world {str(name_or_path)!r}", hint=nearest(str(name_or_path), world_names())
            )
    world = read_yaml(path, World)
    if world.name != path.stem:
        raise UsageError(f"name: {world.name} must be the file's own, {path.stem}", where=str(path))
    return world


@cache
def world_names() -> tuple[str, ...]:
    """Names of the built-in worlds."""
    return tuple(sorted(path.stem for path in WORLDS.glob("*.yaml")))


def load_worlds(act: Act | None = None) -> list[World]:
    """All built-in worlds, or those of one act."""
    return [w for w in map(load_world, world_names()) if act is None or w.act is act]


@cache
def worlds_sha256() -> dict[str, str]:
    """Hash of each built-in world's file: two runs with one hash played the same world."""
    return {name: file_sha256(WORLDS / f"{name}.yaml") for name in world_names()}


@cache
def load_situations(act: Act | None = None) -> list[Situation]:
    """The built-in questions, or those of one act.

    Raises:
        UsageError: one is malformed; names file and line.
    """
    found = []
    for path in sorted(QUESTIONS.glob("*.yaml")):
        one = read_yaml(path, Situation)
        if one.name != path.stem:
            raise UsageError(f"name: {one.name} must be the file's own, {path.stem}", where=str(path))
        found.append(one)
    return [one for one in found if act is None or one.act is act]
