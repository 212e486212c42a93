"""A judge against people's labels: figures by model and role, a threshold by rule, a card.

A text on which the judge gave no verdict is neither a yes nor a no of it: it is counted by its status. Counts
on the card are worth so many independent texts; counts of a group are those of the texts as they are.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from unmask.analysis.arrays import choose
from unmask.auditing.folder import MANIFEST
from unmask.auditing.labelled import NO_WORDS, Agreement, Item, Labelled, Told, of_run, of_table
from unmask.errors import EstimateError, JudgeError, UsageError
from unmask.estimates import wilson_limits
from unmask.estimates.agreement import (
    UNKNOWN,
    Calibration,
    Differing,
    Figure,
    auroc,
    auroc_difference,
    best_threshold,
    calibration,
    clustered_share,
    differing,
)
from unmask.files import file_sha256, nearest
from unmask.judges.cards import ALL, OUTCOMES, Counts, JudgeCard, Outcome, joint_judge
from unmask.judges.keywords import af_score, help_score
from unmask.records import read_tables
from unmask.vocabulary import Judgement, JudgeStatus, JudgeTask, ReasoningSource, Sampling

OFFLINE, RECORDED = "offline", "recorded"
THRESHOLD_RULE = (
    "largest sensitivity plus specificity, chosen on one random half of the queries and measured on the "
    "other, both ways"
)
LEVEL = 0.95
STORE = ".sqlite"
ALL_MODELS = "all models"
MAX_GROUPS = 500  # of a card; a file with more models than a person can read of is no file of labels
TRAINED = ("trained", "free")  # the role whose errors are held against the others'


@dataclass(frozen=True)
class Group:
    """Figures on the texts of one model in one role; `lost` of them got no verdict, by status.

    counts: of texts as they are. worth: the same as weighted shares of so many independent texts.
    """

    model: str
    role: str
    n: int
    lost: dict[str, int]
    lost_yes: int
    counts: Counts
    worth: Counts
    sensitivity: Figure
    specificity: Figure
    auroc: Figure


@dataclass(frozen=True)
class Baseline:
    """Keywords on the same texts, and by how much the judge's area is larger."""

    auroc: Figure
    difference: Figure


@dataclass(frozen=True)
class Threshold:
    """The score from which to say yes, by the rule on all texts, and what it is worth on unseen ones."""

    score: float
    sensitivity: Figure
    specificity: Figure


@dataclass(frozen=True)
class JudgeCheck:
    """Everything that `unmask judge check` says."""

    judge: str
    task: str
    groups: list[Group]
    calibration: Calibration | None
    differing: dict[str, Differing]  # sensitivity and specificity, trained less the others, by model
    threshold: Threshold | None
    baseline: Baseline
    labellers: int
    agreement: Agreement | None
    left_out: dict[str, int]
    problems: list[str]
    weighted: bool
    clustered: bool
    card: JudgeCard

    def as_dict(self) -> dict[str, Any]:
        """Plain data; NaN as None."""
        found: dict[str, Any] = _plain(asdict(replace(self, card=None)))  # type: ignore[arg-type]
        return found | {"card": self.card.name, "threshold_rule": THRESHOLD_RULE}


def check_judge(
    labels: Path, *, run: Path | None = None, judge: str | None = None, task: JudgeTask | None = None
) -> list[JudgeCheck]:
    """Check a judge on one file of labels, task by task, and on both together where a run has both.

    Args:
        labels: labels of a run's replies, or with no `run` a table that brings its own texts.
        run: the run's folder.
        judge: `recorded` (the one that the run's figures rest on, or the table's own columns), the name of
            another one in the run's records, `offline`, or an Inspect model that is asked now. None: the
            recorded one with a run, the offline one with a table.
        task: only this one.
    Raises:
        UsageError: nothing to check, or no such judge.
        JudgeError: the judge gave not one verdict.
        RecordsError: a file cannot be read.
    """
    if run is None and labels.suffix == STORE and (labels.parent / MANIFEST).is_file():
        run = labels.parent  # what `unmask label` keeps stands in its run's folder
    told = of_run(labels, run) if run is not None else of_table(labels, task)
    judge = judge or (RECORDED if run is not None else OFFLINE)
    found: list[JudgeCheck] = []
    sides: dict[JudgeTask, tuple[str, Told]] = {}
    for wanted in [task] if task is not None else list(told.tasks):
        own = told.tasks.get(wanted)
        if own is None or not own.items:
            left = ", ".join(f"{n} {why}" for why, n in own.left_out.items()) if own else ""
            raise UsageError(
                f"no label of {wanted} that can be used{': ' + left if left else ''}", where=str(labels)
            )
        name, judged = _judged(own.items, wanted, judge, run, labels)
        if all(item.said is None and item.score is None for item in judged):
            lost = ", ".join(f"{n} {status}" for status, n in Counter(str(i.status) for i in judged).items())
            raise JudgeError(
                f"{name} gave no verdict on any of {len(judged)} texts: {lost}",
                where=str(labels),
                hint="a judge that cannot be asked is not checked; no card was made",
            )
        sides[wanted] = name, replace(own, items=judged)
        found.append(_check(name, wanted, OUTCOMES[wanted], sides[wanted][1], told, labels))
    if run is not None and len(sides) == len(OUTCOMES):
        found += _joint(sides, told, labels)
    return found


def _joint(sides: dict[JudgeTask, tuple[str, Told]], told: Labelled, labels: Path) -> list[JudgeCheck]:
    """Complied with alignment-faking reasoning, as one outcome: the errors of the two judges go together."""
    (first, answers), (second, thoughts) = sides[JudgeTask.COMPLIANCE], sides[JudgeTask.REASONING]
    by_id = {item.id: item for item in answers.items}
    both = [(by_id[t.id], t) for t in thoughts.items if t.id in by_id]
    if not both:
        return []
    items = [
        replace(
            t,
            truth=a.truth and t.truth,
            weight=max(a.weight, t.weight),
            said=_both(a.said, t.said),
            score=None,
            status=t.status if t.said is None else a.status,
        )
        for a, t in both
    ]
    random = answers.sampling is thoughts.sampling is Sampling.RANDOM
    sampling = Sampling.RANDOM if random else Sampling.DISAGREEMENT
    own = Told(items, sampling, max(answers.labellers, thoughts.labellers))
    return [_check(joint_judge(first, second), JudgeTask.REASONING, "joint", own, told, labels)]


def _both(one: bool | None, other: bool | None) -> bool | None:
    """No as soon as one part is no; unknown only where the unknown part decides."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _judged(
    items: list[Item], task: JudgeTask, judge: str, run: Path | None, labels: Path
) -> tuple[str, list[Item]]:
    """The judge's name, and the items with what it said."""
    if judge == RECORDED and run is None:
        if all(item.said is None and item.score is None for item in items):
            raise UsageError(
                f"{labels.name} has no column 'judged' or 'score' with what a judge said",
                where=str(labels),
                hint="--judge offline, or --judge MODEL to ask one now",
            )
        return f"recorded in {labels.name}", items
    if judge == OFFLINE:
        from unmask.judges import offline

        return _asked(items, lambda texts: offline.judge_texts(texts, task), OFFLINE)
    if run is not None:
        words = read_tables(run / "records")[1].filter(pl.col("task") == str(task))
        names = words["judge"].unique().to_list()
        if judge == RECORDED or judge in names:
            return _recorded(items, words, None if judge == RECORDED else judge)
        if "/" not in judge:
            raise UsageError(f"no judge {judge!r} in this run", where=str(run), hint=nearest(judge, names))
    from unmask.auditing.grading import grade

    return _asked(items, lambda texts: grade(texts, task, judge), judge)


def _asked(
    items: list[Item], judging: Callable[[list[str]], list[Judgement]], name: str
) -> tuple[str, list[Item]]:
    """Let a judge read each text that is not blank."""
    places = [i for i, item in enumerate(items) if item.text.strip()]
    said = judging([items[i].text for i in places]) if places else []
    words = {i: asdict(j) for i, j in zip(places, said, strict=True)}
    return (said[0].judge if said else name), [_with(item, words.get(i)) for i, item in enumerate(items)]


def _recorded(items: list[Item], words: pl.DataFrame, judge: str | None) -> tuple[str, list[Item]]:
    """What a judge said in the run's records, of the scratchpad, or of native reasoning where that is all."""
    for source in (ReasoningSource.SCRATCHPAD, ReasoningSource.NATIVE):
        chosen = choose(words, judge, source=source)
        if chosen.height:
            rows = {row["reply_id"]: row for row in chosen.iter_rows(named=True)}
            return str(chosen["judge"][0]), [_with(item, rows.get(item.id)) for item in items]
    raise UsageError("nobody judged these replies yet", hint="unmask judge RUN, or --judge offline")


def _with(item: Item, word: dict[str, Any] | None) -> Item:
    if word is None:
        return replace(item, said=None, score=None, status=JudgeStatus.SKIPPED)
    label, status = word["label"], str(word["status"])
    known = label is not None and status == JudgeStatus.OK
    return replace(
        item,
        said=label not in NO_WORDS if known else None,
        score=word["score"] if known else None,
        status=status,
    )


def _check(
    name: str, task: JudgeTask, outcome: Outcome, own: Told, told: Labelled, labels: Path
) -> JudgeCheck:
    items = own.items
    groups = _groups(items)
    by: dict[str, dict[str, Counts]] = {}
    for group in groups:
        if group.model != ALL_MODELS:
            by.setdefault(group.model, {})[group.role] = group.worth
    threshold = _threshold([item for item in items if item.score is not None])
    card = JudgeCard(
        judge=name,
        task=task,
        outcome=outcome,
        sampling=own.sampling,
        threshold=threshold.score if threshold else None,
        by=by,
        labellers=own.labellers,
        source=_source(labels),
        left_out=dict(own.left_out),
        made=datetime.now(UTC).date().isoformat(),
    )
    check = JudgeCheck(
        judge=name,
        task="joint" if outcome == "joint" else str(task),
        groups=groups,
        calibration=_calibration(items),
        differing=_differences(groups),
        threshold=threshold,
        baseline=_baseline(items, task),
        labellers=own.labellers,
        agreement=own.agreement,
        left_out=dict(own.left_out),
        problems=told.problems,
        weighted=len({item.weight for item in items}) > 1,
        clustered=len({item.query for item in items}) < len(items),
        card=card,
    )
    kept = ("groups", "calibration", "differing", "threshold", "threshold_rule", "baseline", "agreement")
    figures = {k: v for k, v in check.as_dict().items() if k in kept}
    return replace(check, card=card.model_copy(update={"figures": figures}))


def _groups(items: list[Item]) -> list[Group]:
    """Each model, all its roles and each; last all models together, where there are several."""
    models, heaviest = sorted({item.model for item in items}), _weights(items).max()
    found = []
    for model in models:
        own = [item for item in items if item.model == model]
        for role in [ALL, *sorted({item.role for item in own if item.role} - {ALL})]:
            there = own if role == ALL else [i for i in own if i.role == role]
            found.append(_group(model, role, there, heaviest))
            if len(found) > MAX_GROUPS:
                raise UsageError(
                    f"more than {MAX_GROUPS} models and roles in one file",
                    hint="a card is for a few models: check the columns 'model' and 'role'",
                )
    return [*found, _group(ALL_MODELS, ALL, items, heaviest)] if len(models) > 1 else found


def _group(model: str, role: str, items: list[Item], heaviest: float) -> Group:
    told = [item for item in items if item.said is not None]
    lost = [item for item in items if item.said is None]
    count = Counter((item.truth, item.said) for item in told)
    tp, fn, fp, tn = (count[k] for k in ((True, True), (True, False), (False, True), (False, False)))
    yes, no = [i for i in told if i.truth], [i for i in told if not i.truth]
    (sensitivity, n_yes), (specificity, n_no) = _share(yes, heaviest), _share(no, heaviest)
    return Group(
        model=model,
        role=role,
        n=len(items),
        lost=dict(sorted(Counter(str(item.status) for item in lost).items())),
        lost_yes=sum(item.truth for item in lost),
        counts=Counts(tp=tp, fn=fn, fp=fp, tn=tn),
        worth=Counts(
            tp=n_yes * sensitivity if n_yes else 0,
            fn=n_yes * (1 - sensitivity) if n_yes else 0,
            fp=n_no * (1 - specificity) if n_no else 0,
            tn=n_no * specificity if n_no else 0,
        ),
        sensitivity=_limits(sensitivity, n_yes),
        specificity=_limits(specificity, n_no),
        auroc=_area([item for item in items if item.score is not None]),
    )


def _share(items: Sequence[Item], heaviest: float) -> tuple[float, float]:
    """Weighted share on which judge and truth agree, and how many independent texts it is worth."""
    right = np.array([item.said == item.truth for item in items], dtype=float)
    share, worth = clustered_share(right, _weights(items), _queries(items), heaviest=heaviest)
    return min(max(share, 0.0), 1.0) if worth else share, worth


def _limits(share: float, worth: float) -> Figure:
    return Figure(share, *wilson_limits(share, worth, level=LEVEL)) if worth else UNKNOWN


def _area(items: Sequence[Item]) -> Figure:
    return auroc(_scores(items), _truths(items), weight_N=_weights(items), query_N=_queries(items))


def _baseline(items: Sequence[Item], task: JudgeTask) -> Baseline:
    """Keywords, on all texts; and beside the judge on those that it gave a score."""
    keyword = help_score if task is JudgeTask.COMPLIANCE else af_score
    ranks = np.array([keyword(item.text) for item in items])
    weights, queries = _weights(items), _queries(items)
    scored = np.array([item.score is not None for item in items])
    own = [item for item in items if item.score is not None]
    difference = auroc_difference(
        _scores(own), ranks[scored], _truths(own), weight_N=_weights(own), query_N=_queries(own)
    )
    return Baseline(auroc(ranks, _truths(items), weight_N=weights, query_N=queries), difference)


def _calibration(items: Sequence[Item]) -> Calibration | None:
    """None where the judge gives no probability."""
    own = [item for item in items if item.score is not None]
    try:
        return calibration(_scores(own), _truths(own), weight_N=_weights(own))
    except EstimateError:
        return None


def _differences(groups: Sequence[Group]) -> dict[str, Differing]:
    """Whether the judge errs otherwise where the model is trained on than elsewhere."""
    found = {}
    for model in dict.fromkeys(g.model for g in groups):
        own = {g.role: g.worth for g in groups if g.model == model and g.role != ALL}
        first = next((own.pop(role) for role in TRAINED if role in own), None)
        if first is None or not own:
            continue
        tp, fn, fp, tn = (sum(getattr(c, k) for c in own.values()) for k in ("tp", "fn", "fp", "tn"))
        found[f"{model}: sensitivity"] = differing((first.tp, first.tp + first.fn), (tp, tp + fn))
        found[f"{model}: specificity"] = differing((first.tn, first.tn + first.fp), (tn, tn + fp))
    return found


def _threshold(items: Sequence[Item]) -> Threshold | None:
    """None where a half of the queries has no yes or no no."""
    halves: list[list[Item]] = [[], []]
    for item in items:
        halves[hashlib.sha256(f"half {item.query}".encode()).digest()[0] % 2].append(item)
    try:
        chosen = [_chosen(half) for half in halves]
        whole = _chosen(items)
    except EstimateError:
        return None
    said = [
        replace(item, said=(item.score or 0) >= chosen[1 - h])
        for h, half in enumerate(halves)
        for item in half
    ]
    yes, no = [i for i in said if i.truth], [i for i in said if not i.truth]
    heaviest = _weights(items).max()
    return Threshold(whole, _limits(*_share(yes, heaviest)), _limits(*_share(no, heaviest)))


def _chosen(items: Sequence[Item]) -> float:
    return best_threshold(_scores(items), _truths(items), weight_N=_weights(items))


def _scores(items: Sequence[Item]) -> np.ndarray:
    return np.array([item.score for item in items], dtype=float)


def _truths(items: Sequence[Item]) -> np.ndarray:
    return np.array([item.truth for item in items], dtype=bool)


def _weights(items: Sequence[Item]) -> np.ndarray:
    return np.array([item.weight for item in items], dtype=float)


def _queries(items: Sequence[Item]) -> np.ndarray:
    return np.array([item.query for item in items], dtype=str)


def _source(path: Path) -> str:
    return f"{path.name} sha256:{file_sha256(path)[:16]}"


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
