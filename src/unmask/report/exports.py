"""Cells and contrasts as CSV, shares as shares: for a spreadsheet or a colleague's script."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from unmask.analysis.results import AuditResult, Interval
from unmask.report.visible import one_line


def cells_csv(result: AuditResult) -> str:
    """One row a cell and model."""
    header = ["model", "condition_key", *_FACTORS, "n_queries", "n_asked", "n_usable"]
    header += [f"{name}_{part}" for name in ("complied", "strict", "af", "corrected") for part in _PARTS]
    rows = (
        [m.model, c.condition_key, *(c.condition.get(f, "") for f in _FACTORS), c.n_queries, c.n_asked,
         c.n_usable, *_interval(c.complied), *_interval(c.strict), *_interval(c.af), *_interval(c.corrected)]
        for m in result.models
        for c in m.cells
    )  # fmt: skip
    return _csv(header, rows, result.canary)


def contrasts_csv(result: AuditResult) -> str:
    """One row a contrast and model."""
    header = [
        "model",
        "contrast",
        "question",
        "state",
        "decides",
        "n_queries",
        "n_unusable",
        "detection_limit",
    ]
    header += [
        f"{name}_{part}"
        for name in ("effect", "effect_95", "strict_95", "bounds", "corrected")
        for part in _PARTS
    ]
    rows = (
        [m.model, c.name, c.question, c.state, c.decides, c.n_queries, c.n_unusable, c.detection_limit,
         *_interval(c.effect), *_interval(c.effect_95), *_interval(c.strict_95),
         *_interval(c.bounds), *_interval(c.corrected)]
        for m in result.models
        for c in m.contrasts
    )  # fmt: skip
    return _csv(header, rows, result.canary)


def questions_csv(result: AuditResult) -> str:
    """Answers to the questions beside the requests: about the story by mapping, about replies by role.

    The share is that of the answers that were read; `n_unread` were not, and are in no share.
    """
    header = ["model", "kind", "question", "labels", "role", "answer", "n", "n_asked", "n_unread"]
    header += [f"share_{part}" for part in _PARTS]
    rows: list[list[Any]] = []
    for m in result.models:
        found = m.comprehension
        for a in [*found.parts, *found.sides] if found else []:
            told = [m.model, "comprehension", a.question or "all", a.labels or "all", "", "right", a.n_right]
            rows.append([*told, a.n_asked, a.n_unread, *_interval(a.right)])
        for f in m.follow_ups:
            told = [m.model, "follow_up", f.question, "", f.role]
            unread = f.n_asked - f.n_read
            rows += [
                [*told, answer, n, f.n_asked, unread, *_interval(f.shares[answer])]
                for answer, n in f.counts.items()
            ]
    return _csv(header, rows, result.canary)


def data_uri(text: str, kind: str) -> str:
    """A link that holds the file itself."""
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


_FACTORS = ("arm", "consequence", "labels", "objective", "tag", "role", "scratchpad", "cue")
_PARTS = ("estimate", "low", "high", "level")


def _interval(interval: Interval | None) -> list[float | None]:
    if interval is None:
        return [None] * len(_PARTS)
    return [interval.estimate, interval.low, interval.high, interval.level]


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], canary: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*header, "canary"])
    writer.writerows([*map(_field, row), canary] for row in rows)
    return buffer.getvalue()


def _field(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
