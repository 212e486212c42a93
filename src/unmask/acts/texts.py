"""The texts beside the worlds: checked, and read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from unmask.acts.holds import Canary, Strict
from unmask.files import read_yaml
from unmask.vocabulary import Scratchpad

FILE = Path(str(files("unmask.acts"))) / "texts.yaml"


class Texts(Strict):
    """texts.yaml."""

    canary: Canary
    scratchpad: dict[Scratchpad, str]
    tools: str
    result: str
    unreadable: str
    forced: str
    free: str


@cache
def texts() -> Texts:
    """What is told of scratchpads and tools, and how a choice is asked for."""
    return read_yaml(FILE, Texts)
