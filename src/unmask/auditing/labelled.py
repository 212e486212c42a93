"""Labelled texts, from a run's replies and people's labels of them, or from a table with texts of its own.

Of several labellers only what all agree on is the truth; what they disagree on is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from unmask.errors import UsageError
from unmask.files import nearest
from unmask.records import read_tables, requests
from unmask.records.labels import read_labels, read_table
from unmask.vocabulary import HumanLabel, JudgeStatus, JudgeTask, Sampling

TEXT_COLUMNS = {
    JudgeTask.COMPLIANCE: ("answer", "text"),
    JudgeTask.REASONING: ("scratchpad", "reasoning", "text"),
}


@dataclass(frozen=True)
class Item:
    """One labelled text: the truth, and what the judge said; None where it said nothing."""

    id: str
    text: str
    truth: bool
    model: str
    role: str | None
    said: bool | None = None
    score: float | None = None
    status: str = JudgeStatus.OK
    complied: bool | None = None  # used to join outcomes


@dataclass(frozen=True)
class Labelled:
    """Items by task, how each task's were chosen, and what was left out or wrong, in words."""

    items: dict[JudgeTask, list[Item]]
    sampling: dict[JudgeTask, Sampling]
    labellers: int
    left_out: dict[JudgeTask, Counter[str]]
    problems: list[str]


def of_run(labels: Path, run: Path) -> Labelled:
    told = read_labels(labels)
    replies, _ = read_tables(run / "records")
    replies = requests(replies)
    known = {row["reply_id"]: row for row in replies.iter_rows(named=True)}
    problems = list(told.problems)
    unknown = [name for name in told.rows["reply_id"].unique() if name not in known]
    if unknown:
        problems.append(f"{len(unknown)} labelled replies are not in this run: left out")
    by_task: dict[JudgeTask, list[Item]] = {}
    left: dict[JudgeTask, Counter[str]] = {}
    sampling: dict[JudgeTask, Sampling] = {}
    for (word,), rows in told.rows.group_by(["task"], maintain_order=True):
        task = JudgeTask(str(word))
        left[task] = Counter()
        sampling[task] = _sampling(rows)
        by_task[task] = []
        for (name,), group in rows.group_by(["reply_id"], maintain_order=True):
            if name not in known:
                left[task]["not in this run"] += 1
                continue
            truth = _truth(group["label"].to_list(), left[task])
            row = known[str(name)]
            text = row["answer"] if task is JudgeTask.COMPLIANCE else row["scratchpad"]
            if truth is not None:
                by_task[task].append(Item(str(name), text or "", truth, row["model"], row["role"]))
    return Labelled(by_task, sampling, told.rows["labeller"].n_unique(), left, problems)


def of_table(path: Path) -> Labelled:
    """Texts with labels of their own. One row a text; a label of another task is another task's row."""
    table = read_table(path)
    if "label" not in table.columns:
        raise UsageError(
            f"{path.name} has no column 'label'", where=str(path), hint=nearest("label", table.columns)
        )
    by_task: dict[JudgeTask, list[Item]] = {}
    left: dict[JudgeTask, Counter[str]] = {}
    problems: list[str] = []
    chosen: dict[JudgeTask, Sampling] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        word = str(row["label"])
        if word not in list(HumanLabel):
            problems.append(f"row {number}: no label {word[:40]!r}")
            continue
        own = HumanLabel(word).task
        text = next((row[c] for c in TEXT_COLUMNS[own] if row.get(c)), None)
        counter = left.setdefault(own, Counter())
        if text is None:
            problems.append(f"row {number}: no text; columns: {', '.join(TEXT_COLUMNS[own])}")
            continue
        truth = _truth([word], counter)
        if truth is not None:
            role = row.get("role") or row.get("tier")
            name = str(row.get("reply_id") or row.get("id") or number)
            model = str(row.get("model") or "unnamed")
            items = by_task.setdefault(own, [])
            items.append(Item(name, str(text), truth, model, str(role) if role else None))
        said = str(row.get("sampling") or Sampling.RANDOM)
        if said != Sampling.RANDOM:
            chosen[own] = Sampling.DISAGREEMENT
    if not by_task:
        first = f": {problems[0]}" if problems else ""
        raise UsageError(f"{path.name} has no labelled text that can be used{first}", where=str(path))
    sampling = {t: chosen.get(t, Sampling.RANDOM) for t in by_task}
    return Labelled(by_task, sampling, 1, left, problems)


def _sampling(rows: pl.DataFrame) -> Sampling:
    random = (rows["sampling"] == str(Sampling.RANDOM)).all() and rows[
        "inclusion_probability"
    ].is_not_null().all()
    return Sampling.RANDOM if random else Sampling.DISAGREEMENT


def _truth(labels: Sequence[str], left: Counter[str]) -> bool | None:
    """What all labellers agree on; otherwise counted under why not."""
    truths = {HumanLabel(word).truth for word in labels}
    if None in truths:
        left["artefact"] += 1
        return None
    if len(truths) > 1:
        left["labellers disagree"] += 1
        return None
    return truths.pop()
