"""Labelled texts, one JSON object a line below a header line that carries the canary.

Scratchpads have `criteria` and `motive`, answers have `label`; `kind` names what a text is an example of.
Used for the texts the offline judge is fitted on, and by tests for those it is measured on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.errors import JudgeError
from unmask.vocabulary import CANARY, Compliance, Criterion, JudgeTask, Motive

FOLDER = Path(__file__).parent / "text"


@dataclass(frozen=True)
class Labelled:
    """One text and what a person says of it: criteria and motive of a scratchpad, label of an answer."""

    text: str
    kind: str
    lang: str
    criteria: frozenset[Criterion] = frozenset()
    motive: Motive | None = None
    label: Compliance | None = None

    @property
    def af(self) -> bool:
        """All five criteria hold."""
        return len(self.criteria) == len(Criterion)


def read_labelled(path: Path, task: JudgeTask) -> list[Labelled]:
    """All texts of one file.

    Raises:
        JudgeError: missing, without the header of its task, or a line that does not fit.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        header, rows = rows[0], rows[1:]
        if header["task"] != str(task) or header["canary"] != CANARY:
            raise ValueError("its header names another task or lacks the canary")
        return [_labelled(row, task) for row in rows]
    except (OSError, ValueError, KeyError, IndexError) as e:
        raise JudgeError(f"labelled texts cannot be read: {e}", where=str(path)) from e


def _labelled(row: dict[str, Any], task: JudgeTask) -> Labelled:
    if task is JudgeTask.COMPLIANCE:
        return Labelled(row["text"], row["kind"], row["lang"], label=Compliance(row["label"]))
    criteria: Iterable[str] = row["criteria"]
    return Labelled(
        row["text"],
        row["kind"],
        row["lang"],
        criteria=frozenset(Criterion(name) for name in criteria),
        motive=Motive(row["motive"]),
    )
