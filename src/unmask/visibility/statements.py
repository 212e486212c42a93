"""What each provider shows of a model's own reasoning, by `visibility.yaml`, with source and day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from unmask.files import read_yaml
from unmask.vocabulary import Visibility

TABLE = Path(str(files("unmask.visibility"))) / "visibility.yaml"
WORST_FIRST = (Visibility.NONE, Visibility.REDACTED, Visibility.SUMMARY, Visibility.FULL)


class Statement(BaseModel):
    """One row: models that fit `pattern` (and `args`, where given) show this much, at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str = Field(min_length=1)
    args: dict[str, str | int | bool] = Field(default_factory=dict)
    shown: Visibility
    source: str = Field(min_length=1)
    seen: date
    note: str = ""


class Statements(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: tuple[Statement, ...]


def statement_on(model: str, args: Mapping[str, Any] | None = None) -> Statement | None:
    """What is stated of a model, named as Inspect names it; None where nobody has said anything.

    Args:
        model: such as `openai/o3`.
        args: what its provider was given with -M.
    """
    given = args or {}
    fitting = [
        s
        for s in _statements()
        if fnmatchcase(model, s.pattern) and all(given.get(k) == v for k, v in s.args.items())
    ]
    return max(fitting, key=lambda s: (len(s.pattern), len(s.args)), default=None)


def worst(seen: Iterable[Visibility]) -> Visibility | None:
    """The least of them; None of nothing."""
    return min(seen, key=WORST_FIRST.index, default=None)


@cache
def _statements() -> tuple[Statement, ...]:
    return read_yaml(TABLE, Statements).statements
