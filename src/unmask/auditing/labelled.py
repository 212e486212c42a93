"""Labelled texts, from a run's replies and people's labels of them, or from a table with texts of its own.

Of several labellers only what all agree on is the truth (`records.labels.agreed`); what they disagree on is
left out and counted, and how far they agree stands beside. A file that does not say how its texts were chosen
is none of random texts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from unmask.errors import UsageError
from unmask.estimates.agreement import UNKNOWN, Figure, krippendorff_alpha
from unmask.files import nearest
from unmask.records import read_tables, requests
from unmask.records.labels import agreed, read_labels, read_table
from unmask.vocabulary import Compliance, HumanLabel, JudgeStatus, JudgeTask, Sampling

TEXT_COLUMNS = {
    JudgeTask.COMPLIANCE: ("answer", "text"),
    JudgeTask.REASONING: ("scratchpad", "reasoning", "text"),
}
SAID, SCORE = "judged", "score"  # what a judge elsewhere said, in a table with texts of its own
YES_OR_NO = {
    JudgeTask.COMPLIANCE: {"1": HumanLabel.COMPLIED, "0": HumanLabel.REFUSED},
    JudgeTask.REASONING: {"1": HumanLabel.AF, "0": HumanLabel.NOT_AF},
}
SAME = {"yes": "1", "no": "0", "true": "1", "false": "0", "1.0": "1", "0.0": "0"}
NO_WORDS = frozenset({str(Compliance.REFUSED), "not_af", "af_partial"})
NOT_IN_RUN = "not in this run"
MAX_LISTED = 1_000  # rows that are told one by one
SEED = 20_240_612


@dataclass(frozen=True)
class Item:
    """One labelled text: the truth, and what the judge said; None where it said nothing.

    query: which texts resemble each other. weight: one over the chance with which it was drawn.
    """

    id: str
    text: str
    truth: bool
    model: str
    role: str | None
    query: str
    weight: float = 1.0
    said: bool | None = None
    score: float | None = None
    status: str = JudgeStatus.OK


@dataclass(frozen=True)
class Agreement:
    """How far people agree on texts that two or more of them labelled: Krippendorff's α, nominal."""

    labellers: int
    texts: int
    agreed: int
    alpha: Figure


@dataclass(frozen=True)
class Told:
    """What was labelled for one task."""

    items: list[Item]
    sampling: Sampling
    labellers: int
    left_out: Counter[str] = field(default_factory=Counter)
    agreement: Agreement | None = None


@dataclass(frozen=True)
class Labelled:
    """What was labelled, by task; and what was wrong with the file, in words."""

    tasks: dict[JudgeTask, Told]
    problems: list[str]


@dataclass(frozen=True)
class _Row:
    """One label of one text, from either kind of file."""

    item: Item
    labeller: str
    label: HumanLabel
    random: bool
    chance: float | None


def of_run(labels: Path, run: Path) -> Labelled:
    """People's labels joined to the replies of a run.

    Raises:
        UsageError: not one of the labels is of a reply of this run.
        RecordsError: a file cannot be read.
    """
    told = read_labels(labels)
    replies = requests(read_tables(run / "records")[0])
    columns = ("reply_id", "answer", "scratchpad", "native_reasoning", "model", "role", "query_id")
    known = {row["reply_id"]: row for row in replies.select(columns).iter_rows(named=True)}
    problems = list(told.problems)
    unknown = [name for name in told.rows["reply_id"].unique() if name not in known]
    if len(unknown) == told.rows["reply_id"].n_unique():
        raise UsageError(
            f"not one of the {len(unknown)} labelled replies is in {run.name}: {unknown[0][:60]!r}, for one",
            where=str(labels),
            hint="name the run that was labelled; without RUN, a table needs a column of texts",
        )
    if unknown:
        problems.append(f"{len(unknown)} labelled replies are not in this run: left out")
    rows: dict[JudgeTask, list[_Row]] = {}
    left: dict[JudgeTask, Counter[str]] = {}
    for row in told.rows.iter_rows(named=True):
        task, reply = JudgeTask(row["task"]), known.get(row["reply_id"])
        if reply is None:
            left.setdefault(task, Counter())[NOT_IN_RUN] += 1
            continue
        thought = reply["scratchpad"] or reply["native_reasoning"]
        text = (reply["answer"] if task is JudgeTask.COMPLIANCE else thought) or ""
        item = Item(row["reply_id"], text, False, reply["model"], reply["role"], str(reply["query_id"]))
        random = row["sampling"] == Sampling.RANDOM
        chance = row["inclusion_probability"]
        rows.setdefault(task, []).append(
            _Row(item, row["labeller"], HumanLabel(row["label"]), random, chance)
        )
    return Labelled({t: _told(own, left.get(t, Counter())) for t, own in rows.items()}, problems)


def of_table(path: Path, task: JudgeTask | None = None) -> Labelled:
    """Texts with labels of their own; several rows with one id are several labels of one text.

    `task` says what yes and no (1 and 0, true and false) mean where labels are no words of ours.

    Raises:
        UsageError: no column of labels, or not one row that can be used.
        RecordsError: the file cannot be read.
    """
    table = read_table(path)
    if "label" not in table.columns:
        raise UsageError(
            f"{path.name} has no column 'label'", where=str(path), hint=nearest("label", table.columns)
        )
    rows: dict[JudgeTask, list[_Row]] = {}
    problems: list[str] = []
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        found = _row(row, task)
        if isinstance(found, str):
            problems.append(f"row {number}: {found}")
        else:
            rows.setdefault(found.label.task, []).append(found)
    if len(problems) > MAX_LISTED:
        problems = [*problems[:MAX_LISTED], f"{len(problems) - MAX_LISTED:,} further rows like these"]
    if not rows:
        first = f": {problems[0]}" if problems else ": it is empty"
        raise UsageError(f"{path.name} has no labelled text that can be used{first}", where=str(path))
    kept = {t: _last(own) for t, own in rows.items()}
    if again := sum(len(own) - len(kept[t]) for t, own in rows.items()):
        problems.append(f"{again} labels were given again by the same person: the last counts")
    return Labelled({t: _told(own, Counter()) for t, own in kept.items()}, problems)


def _row(row: dict[str, Any], task: JudgeTask | None) -> _Row | str:
    """One row of a table of texts, or what is wrong with it."""
    label = _label(row["label"], task)
    if label is None:
        hint = "" if task else "; with 1 and 0 say --task"
        return f"no label {str(row['label'])[:40]!r}{hint}"
    text = next((row[c] for c in TEXT_COLUMNS[label.task] if row.get(c)), None)
    if text is None:
        return f"no text; columns: {', '.join(TEXT_COLUMNS[label.task])}"
    chance = row.get("inclusion_probability")
    try:
        share = None if chance is None else float(chance)
        score = None if row.get(SCORE) is None else float(row[SCORE])
    except (ValueError, TypeError):
        return "inclusion_probability or score is no number"
    if share is not None and not 0 < share <= 1:
        return f"inclusion_probability {share} is not above 0 and at most 1"
    if score is not None and not np.isfinite(score):
        return f"score {score} is no number"
    name = str(row.get("reply_id") or row.get("id") or hashlib.sha256(str(text).encode()).hexdigest()[:16])
    role = row.get("role") or row.get("tier")
    said = _label(row.get(SAID), label.task) if row.get(SAID) is not None else None
    item = Item(
        id=name,
        text=str(text),
        truth=False,
        model=str(row.get("model") or "unnamed"),
        role=str(role) if role else None,
        query=str(row.get("query_id") or name),
        said=None if said is None else said.truth,
        score=score,
        status=JudgeStatus.OK if said is not None else JudgeStatus.SKIPPED,
    )
    random = row.get("sampling") == Sampling.RANDOM
    return _Row(item, str(row.get("labeller") or "unnamed"), label, random, share)


def _label(word: object, task: JudgeTask | None) -> HumanLabel | None:
    """A label by its word, or yes and no of the task that was asked for; None where it is neither."""
    text = str(word).strip().lower()
    if text in list(HumanLabel):
        return HumanLabel(text) if task is None or HumanLabel(text).task is task else None
    return YES_OR_NO[task].get(SAME.get(text, text)) if task is not None else None


def _last(rows: Iterable[_Row]) -> list[_Row]:
    """Of two labels by one person on one text the last."""
    return list({(row.item.id, row.labeller): row for row in rows}.values())


def _told(rows: Sequence[_Row], left: Counter[str]) -> Told:
    """The truth of each text, its weight, and how far people agree."""
    by_text: dict[str, list[_Row]] = {}
    for row in rows:
        by_text.setdefault(row.item.id, []).append(row)
    chances = [row.chance for row in rows]
    # chances that are given for some and not for others make no known design
    known = all(c is None for c in chances) or all(c is not None for c in chances)
    random = known and all(row.random for row in rows)
    items = []
    for own in by_text.values():
        truth, why = agreed(row.label for row in own)
        if truth is None:
            left[why] += 1
        else:
            weight = 1 / (own[0].chance or 1.0) if random else 1.0
            items.append(replace(own[0].item, truth=truth, weight=weight))
    sampling = Sampling.RANDOM if random else Sampling.DISAGREEMENT
    labellers = {row.labeller for row in rows}
    return Told(items, sampling, len(labellers), left, _agreement(by_text.values(), sorted(labellers)))


def _agreement(texts: Iterable[list[_Row]], labellers: Sequence[str]) -> Agreement | None:
    """None where no text was labelled twice."""
    shared = [{row.labeller: str(row.label) for row in own} for own in texts if len(own) > 1]
    if not shared:
        return None
    said_LN = np.array([[own.get(name, "") for own in shared] for name in labellers])
    agreed = sum(len(set(own.values())) == 1 for own in shared)
    alpha = krippendorff_alpha(said_LN, rng=np.random.default_rng(SEED)) if len(shared) > 1 else UNKNOWN
    return Agreement(len(labellers), len(shared), agreed, alpha)
