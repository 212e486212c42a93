"""Replies as plain data for the page's own script: hostile text, made visible, never markup.

What is in here is put into a `<script type="application/json">` by `embed` and read by `report.js`, which
makes text nodes of it and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from unmask.analysis.arrays import is_screening
from unmask.analysis.results import AuditResult
from unmask.report.rows import AS_USUAL, level_text
from unmask.report.sample import MAX_TEXT
from unmask.report.visible import one_line, visible
from unmask.vocabulary import ANSWER_USABLE, JudgeStatus, JudgeTask

FACTORS = ("arm", "consequence", "labels", "objective", "tag", "role", "scratchpad", "cue")


def payload(result: AuditResult, replies: pl.DataFrame, judgements: pl.DataFrame) -> dict[str, Any]:
    """The shown replies with everything that the page tells of each.

    Args:
        result: the finished audit.
        replies: the rows to show.
        judgements: all judgements; those of other replies are left out.
    """
    primary = {(m.model, j.task): j.judge for m in result.models for j in m.judges}
    judged = _judged(judgements.join(replies.select("reply_id"), on="reply_id", how="semi"))
    rows = list(replies.iter_rows(named=True))
    queries: dict[tuple[str, str], dict[str, Any]] = {}
    cells: dict[str, dict[str, str]] = {}
    # the result's order first: links from figures name a model by its place there
    models = {m.model: one_line(m.model) for m in result.models}
    for row in rows:
        if (query := (row["query_set"], row["query_id"])) not in queries:
            queries[query] = _query(row)
        if (key := row["condition_key"]) not in cells:
            condition = row["condition"] or {}
            cells[key] = {f: one_line(condition.get(f) or "") for f in FACTORS}
            cells[key]["level"] = one_line(level_text(condition)) or AS_USUAL
        models.setdefault(row["model"], one_line(row["model"] or ""))
    places = {key: i for i, key in enumerate(queries)}
    keys = {key: i for i, key in enumerate(cells)}
    names = {name: i for i, name in enumerate(models)}
    return {
        "run": one_line(result.name),
        "models": list(models.values()),
        "cells": list(cells.values()),
        "queries": list(queries.values()),
        "replies": [
            {
                "model": names[r["model"]],
                "cell": keys[r["condition_key"]],
                "query": places[r["query_set"], r["query_id"]],
                **_reply(r),
                **_read(r, judged.get(r["reply_id"], []), primary),
            }
            for r in rows
        ],
    }


def _query(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one_line(row["query_id"] or ""),
        "text": _text(row["query"]) or "",
        "category": one_line(row["category"] or ""),
        "severity": row["severity"],
    }


def _reply(row: dict[str, Any]) -> dict[str, Any]:
    unread = not row["answer"] and not row["scratchpad"]
    return {
        "id": one_line(row["reply_id"] or ""),
        "epoch": row["epoch"],
        "wording": row["wording"],
        "sha": one_line(row["prompt_sha256"] or ""),
        "status": one_line(row["status"] or ""),
        "finish": one_line(row["finish_reason"] or ""),
        "error": _text(row["error"]),
        "scratchpad": _text(row["scratchpad"]),
        "native": _text(row["native_reasoning"]),
        "visibility": one_line(row["reasoning_visibility"] or ""),
        "answer": _text(row["answer"]),
        "raw": _text(row["raw"]) if unread else None,
        "tokens": row["tokens_out"],
    }


def _read(
    row: dict[str, Any], judgements: Sequence[dict[str, Any]], primary: dict[tuple[str, str], str]
) -> dict[str, Any]:
    """What the judges that count said of one reply, and all that any judge said."""
    found: dict[str, Any] = {"compliance": None, "reasoning": None, "judged": []}
    usable = row["status"] in {str(s) for s in ANSWER_USABLE}
    for judgement in judgements:
        task = judgement["task"]
        counts = judgement["judge"] == primary.get((row["model"], task))
        counts &= judgement["reasoning_source"] in (None, "scratchpad")
        if counts and judgement["status"] == str(JudgeStatus.OK) and (usable or task != JudgeTask.COMPLIANCE):
            found[task] = one_line(judgement["label"] or "")
        if judgement["status"] != str(JudgeStatus.SKIPPED):
            found["judged"].append(_judgement(judgement, counts=counts))
    return found


def _judgement(row: dict[str, Any], *, counts: bool) -> dict[str, Any]:
    return {
        "task": one_line(row["task"] or ""),
        "judge": one_line(row["judge"] or ""),
        "counts": counts,
        "screening": is_screening(row["judge"] or ""),
        "status": one_line(row["status"] or ""),
        "label": one_line(row["label"] or ""),
        "source": one_line(row["reasoning_source"] or ""),
        "motive": one_line(row["motive"] or ""),
        "criteria": {one_line(k): bool(v) for k, v in json_object(row["criteria"]).items()},
        "quotes": {one_line(k): _text(str(v)) for k, v in json_object(row["quotes"]).items() if v},
        "note": _text(row["note"]),
    }


def json_object(text: str | None) -> dict[str, Any]:
    """A JSON object from the tables; {} for one that a judge spoilt, which its status tells already."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _judged(judgements: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    order = ["reply_id", "task", "judge"]
    for row in judgements.sort(order, maintain_order=True).iter_rows(named=True):
        found.setdefault(row["reply_id"], []).append(row)
    return found


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    cut = len(text) - MAX_TEXT
    return visible(text[:MAX_TEXT]) + (
        f"\n[{cut:,} more characters: unmask show prints them]" if cut > 0 else ""
    )


def embed(data: Any) -> str:
    """JSON that cannot end the script element it stands in, nor begin a comment there.

    `<`, `>` and `&` never occur in JSON but inside strings, so that the escapes change no meaning.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return _replace(text, escapes.items())


def _replace(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text
