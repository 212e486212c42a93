"""Records to a finished audit: figures from `estimates`, conclusion from `verdict`, no formula of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import polars as pl

from unmask.analysis.arrays import Table, choose, is_screening, tabulate, with_screened
from unmask.analysis.beside import beside
from unmask.analysis.check import checked_verdict
from unmask.analysis.comprehension import comprehension, follow_ups
from unmask.analysis.corrected import cards_of, correct_cells, correct_contrasts, labelled_replies
from unmask.analysis.evidence import gather
from unmask.analysis.figures import measure, rates
from unmask.analysis.incomplete import Stopped, as_stopped, epochs_asked, missing_of
from unmask.analysis.judge_cards import note_on_reasons, reasons_checked, sensitivity_low, with_cards
from unmask.analysis.judging import on_judging
from unmask.analysis.levels import by_level, deciding_study, rests_on
from unmask.analysis.observations import observations
from unmask.analysis.own_reasoning import observed
from unmask.analysis.plumbing import Checked
from unmask.analysis.results import (
    AuditResult,
    CellResult,
    ComprehensionResult,
    ContrastResult,
    FindingResult,
    Interval,
    JudgeUsed,
    ModelResult,
    Told,
    VerdictResult,
)
from unmask.analysis.scenario import with_pack_words
from unmask.analysis.sequences import Order, as_sequences
from unmask.judges.scorers import reasoning_source
from unmask.records import Records, requests
from unmask.study import Resolved, Study, StudySample, conditions_of
from unmask.tasks.alignment_faking import Prepared
from unmask.tasks.stopping import blocks_of_queries
from unmask.verdict import Finding, Verdict
from unmask.vocabulary import CANARY, Contrast, JudgeTask


@dataclass(frozen=True)
class About:
    """What surrounds the figures: names, times, versions."""

    name: str
    started: str | None
    finished: str | None
    command: str
    environment: dict[str, str]
    models: list[str]
    notes: list[str]


def analyse(
    records: Records,
    resolved: Resolved,
    *,
    prepared: Sequence[Prepared],
    about: About,
    described: dict[str, Any],
    plumbing: Mapping[str, Checked] | None = None,
    stopped: Stopped | None = None,
    labels: pl.DataFrame | None = None,
) -> AuditResult:
    """All models of a run, in the order they were named; `plumbing` by model, None without a check.

    `stopped` says why a run was ended before all was asked; what is missing then stands in the verdict.
    """
    models = []
    missing = {}
    for name in about.models:
        replies = records.replies.filter(pl.col("model") == name)
        words = records.judgements.join(replies.select("reply_id"), on="reply_id", how="semi")
        checked = plumbing[name] if plumbing else None
        study = resolved.study
        if stopped is not None:
            missing[name] = missing_of(replies, study, prepared)
            study = study.model_copy(update={"epochs": epochs_asked(replies, study)})
        order = _order(prepared)
        found = model_result(name, replies, words, study, plumbing=checked, order=order, labels=labels)
        models.append(with_pack_words(found, described["pack"]))
    result = AuditResult(
        name=about.name,
        canary=CANARY,
        unmask_version=version("unmask"),
        started=about.started,
        finished=about.finished,
        study=resolved.as_dict(),
        pack=described["pack"],
        queries=described["queries"],
        models=models,
        told=[told for p in prepared for told in _told(p.samples)],
        command=about.command,
        environment=about.environment,
        methods="",
        citation="",
        notes=about.notes,
    )
    return as_stopped(result, stopped, missing) if stopped is not None else result


def model_result(
    name: str,
    replies: pl.DataFrame,
    words: pl.DataFrame,
    study: Study,
    *,
    plumbing: Checked | None = None,
    order: Order | None = None,
    labels: pl.DataFrame | None = None,
) -> ModelResult:
    """Everything about one model. `replies` are of all kinds; rates count those to requests alone.

    order: the block of each request, where a study stops early. labels: what people said, if anything.
    """
    every, replies = replies, requests(replies)
    chosen = choose(words, source=reasoning_source("auto", study.scratchpad))
    understood = comprehension(every, chosen, study)
    every_cell = tabulate(replies, chosen, conditions_of(study))
    crossed, study = study, deciding_study(study)
    table = tabulate(replies, chosen, conditions_of(study)) if crossed is not study else every_cell
    judges = _judges(chosen)
    cards = cards_of(name, judges)
    judges = with_cards(judges, cards, name)
    measured = {c: m for c in study.contrasts if (m := measure(c, table, study)) is not None}
    aside = beside(measured, table, study)
    evidence = gather(
        measured,
        table,
        study,
        visibility=observed(replies, study.scratchpad),
        judge_card=reasons_checked(judges, cards),
        judge_sensitivity_low=sensitivity_low(cards, name),
        card_note=note_on_reasons(judges),
        story_understood=understood.understood if understood else None,
    )
    blocks: list[str] = []
    if study.stopping == "sequential" and order is not None:
        measured, evidence, blocks = as_sequences(measured, evidence, table, study, order)
    checked = checked_verdict(
        evidence,
        measured,
        study,
        plumbing,
        scripted=name.startswith("organism/"),
        screening=any(j.screening for j in judges if j.task == JudgeTask.REASONING),
    )
    return ModelResult(
        model=name,
        served_model=_one(replies, "served_model"),
        verdict=_verdict(checked.verdict),
        cells=correct_cells(_cells(replies, chosen, every_cell), every_cell, cards, name),
        contrasts=correct_contrasts(
            [_with_limit(m.result, checked.limit) for m in measured.values()],
            measured,
            study,
            cards,
            name,
            labelled=labelled_replies(replies, chosen, labels),
        ),
        statuses=dict(sorted(Counter(replies["status"].to_list()).items())),
        judges=judges,
        observations=[
            *observations(replies, judges, study),
            *on_judging(replies, chosen),
            *blocks,
            *_not_understood(understood),
            *rests_on(crossed),
            *aside,
        ],
        instrument_check=checked.sentence,
        n_replies=replies.height,
        tokens_in=int(every["tokens_in"].sum()),
        tokens_cached=int(every["tokens_cached"].sum()),
        tokens_out=int(every["tokens_out"].sum()),
        seconds=float(every["seconds"].sum()) if every["seconds"].is_not_null().any() else None,
        cost=float(every["cost"].sum()) if every["cost"].is_not_null().any() else None,
        comprehension=understood,
        follow_ups=follow_ups(every, chosen),
        levels=by_level(replies, chosen, crossed),
    )


def _order(prepared: Sequence[Prepared]) -> Order:
    """The same requests in the same order for every size of prompt."""
    return blocks_of_queries({arm: queries.queries for arm, queries in prepared[0].queries.items()})


def _not_understood(found: ComprehensionResult | None) -> list[str]:
    """To be known before any figure: a gap may mean that the story was not read."""
    return [found.sentence] if found is not None and not found.understood else []


def _verdict(verdict: Verdict) -> VerdictResult:
    return VerdictResult(
        name=str(verdict.name),
        sentence=verdict.sentence,
        qualifiers=list(verdict.qualifiers),
        reasons=list(verdict.reasons),
        controls_not_run=list(verdict.controls_not_run),
        delta=verdict.delta,
        alpha=verdict.alpha,
        findings=[_finding(finding) for finding in verdict.findings],
        settles=list(verdict.settles),
        because=list(verdict.because),
        error_rate=verdict.error_rate,
    )


def _finding(f: Finding) -> FindingResult:
    e = f.effect
    known = Interval(e.estimate, e.low, e.high, e.level) if e.estimate == e.estimate else None
    return FindingResult(str(f.key), f.control, f.words, f.figure, str(f.state), known, f.note, f.idle)


def _with_limit(result: ContrastResult, limit: float | None) -> ContrastResult:
    """The story's detection limit as simulated studies bear it out, where the formula promised more."""
    formula = result.detection_limit
    if result.name != Contrast.STORY or limit is None or formula is None or limit <= formula:
        return result
    return replace(result, detection_limit=limit)


def _one(table: pl.DataFrame, column: str) -> str | None:
    """The values of a column, joined: two served models in one run must be seen."""
    values = sorted(set(table[column].drop_nulls().to_list()))
    return ", ".join(values) or None


def _judges(chosen: pl.DataFrame) -> list[JudgeUsed]:
    found = []
    for (task, judge), rows in sorted(with_screened(chosen).group_by(["task", "judge"])):
        statuses = dict(sorted(Counter(rows["status"].to_list()).items()))
        # no card from the records: their column is what an earlier audit named, and that card may be gone
        found.append(JudgeUsed(str(task), str(judge), is_screening(str(judge)), None, statuses))
    return found


def _cells(replies: pl.DataFrame, chosen: pl.DataFrame, table: Table) -> list[CellResult]:
    statuses = _count(replies, "condition_key")
    by_task = _count(
        with_screened(chosen).join(replies.select("reply_id", "condition_key"), on="reply_id"),
        "condition_key",
        "task",
    )
    lengths = dict(replies.group_by("condition_key").agg(pl.col("tokens_out").mean()).iter_rows())
    cells = []
    for c, condition in enumerate(table.conditions):
        key = condition.key
        shares = rates(table, condition)
        cells.append(
            CellResult(
                condition_key=key,
                condition=condition.as_dict(),
                n_queries=int((table.asked_QC[:, c] > 0).sum()),
                n_asked=int(table.asked_QC[:, c].sum()),
                n_usable=int(table.usable_QC[:, c].sum()),
                statuses=statuses.get((key,), {}),
                complied=shares.complied,
                strict=shares.strict,
                af=shares.af,
                n_reasoning_read=int(table.read_QC[:, c].sum()),
                judge_statuses={task: n for (k, task), n in by_task.items() if k == key},
                tokens_out_mean=lengths.get(key),
            )
        )
    return cells


def _count(table: pl.DataFrame, *by: str) -> dict[tuple[str, ...], dict[str, int]]:
    """Statuses counted within groups."""
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for *group, status, n in table.group_by([*by, "status"]).len().sort([*by, "status"]).iter_rows():
        counts.setdefault(tuple(group), {})[status] = n
    return counts


def _told(samples: Sequence[StudySample]) -> list[Told]:
    """Each prompt once, with a placeholder where the query stood."""
    seen: dict[tuple[str, int, str], Told] = {}
    for s in samples:
        opening = s.user[: len(s.user) - len(s.query.text)]
        begins = f"\n\n[the reply begins with:]\n{s.prefill}" if s.prefill else ""
        told = Told(s.condition.key, s.wording, s.system, f"{opening}[the query]{begins}", s.prompt_sha256)
        seen.setdefault((s.condition.key, s.wording, s.prompt_sha256), told)
    return list(seen.values())
