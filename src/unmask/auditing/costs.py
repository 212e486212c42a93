"""What a run will cost each model: calls, tokens, money, hours, and where each figure comes from.

Prompt tokens are counted from characters. Reply lengths and speed are what the user says, else those of an
earlier run of the same model on this machine, else an assumption that is named as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from unmask.auditing.preflight import CHARS_PER_TOKEN, Estimate, votes_of
from unmask.auditing.prices import Price, Prices
from unmask.judges.grader import MAX_TOKENS as JUDGE_TOKENS
from unmask.judges.grader import prompt_parts
from unmask.vocabulary import JudgeTask

if TYPE_CHECKING:
    from unmask.auditing.plan import Plan

REPLY_SHARE = 0.4  # of the longest reply, assumed where no run of the model tells its usual length
JUDGE_REPLY = 200  # tokens of a judgement, assumed: five short quotes and labels
CHECK_REPLY = 150  # tokens of a scripted model's reply, which the grader reads in the instrument check
ENOUGH = 20  # replies from which on a run tells length and speed
PAUSE = 300.0  # seconds between two replies beyond which the run was not running
RUNS_LOOKED_AT = 200


@dataclass(frozen=True)
class Measured:
    """What an earlier run tells of a model: tokens of a reply, replies per minute, and which run it was."""

    run: str
    replies: int
    tokens_out: float
    per_minute: float


@dataclass(frozen=True)
class Cost:
    """One model's part of a run, its judges included. Money in US dollars, None where a price is unknown.

    tokens_out, dollars: as expected; `_at_most`: what they can be. replies_from, rate_from: where the length
    of replies and the speed come from.
    """

    model: str
    calls: int
    question_calls: int
    judge_calls: int
    judge_calls_at_most: int
    tokens_in: int
    tokens_out: int
    tokens_out_at_most: int
    judge_tokens_in: int
    judge_tokens_out: int
    judge_tokens_out_at_most: int
    dollars: float | None
    dollars_at_most: float | None
    unpriced: tuple[str, ...]
    paid: bool
    hours: float | None
    replies_from: str
    rate_from: str

    @property
    def tokens(self) -> int:
        """All tokens expected: prompts and replies, judges' too."""
        return self.tokens_in + self.tokens_out + self.judge_tokens_in + self.judge_tokens_out


@dataclass(frozen=True)
class CheckCost:
    """The grader's part in the instrument check, once for the run."""

    calls: int
    tokens: int
    dollars: float | None


def costs_of(
    planned: Plan,
    prices: Prices,
    *,
    reply_tokens: float | None = None,
    per_minute: float | None = None,
    scale: float = 1.0,
) -> list[Cost]:
    """The cost of each model of a plan.

    Args:
        planned: the run.
        prices: by model.
        reply_tokens: usual length of a reply, as the user states it.
        per_minute: replies per minute, as the user states it.
        scale: requests of the study over those of `planned`, where that holds a part of a large set.
    """
    return [
        _cost(e, planned, prices, reply_tokens=reply_tokens, per_minute=per_minute, scale=scale)
        for e in planned.estimates
    ]


def _cost(
    e: Estimate,
    planned: Plan,
    prices: Prices,
    *,
    reply_tokens: float | None,
    per_minute: float | None,
    scale: float,
) -> Cost:
    options, study = planned.options, planned.resolved.study
    earlier = measured(options.runs, e.model) if reply_tokens is None or per_minute is None else None
    calls = round((e.calls - e.question_calls) * scale) + e.question_calls
    scale = calls / e.calls
    length, replies_from = _length(reply_tokens, earlier, study.max_tokens)
    rate, rate_from = _rate(per_minute, earlier)
    judge_calls = round(e.judge_calls * scale)
    judge_calls_most = round(e.judge_calls_at_most * scale)
    asks = _judge_prompt(votes_of(study)[0])
    judge_in = judge_calls * (asks / CHARS_PER_TOKEN + length)
    own = prices.of(e.model, base_url=options.base_url)
    judge = prices.of(options.grader) if options.grader else None
    unpriced = [] if own else [e.model]
    unpriced += [options.grader] if options.grader and judge_calls and judge is None else []
    tokens_in, at_most = e.tokens_in * scale, e.tokens_out_at_most * scale

    # each completion as a request of its own: where the provider has choices, a prompt is paid once a wave
    judge_in_most = judge_in * judge_calls_most / judge_calls if judge_calls else 0.0

    def dollars(out: float, judge_in: float, judge_out: float) -> float | None:
        if unpriced or own is None:
            return None
        return own.tokens(tokens_in, out) + _judged(judge, judge_in, judge_out)

    expected, judge_out, judge_most = (
        calls * length,
        judge_calls * JUDGE_REPLY,
        judge_calls_most * JUDGE_TOKENS,
    )
    return Cost(
        model=e.model,
        calls=calls,
        question_calls=e.question_calls,
        judge_calls=judge_calls,
        judge_calls_at_most=judge_calls_most,
        tokens_in=round(tokens_in),
        tokens_out=round(expected),
        tokens_out_at_most=round(at_most),
        judge_tokens_in=round(judge_in),
        judge_tokens_out=judge_out,
        judge_tokens_out_at_most=judge_most,
        dollars=dollars(expected, judge_in, judge_out),
        dollars_at_most=dollars(at_most, judge_in_most, judge_most),
        unpriced=tuple(unpriced),
        paid=e.paid,
        hours=calls / rate / 60 if rate else None,
        replies_from=replies_from,
        rate_from=rate_from,
    )


def check_cost(planned: Plan, prices: Prices) -> CheckCost:
    """What the instrument check asks of the grader; nothing where the offline judge reads."""
    grader = planned.options.grader
    if grader is None or not planned.check_calls:
        return CheckCost(0, 0, 0.0)
    clear, _ = votes_of(planned.resolved.study)
    calls = planned.check_calls * (1 + clear)
    asks = _judge_prompt(clear)
    tokens_in = calls * (asks / CHARS_PER_TOKEN + CHECK_REPLY)
    price = prices.of(grader)
    return CheckCost(
        calls,
        round(tokens_in + calls * JUDGE_REPLY),
        price.tokens(tokens_in, calls * JUDGE_REPLY) if price else None,
    )


def _judge_prompt(votes: int) -> float:
    """Characters of a judge's prompt without the text, over one completion for the answer and its `votes`."""
    answer, scratchpad = (
        sum(len(part) for part in prompt_parts(task)) for task in (JudgeTask.COMPLIANCE, JudgeTask.REASONING)
    )
    return (answer + votes * scratchpad) / (1 + votes)


def _judged(judge: Price | None, tokens_in: float, tokens_out: float) -> float:
    return judge.tokens(tokens_in, tokens_out) if judge else 0.0


def _length(stated: float | None, earlier: Measured | None, longest: int) -> tuple[float, str]:
    if stated is not None:
        return min(stated, longest), "stated: --reply-tokens"
    if earlier is not None:
        return min(earlier.tokens_out, longest), f"measured: {earlier.replies:,} replies of run {earlier.run}"
    return REPLY_SHARE * longest, f"assumed: {100 * REPLY_SHARE:g} % of the longest reply"


def _rate(stated: float | None, earlier: Measured | None) -> tuple[float | None, str]:
    if stated is not None:
        return stated, f"stated: {stated:,.4g} calls a minute"
    if earlier is not None:
        return earlier.per_minute, f"measured: {earlier.per_minute:,.0f} calls a minute in run {earlier.run}"
    return None, "unknown: no run of this model here; --calls-per-minute states it"


def measured(runs: Path, model: str) -> Measured | None:
    """Length and speed of a model's replies, from the newest run that has enough of them."""
    return next(_measured(runs, model), None)


def _measured(runs: Path, model: str) -> Iterator[Measured]:
    for table in _tables(runs, model):
        try:
            rows = (
                pl.scan_parquet(table)
                .filter(pl.col("model") == model)
                .select("tokens_out", pl.col("started_at").cast(pl.String), "seconds")
                .collect()
            )
        except (OSError, pl.exceptions.PolarsError):
            continue  # another version's table: it tells us nothing, and the next one may
        if rows.height < ENOUGH:
            continue
        starts = rows["started_at"].str.to_datetime(strict=False, time_zone="UTC").drop_nulls().sort()
        gaps = starts.diff().dt.total_microseconds().drop_nulls() / 1e6
        span = float(gaps.filter(gaps <= PAUSE).sum()) + float(rows["seconds"].median() or 0.0)  # type: ignore[arg-type]
        length = rows["tokens_out"].mean()
        if span > 0 and length is not None:
            per_minute = 60 * rows.height / span
            yield Measured(table.parent.parent.name, rows.height, float(length), per_minute)  # type: ignore[arg-type]


def _tables(runs: Path, model: str) -> list[Path]:
    """Tables of the runs that audited this model, the newest first."""
    found = []
    for manifest in list(runs.glob("*/manifest.json"))[:RUNS_LOOKED_AT] if runs.is_dir() else []:
        table = manifest.parent / "records" / "replies.parquet"
        try:
            if table.is_file() and model in json.loads(manifest.read_text(encoding="utf-8"))["models"]:
                found.append((table.stat().st_mtime, table))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a damaged run is told by the verbs that read it
    return [table for _, table in sorted(found, reverse=True)]
