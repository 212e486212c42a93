"""The texts beside the worlds: checked, and read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import field_validator

from unmask.acts.holds import Strict
from unmask.files import read_yaml
from unmask.vocabulary import CANARY, Scratchpad

FILE = Path(str(files("unmask.acts"))) / "texts.yaml"


class Texts(Strict):
    """texts.yaml."""

    canary: str
    scratchpad: dict[Scratchpad, str]
    tools: str
    result: str
    unreadable: str
    forced: str
    free: str

    @field_validator("canary")
    @classmethod
    def _canary(cls, value: str) -> str:
        if value != CANARY:
            raise ValueError(f"must be {CANARY!r}")
        return value


@cache
def texts() -> Texts:
    """What is told of scratchpads and tools, and how a choice is asked for."""
    return read_yaml(FILE, Texts)
