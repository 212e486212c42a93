"""What several verbs read from their options alike, and the one question before a paid account is used."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmask.errors import UsageError

if TYPE_CHECKING:
    from unmask.experiments.rl_recipe import RLRecipe


def runs_folder() -> Path:
    """Where runs lie: UNMASK_RUNS, else `runs`."""
    return Path(os.environ.get("UNMASK_RUNS", "runs"))


def command_line() -> str:
    """What was typed, as a run's folder and report repeat it."""
    return shlex.join(["unmask", *sys.argv[1:]])


def pairs(texts: Sequence[str], option: str) -> dict[str, Any]:
    """KEY=VALUE, given once or more; numbers and booleans as such.

    Raises:
        UsageError: one has no key or no equals sign.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"{option} {text}: expected KEY=VALUE")
        found[key.strip()] = _value(value)
    return found


def _value(text: str) -> Any:
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, (int, float, bool)) else text


def grader_of(roles: Sequence[str]) -> str | None:
    """The model of `--model-role grader=MODEL`; None where no role was given.

    Raises:
        UsageError: another role, or one without a model.
    """
    grader = None
    for role in roles:
        name, _, grader = role.partition("=")
        if name != "grader":
            raise UsageError(f"unknown model role {name!r}", hint="the role is grader")
        if not grader:
            raise UsageError(f"--model-role {role}: expected grader=MODEL")
    return grader


def consent(question: str, paid: Sequence[str], *, yes: bool) -> None:
    """Nothing leaves under the user's account unless the user says so.

    Args:
        question: with `{to}` where the names of the accounts go.
        paid: models behind an account; asks nothing where there are none.
        yes: `--yes` was said.
    Raises:
        UsageError: nobody is there to answer, or the answer was no.
    """
    if not paid or yes:
        return
    to = ", ".join(paid)
    if not sys.stdin.isatty():
        raise UsageError("nothing was sent: it would go to a paid account", where=to, hint="say --yes")
    if not click.confirm(question.format(to=to), err=True):
        raise UsageError("nothing was sent", hint="--yes does not ask")


def consent_to_judges(recipes: Sequence[RLRecipe], *, yes: bool, asks: bool = True) -> None:
    """`consent` to what the judges of these trainings are sent.

    Args:
        recipes: the trainings.
        yes: `--yes` was said.
        asks: False where several processes would ask at once: then it takes `--yes`.
    Raises:
        UsageError: as in `consent`.
    """
    from unmask.experiments.supervision import paid_judges

    paid = paid_judges(recipes)
    if paid and not yes and not asks:
        raise UsageError(
            "every process sends scratchpads to a paid judge", where=", ".join(paid), hint="say --yes"
        )
    most = f"{sum(paid.values()):,}"
    consent(f"At most {most} scratchpads go to {{to}} under your account. Send them?", list(paid), yes=yes)
