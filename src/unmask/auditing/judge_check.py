"""A judge against people's labels: figures by model and role, a threshold by rule, a card."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from unmask.auditing.arrays import choose
from unmask.auditing.labelled import Item, Labelled, of_run, of_table
from unmask.errors import EstimateError, UsageError
from unmask.estimates.agreement import (
    Calibration,
    Differing,
    Figure,
    auroc,
    best_threshold,
    calibration,
    differing,
)
from unmask.estimates.agreement import share as share_of
from unmask.judges.cards import ALL, Counts, JudgeCard, Outcome
from unmask.judges.keywords import af_score, help_score
from unmask.records import read_tables
from unmask.vocabulary import Compliance, Judgement, JudgeStatus, JudgeTask, Sampling

OFFLINE, RECORDED = "offline", "recorded"
OUTCOMES: dict[JudgeTask, Outcome] = {JudgeTask.COMPLIANCE: "complied", JudgeTask.REASONING: "af"}
THRESHOLD_RULE = (
    "largest sensitivity plus specificity, chosen on one half of the texts, measured on the other"
)


@dataclass(frozen=True)
class Group:
    """Figures on the texts of one model in one role; `lost` of them got no verdict from the judge."""

    model: str
    role: str
    n: int
    lost: int
    counts: Counts
    sensitivity: Figure
    specificity: Figure
    auroc: Figure


@dataclass(frozen=True)
class JudgeCheck:
    """Everything that `unmask judge check` says."""

    judge: str
    task: str
    groups: list[Group]
    calibration: Calibration | None
    differing: dict[str, Differing]  # sensitivity and specificity, trained less the others, by model
    threshold: float | None
    at_threshold: tuple[Figure, Figure] | None  # cross-fitted sensitivity and specificity
    baseline: Figure
    left_out: dict[str, int]
    problems: list[str]
    card: JudgeCard
    words: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; NaN as None."""
        found: dict[str, Any] = _plain(asdict(replace(self, card=None)))  # type: ignore[arg-type]
        return found | {"card": self.card.name, "threshold_rule": THRESHOLD_RULE}


def check_judge(
    labels: Path, *, run: Path | None = None, judge: str = RECORDED, task: JudgeTask | None = None
) -> list[JudgeCheck]:
    """Check a judge on one file of labels, task by task.

    Args:
        labels: labels of a run's replies, or with no `run` a table that brings its own texts.
        run: the run's folder.
        judge: `recorded` (the one that the run's figures rest on), the name of another one in its records,
            `offline`, or an Inspect model that is asked now.
        task: only this one.
    Raises:
        UsageError: nothing to check, or no such judge.
        RecordsError: a file cannot be read.
    """
    told = of_run(labels, run) if run is not None else of_table(labels)
    found: list[JudgeCheck] = []
    sides: dict[JudgeTask, tuple[str, list[Item]]] = {}
    for wanted in [task] if task is not None else list(told.items):
        items = told.items.get(wanted, [])
        if not items:
            raise UsageError(f"no label of {wanted} that can be used", where=str(labels))
        name, judged = _judged(items, wanted, judge, run)
        found.append(_check(name, wanted, judged, told, source=_source(labels)))
        sides[wanted] = name, judged
    if len(sides) == len(OUTCOMES):
        found += _joint(sides, told, _source(labels))
    return found


def _joint(sides: dict[JudgeTask, tuple[str, list[Item]]], told: Labelled, source: str) -> list[JudgeCheck]:
    """Complied with alignment-faking reasoning, as one outcome: the errors of the two judges go together."""
    (first, answers), (second, thoughts) = sides[JudgeTask.COMPLIANCE], sides[JudgeTask.REASONING]
    by_id = {item.id: item for item in answers}
    both = [(by_id[t.id], t) for t in thoughts if t.id in by_id]
    items = [
        replace(
            t,
            truth=a.truth and t.truth,
            said=None if a.said is None or t.said is None else a.said and t.said,
            score=None,
        )
        for a, t in both
    ]
    if not items:
        return []
    check = _check(f"{first} + {second}", JudgeTask.REASONING, items, told, source=source)
    random = all(told.sampling[task] is Sampling.RANDOM for task in OUTCOMES)
    how = Sampling.RANDOM if random else Sampling.DISAGREEMENT
    card = check.card.model_copy(update={"outcome": "joint", "sampling": how})
    return [replace(check, task="joint", card=card)]


def _judged(items: list[Item], task: JudgeTask, judge: str, run: Path | None) -> tuple[str, list[Item]]:
    """The judge's name, and the items with what it said."""
    if judge == OFFLINE or (judge == RECORDED and run is None):
        from unmask.judges import offline

        judging: Callable[..., list[Judgement]] = (
            offline.judge_answers if task is JudgeTask.COMPLIANCE else offline.judge_reasoning
        )
        said = judging([item.text for item in items])
        return said[0].judge, [_with(i, asdict(j)) for i, j in zip(items, said, strict=True)]
    if run is not None:
        _, judgements = read_tables(run / "records")
        words = judgements.filter(pl.col("task") == str(task))
        names = words["judge"].unique().to_list()
        if judge == RECORDED or judge in names:
            chosen = choose(words, None if judge == RECORDED else judge)
            rows = {row["reply_id"]: row for row in chosen.iter_rows(named=True)}
            name = next(iter(rows.values()))["judge"] if rows else judge
            return name, [_with(i, rows.get(i.id)) for i in items]
    from unmask.auditing.grading import grade

    said = grade([item.text for item in items], task, judge)
    return judge, [_with(i, asdict(j)) for i, j in zip(items, said, strict=True)]


def _with(item: Item, word: dict[str, Any] | None) -> Item:
    if word is None:
        return replace(item, status=JudgeStatus.SKIPPED)
    label, status = word["label"], str(word["status"])
    said = None if label is None or status != JudgeStatus.OK else label not in (Compliance.REFUSED, "not_af")
    return replace(item, said=said, score=word["score"], status=status)


def _check(
    name: str,
    task: JudgeTask,
    items: list[Item],
    told: Labelled,
    *,
    source: str,
) -> JudgeCheck:
    left = told.left_out.get(task, Counter())
    models = sorted({item.model for item in items})
    groups = []
    by: dict[str, dict[str, Counts]] = {}
    for model in models:
        own = [item for item in items if item.model == model]
        for role in [ALL, *sorted({item.role for item in own if item.role})]:
            group = _group(model, role, own if role == ALL else [i for i in own if i.role == role])
            groups.append(group)
            by.setdefault(model, {})[role] = group.counts
    scored = [item for item in items if item.score is not None]
    scores, truths = np.array([i.score for i in scored], dtype=float), np.array([i.truth for i in scored])
    threshold, crossed = _threshold(scored)
    keyword = help_score if task is JudgeTask.COMPLIANCE else af_score
    baseline = auroc(np.array([keyword(i.text) for i in items]), np.array([i.truth for i in items]))
    check = JudgeCheck(
        judge=name,
        task=str(task),
        groups=groups,
        calibration=calibration(scores, truths) if scored else None,
        differing=_differences(groups),
        threshold=threshold,
        at_threshold=crossed,
        baseline=baseline,
        left_out=dict(left),
        problems=told.problems,
        card=JudgeCard(
            judge=name,
            task=task,
            outcome=OUTCOMES[task],
            sampling=told.sampling[task],
            by=by,
            labellers=told.labellers,
            source=source,
            left_out=dict(left),
            made=datetime.now(UTC).date().isoformat(),
        ),
    )
    figures = {
        k: v for k, v in check.as_dict().items() if k in ("groups", "threshold", "at_threshold", "baseline")
    }
    return replace(check, card=check.card.model_copy(update={"figures": figures}))


def _group(model: str, role: str, items: list[Item]) -> Group:
    told = [item for item in items if item.said is not None]
    count = Counter((item.truth, item.said) for item in told)
    tp, fn, fp, tn = (count[k] for k in ((True, True), (True, False), (False, True), (False, False)))
    scored = [item for item in told if item.score is not None]
    area = auroc(
        np.array([i.score for i in scored], dtype=float), np.array([i.truth for i in scored], dtype=bool)
    )
    counts = Counts(tp=tp, fn=fn, fp=fp, tn=tn)
    sensitivity, specificity = share_of(tp, tp + fn), share_of(tn, tn + fp)
    return Group(model, role, len(items), len(items) - len(told), counts, sensitivity, specificity, area)


def _differences(groups: Sequence[Group]) -> dict[str, Differing]:
    """Whether the judge errs otherwise where the model is trained on than elsewhere."""
    found = {}
    for model in dict.fromkeys(g.model for g in groups):
        own = {g.role: g.counts for g in groups if g.model == model and g.role != ALL}
        first = own.pop("trained", None) or own.pop("free", None)
        if first is None or not own:
            continue
        rest = [sum(getattr(c, k) for c in own.values()) for k in ("tp", "fn", "fp", "tn")]
        tp, fn, fp, tn = (int(x) for x in rest)
        found[f"{model}: sensitivity"] = differing((int(first.tp), int(first.tp + first.fn)), (tp, tp + fn))
        found[f"{model}: specificity"] = differing((int(first.tn), int(first.tn + first.fp)), (tn, tn + fp))
    return found


def _threshold(items: Sequence[Item]) -> tuple[float | None, tuple[Figure, Figure] | None]:
    """The threshold of the rule on all texts, and what it is worth on texts that did not choose it."""
    halves = [[], []]  # type: list[list[Item]]
    for item in items:
        halves[hashlib.sha256(item.id.encode()).digest()[0] % 2].append(item)
    try:
        chosen = [_chosen(half) for half in halves]
        whole = _chosen(items)
    except EstimateError:
        return None, None
    said = [(i, (i.score or 0) >= chosen[1 - h]) for h, half in enumerate(halves) for i in half]
    yes = [said_yes for i, said_yes in said if i.truth]
    no = [not said_yes for i, said_yes in said if not i.truth]
    return whole, (share_of(sum(yes), len(yes)), share_of(sum(no), len(no)))


def _chosen(items: Sequence[Item]) -> float:
    return best_threshold(
        np.array([i.score for i in items], dtype=float), np.array([i.truth for i in items], dtype=bool)
    )


def _source(path: Path) -> str:
    return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    if isinstance(value, Counts):
        value = value.model_dump()
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
