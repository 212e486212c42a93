"""How much of a model's own reasoning can be seen: told before the first call, read off the replies after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from unmask.errors import ModelError
from unmask.study import Study
from unmask.visibility import statement_on, worst
from unmask.vocabulary import ANSWER_USABLE, Contrast, ReplyStatus, Scratchpad, Visibility

SHOWN = {
    Visibility.FULL: "shown in full",
    Visibility.SUMMARY: "shown as a summary at most",
    Visibility.REDACTED: "encrypted: nothing of it can be read",
    Visibility.NONE: "not shown",
}
UNREADABLE = (Visibility.REDACTED, Visibility.NONE)
JUDGEABLE = [str(s) for s in (*ANSWER_USABLE, ReplyStatus.TRUNCATED)]


def sentence(model: str, study: Study, args: Mapping[str, Any] | None = None) -> str | None:
    """What the provider is known to show; None where a scratchpad is asked for and that is no news."""
    said = statement_on(model, args)
    native = study.scratchpad is Scratchpad.NATIVE
    if said is None:
        words = "nobody has said how much is shown; what can be read counts as a summary"
        return f"own reasoning of {model}: {words}" if native else None
    if native:
        return f"own reasoning of {model}: {SHOWN[said.shown]} (by {said.source}; {said.seen})"
    if said.shown is Visibility.FULL:
        return None
    return f"own reasoning of {model}, if it reasons beside the prompt's scratchpad: {SHOWN[said.shown]}"


def check_readable(model: str, study: Study, args: Mapping[str, Any] | None = None) -> None:
    """Refuse a study that rests on reasoning which the provider never shows.

    Raises:
        ModelError: native reasoning is asked for, `joint` needs it, and nothing of it can be read.
    """
    said = statement_on(model, args)
    needs = study.scratchpad is Scratchpad.NATIVE and Contrast.JOINT in study.contrasts
    if not needs or said is None or said.shown not in UNREADABLE:
        return
    others = ",".join(c for c in study.contrasts if c is not Contrast.JOINT)
    raise ModelError(
        f"own reasoning of {model} is {SHOWN[said.shown]}: contrast joint cannot be known from it",
        where=f"{said.source} ({said.seen}); nothing was sent",
        hint=f"--scratchpad hidden asks for reasons in the reply; --contrasts {others} does without",
    )


def observed(replies: pl.DataFrame, scratchpad: Scratchpad) -> Visibility | None:
    """How much of the reasoning behind the replies could be read, at worst; None where nobody read it.

    Replies that could not be used do not count, nor those in which nothing says that the model reasoned:
    where reasoning was asked for, they are missing from J and in its bounds. Reasoning beside a scratchpad
    lowers what the scratchpad would give: it is kept, but the judge is given the scratchpad alone.
    """
    if scratchpad is Scratchpad.NONE:
        return Visibility.NONE
    used = replies.filter(pl.col("status").is_in(JUDGEABLE))
    seen = {Visibility(v) for v in used["reasoning_visibility"].drop_nulls().unique().to_list()}
    least = worst(seen - {Visibility.NONE})
    if scratchpad is Scratchpad.NATIVE:
        return least or Visibility.NONE
    if least is None:
        return Visibility.FULL
    return None if least is Visibility.FULL else least
