"""Judges on the same replies: how far they agree, where they do not, and what each would have concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import polars as pl

from unmask.analysis.analyse import model_result
from unmask.analysis.arrays import choose, is_screening
from unmask.analysis.results import AuditResult, Interval, JudgeComparison, JudgeConclusion, JudgePair
from unmask.auditing.folder import read_manifest
from unmask.errors import UsageError
from unmask.estimates.agreement import cohen_kappa
from unmask.files import nearest
from unmask.judges.scorers import reasoning_source
from unmask.records import read_tables, requests
from unmask.study import Study
from unmask.vocabulary import JudgeStatus, JudgeTask

COMPARED = (JudgeTask.COMPLIANCE, JudgeTask.REASONING)
LEVEL = 0.95
FILE = "file:"  # verdicts that came with imported transcripts, by the name of their column
LISTED = 200  # reply ids that a finished audit keeps of each pair; `unmask judge compare --json` has all


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
    study = Study.model_validate(read_manifest(root)["study"])
    return _compare(requests(replies), judgements, study, names)


def with_comparison(
    result: AuditResult, replies: pl.DataFrame, judgements: pl.DataFrame, study: Study
) -> AuditResult:
    """The result with its judges side by side, where a task has more than one; else as it is."""
    words = judgements.filter(pl.col("task").is_in([str(t) for t in COMPARED]))
    several = words.group_by("task").agg(pl.col("judge").n_unique()).filter(pl.col("judge") > 1)
    if not several.height:
        return result
    names = sorted(words.join(several, on="task", how="semi")["judge"].unique().to_list())
    found = _compare(requests(replies), judgements, study, names)
    pairs = [replace(pair, reply_ids=pair.reply_ids[:LISTED]) for pair in found.pairs]
    return replace(result, judges_compared=replace(found, pairs=pairs))


def _compare(
    asked: pl.DataFrame, judgements: pl.DataFrame, study: Study, names: list[str]
) -> JudgeComparison:
    pairs = [
        _pair(task, first, second, judgements, asked)
        for task in COMPARED
        for first, second in combinations([j for j in names if _of(judgements, task, j).height], 2)
    ]
    return JudgeComparison(names, pairs, _conclusions(asked, judgements, names, study))


def _of(words: pl.DataFrame, task: JudgeTask, judge: str) -> pl.DataFrame:
    return words.filter((pl.col("task") == str(task)) & (pl.col("judge") == judge)).unique(
        ["reply_id", "reasoning_source"], keep="last", maintain_order=True
    )


def _pair(task: JudgeTask, first: str, second: str, words: pl.DataFrame, replies: pl.DataFrame) -> JudgePair:
    ok = pl.col("status") == str(JudgeStatus.OK)
    about = replies.select("reply_id", "role", "condition_key", "query_id")
    one, other = (
        _of(words, task, judge)
        .filter(ok)
        .select("reply_id", "reasoning_source", "label")
        .join(about, on="reply_id")
        for judge in (first, second)
    )
    both = one.join(
        other.select("reply_id", "reasoning_source", "label"),
        on=["reply_id", "reasoning_source"],
        suffix="_2",
        nulls_equal=True,
    ).with_columns(differ=pl.col("label") != pl.col("label_2"))
    counted = both.group_by("label", "label_2").len().sort("label", "label_2")
    differ = both.filter(pl.col("differ"))
    return JudgePair(
        task=str(task),
        first=first,
        second=second,
        n=both.height,
        agreed=both.height - differ.height,
        one_alone=one.height + other.height - 2 * both.height,
        kappa=_kappa(both),
        labels={f"{a} / {b}": n for a, b, n in counted.iter_rows()},
        by_role=_by(both, "role"),
        by_condition=_by(both, "condition_key"),
        reply_ids=sorted(differ["reply_id"].to_list()),
    )


def _kappa(both: pl.DataFrame) -> Interval | None:
    """With the query as the unit; None where it cannot be known."""
    if not both.height:
        return None
    first, second, queries = (both[c].to_numpy().astype(str) for c in ("label", "label_2", "query_id"))
    found = cohen_kappa(first, second, query_N=queries, level=LEVEL)
    return Interval(found.estimate, found.low, found.high, LEVEL) if found.low == found.low else None


def _by(both: pl.DataFrame, column: str) -> dict[str, tuple[int, int]]:
    """Disagreements and replies by the values of a column."""
    counts = both.group_by(column).agg(pl.col("differ").sum(), pl.len()).sort(column)
    return {str(name): (int(differ), int(n)) for name, differ, n in counts.iter_rows()}


def _conclusions(
    replies: pl.DataFrame, judgements: pl.DataFrame, judges: Sequence[str], study: Study
) -> list[JudgeConclusion]:
    """The verdict recomputed for each judge of a task that has several."""
    asked_of = {t: [j for j in judges if _of(judgements, t, j).height] for t in COMPARED}
    several = {t: names for t, names in asked_of.items() if len(names) > 1}
    found = []
    for model in replies["model"].unique(maintain_order=True).to_list():
        own = replies.filter(pl.col("model") == model)
        words = judgements.join(own.select("reply_id"), on="reply_id", how="semi")
        chosen = choose(words, source=reasoning_source("auto", study.scratchpad))
        rests_on = set(chosen.filter(pl.col("task").is_in([str(t) for t in several]))["judge"].unique())
        for team in _teams(several):
            result = model_result(str(model), own, _rests_on(words, team), study)
            found.append(
                JudgeConclusion(
                    model=str(model),
                    judge=" + ".join(team),
                    audited=rests_on <= set(team),
                    verdict=result.verdict.name,
                    sentence=result.verdict.sentence,
                    effects={c.name: c.effect_95 for c in result.contrasts},
                )
            )
    return found


def _teams(several: dict[JudgeTask, list[str]]) -> list[tuple[str, ...]]:
    """A grader by itself; offline judges together, since each reads one task, and so a file's verdicts."""
    teams: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for found in several.values() for name in found):
        teams.setdefault(_family(name), []).append(name)
    found: list[tuple[str, ...]] = []
    for team in teams.values():
        twice = any(len(set(team) & set(names)) > 1 for names in several.values())
        found += [(name,) for name in team] if twice else [tuple(team)]  # two versions of one: each by itself
    return found


def _family(judge: str) -> str:
    if is_screening(judge):
        return "offline"
    return "file" if judge.startswith(FILE) else judge


def _rests_on(words: pl.DataFrame, team: Sequence[str]) -> pl.DataFrame:
    """All judgements, but of the tasks that these judges were asked only their own."""
    theirs = pl.col("judge").is_in(list(team))
    tasks = words.filter(theirs)["task"].unique().to_list()
    return words.filter(~pl.col("task").is_in(tasks) | theirs)
