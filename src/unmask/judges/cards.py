"""Judge cards: how a judge did on texts that people labelled, model by model and role by role.

A card is JSON in a folder of cards, named by the hash of what it says. It speaks for the models whose texts
it was made on, and for no other: a judge tuned on one model has been wrong on the next. Cards are hostile
input where they are read.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from unmask.errors import JudgeError
from unmask.estimates import Confusion
from unmask.files import write_atomic
from unmask.vocabulary import CANARY, JudgeTask, Sampling

ALL = "all"  # the role under which all texts of a model are counted
MAX_BYTES = 1_000_000
Count = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Outcome = Literal["complied", "af", "joint"]
OUTCOMES: dict[JudgeTask, Outcome] = {JudgeTask.COMPLIANCE: "complied", JudgeTask.REASONING: "af"}


def joint_judge(compliance: str, reasoning: str) -> str:
    """The name under which two judges together have a card of "complied and af"."""
    return f"{compliance} + {reasoning}"


class Counts(BaseModel):
    """The judge's yes and no where the truth was yes (tp, fn), and where it was no (fp, tn).

    In independent texts: several replies to one query, or unequal chances of being drawn, make fewer of them
    than there were, and no whole numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tp: Count
    fn: Count
    fp: Count
    tn: Count

    def confusion(self) -> Confusion:
        """As estimates take it."""
        return Confusion(self.tp, self.fn, self.fp, self.tn)


class JudgeCard(BaseModel):
    """What is known of one judge on one outcome; `joint` is "complied and af", by both of its judges.

    by: model to role to counts at the judge's own decision, under each model at least the role `all`.
    threshold: the score that the rule of `unmask judge check` would say yes from; None where the judge gives
    no score, or too few. figures: what `unmask judge check` printed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str = CANARY
    schema_version: Literal[1] = 1
    judge: Annotated[str, Field(min_length=1, max_length=300)]
    task: JudgeTask
    outcome: Outcome
    sampling: Sampling
    threshold: FiniteFloat | None = None
    by: dict[str, dict[str, Counts]]
    labellers: Annotated[int, Field(ge=1)]
    source: Annotated[str, Field(max_length=1_000)]
    left_out: dict[str, int] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)
    made: str = ""

    @model_validator(mode="after")
    def _whole(self) -> JudgeCard:
        lacking = [model for model, roles in self.by.items() if ALL not in roles]
        if lacking:
            raise ValueError(f"{lacking[0][:80]!r} lacks the role {ALL!r}")
        return self

    @property
    def sha256(self) -> str:
        """Over all that the card says, in canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """How audits name it."""
        return self.sha256[:12]

    def confusion(self, model: str, role: str = ALL) -> Confusion | None:
        """The judge's counts on this model in this role; None where the card knows nothing of it."""
        counts = self.by.get(model, {}).get(role)
        return counts.confusion() if counts is not None else None

    @property
    def corrects(self) -> bool:
        """Whether it may correct rates: texts chosen by disagreement are those on which judges err."""
        return self.sampling is Sampling.RANDOM


def cards_folder() -> Path:
    """Where cards are kept: UNMASK_CARDS, else `cards` beside the runs."""
    return Path(
        os.environ.get("UNMASK_CARDS") or Path(os.environ.get("UNMASK_RUNS", "runs")).parent / "cards"
    )


def save_card(card: JudgeCard, folder: Path | None = None) -> Path:
    """Write a card under its own hash; the same card twice is one file."""
    path = (folder or cards_folder()) / f"{card.name}.json"
    return write_atomic(path, json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def load_card(path: Path) -> JudgeCard:
    """Read one card.

    Raises:
        JudgeError: unreadable, not a card, or its name is not the hash of what it says.
    """
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            raise JudgeError(f"{path.name} is no file", where=str(path))
        if path.stat().st_size > MAX_BYTES:
            raise JudgeError(f"{path.name} is larger than {MAX_BYTES:,} bytes", where=str(path))
        card = JudgeCard.model_validate_json(path.read_text(encoding="utf-8"))
        name = card.name
    except (OSError, ValueError, RecursionError) as e:  # pydantic's errors and NaN in figures are ValueErrors
        why = e.errors()[0]["msg"] if isinstance(e, ValidationError) else str(e)
        raise JudgeError(
            f"{path.name} is no judge card: {why}", where=str(path), hint="unmask judge check"
        ) from e
    if path.stem != name:
        raise JudgeError(
            f"{path.name} was changed after it was made: its hash is {name}",
            where=str(path),
            hint="make it again: unmask judge check",
        )
    return card


def find_card(
    judge: str, task: JudgeTask, outcome: Outcome, model: str, *, folder: Path | None = None
) -> JudgeCard | None:
    """The card of this judge for this outcome on this model; of several the one with the most labels.

    A card that may correct goes before one that may not. A card of another model is none of this one.
    """
    found = []
    for card in cards_for(judge, task, outcome, folder=folder):
        counts = card.by.get(model, {}).get(ALL)
        if counts is not None:
            n = counts.tp + counts.fn + counts.fp + counts.tn
            found.append((card.corrects, n, card.name, card))
    return max(found, key=lambda f: f[:3])[3] if found else None


def cards_for(
    judge: str, task: JudgeTask, outcome: Outcome, *, folder: Path | None = None
) -> list[JudgeCard]:
    """All cards of a judge for an outcome, whatever they were made on.

    Damaged files are passed over: `unmask judge check` and `load_card` say what is wrong with them.
    """
    found = []
    for path in sorted((folder or cards_folder()).glob("*.json")):
        try:
            card = load_card(path)
        except JudgeError:
            continue
        if (card.judge, card.task, card.outcome) == (judge, task, outcome):
            found.append(card)
    return found
