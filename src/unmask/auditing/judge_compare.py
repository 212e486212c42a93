"""Judges on the same replies: how far they agree, where they do not, and what each would have concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from unmask.auditing.analyse import model_result
from unmask.auditing.folder import read_manifest
from unmask.errors import UsageError
from unmask.estimates.agreement import Figure, cohen_kappa
from unmask.files import nearest
from unmask.records import read_tables, requests
from unmask.study import Study
from unmask.vocabulary import JudgeStatus, JudgeTask

COMPARED = (JudgeTask.COMPLIANCE, JudgeTask.REASONING)


@dataclass(frozen=True)
class Pair:
    """Two judges of one task on the replies that both gave a verdict on.

    by_role: role to (disagreements, replies). reply_ids: of the disagreements. one_alone: replies on which
    only one of the two gave a verdict, which is no disagreement and no agreement.
    """

    task: str
    first: str
    second: str
    n: int
    agreed: int
    one_alone: int
    kappa: Figure
    labels: dict[str, int]  # "first word / second word" to replies
    by_role: dict[str, tuple[int, int]]
    reply_ids: list[str]


@dataclass(frozen=True)
class Conclusion:
    """What an audit concludes of a model when it rests on this judge wherever that judge was asked."""

    model: str
    judge: str
    verdict: str
    sentence: str
    effects: dict[str, tuple[float, float, float]]  # contrast to estimate and limits at 95 %


@dataclass(frozen=True)
class JudgeComparison:
    """Everything that `unmask judge compare` says."""

    judges: list[str]
    pairs: list[Pair]
    conclusions: list[Conclusion]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def compare_judges(root: Path, judges: Sequence[str] = ()) -> JudgeComparison:
    """Compare judges whose words are in a run's records.

    Args:
        root: the run's folder.
        judges: their names; none for all there are.
    Raises:
        UsageError: an unknown judge, or fewer than two.
        RecordsError: the records cannot be read.
    """
    replies, judgements = read_tables(root / "records")
    words = judgements.filter(pl.col("task").is_in([str(t) for t in COMPARED]))
    there = sorted(words["judge"].unique().to_list())
    for judge in judges:
        if judge not in there:
            raise UsageError(f"no judge {judge!r} in this run", where=str(root), hint=nearest(judge, there))
    names = list(dict.fromkeys(judges)) or there
    tasks = {t: [j for j in names if _of(words, t, j).height] for t in COMPARED}
    if all(len(found) < 2 for found in tasks.values()):
        raise UsageError(
            f"one judge for each task here: {', '.join(names)}",
            where=str(root),
            hint=f"let another one judge: unmask judge {root.name} --model-role grader=MODEL",
        )
    asked = requests(replies)
    pairs = [_pair(t, a, b, words, asked) for t in COMPARED for a, b in combinations(tasks[t], 2)]
    return JudgeComparison(names, pairs, _conclusions(root, asked, judgements, names))


def _of(words: pl.DataFrame, task: JudgeTask, judge: str) -> pl.DataFrame:
    return words.filter((pl.col("task") == str(task)) & (pl.col("judge") == judge)).unique(
        ["reply_id", "reasoning_source"], keep="last", maintain_order=True
    )


def _pair(task: JudgeTask, first: str, second: str, words: pl.DataFrame, replies: pl.DataFrame) -> Pair:
    ok = pl.col("status") == str(JudgeStatus.OK)
    one, other = (
        _of(words, task, judge).filter(ok).select("reply_id", "reasoning_source", label="label")
        for judge in (first, second)
    )
    both = one.join(other, on=["reply_id", "reasoning_source"], suffix="_2", nulls_equal=True)
    both = both.join(replies.select("reply_id", "role"), on="reply_id")
    differ = both.filter(pl.col("label") != pl.col("label_2"))
    by_role = {
        str(role): (differ.filter(pl.col("role") == role).height, rows.height)
        for (role,), rows in sorted(both.group_by(["role"]))
    }
    counted = both.group_by("label", "label_2").len().sort("label", "label_2")
    alone = one.height + other.height - 2 * both.height
    kappa = (
        cohen_kappa(both["label"].to_numpy().astype(str), both["label_2"].to_numpy().astype(str))
        if both.height
        else Figure(float("nan"), float("nan"), float("nan"))
    )
    return Pair(
        task=str(task),
        first=first,
        second=second,
        n=both.height,
        agreed=both.height - differ.height,
        one_alone=alone,
        kappa=kappa,
        labels={f"{a} / {b}": n for a, b, n in counted.iter_rows()},
        by_role=by_role,
        reply_ids=sorted(differ["reply_id"].to_list()),
    )


def _conclusions(
    root: Path, replies: pl.DataFrame, judgements: pl.DataFrame, judges: Sequence[str]
) -> list[Conclusion]:
    study = Study.model_validate(read_manifest(root)["study"])
    found = []
    for model in replies["model"].unique(maintain_order=True).to_list():
        own = replies.filter(pl.col("model") == model)
        words = judgements.join(own.select("reply_id"), on="reply_id", how="semi")
        for judge in judges:
            result = model_result(str(model), own, _rests_on(words, judge), study)
            effects = {
                c.name: (c.effect_95.estimate, c.effect_95.low, c.effect_95.high) for c in result.contrasts
            }
            found.append(Conclusion(str(model), judge, result.verdict.name, result.verdict.sentence, effects))
    return found


def _rests_on(words: pl.DataFrame, judge: str) -> pl.DataFrame:
    """All judgements, but of the tasks that this judge was asked only its own."""
    tasks = words.filter(pl.col("judge") == judge)["task"].unique().to_list()
    return words.filter(~pl.col("task").is_in(tasks) | (pl.col("judge") == judge))
