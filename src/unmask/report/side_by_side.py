"""The same request before and after a training, reply beside reply: hostile text, shown and never markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from unmask.auditing.folder import RunFolder
from unmask.records import read_tables
from unmask.report import words
from unmask.report.visible import one_line, visible
from unmask.vocabulary import Labels, Role

REQUESTS = 2  # of each training; its runs' own pages have all of them
ROLES = (Role.TRAINED, Role.NEITHER)
MOST = 4_000  # characters of a reply on this page


@dataclass(frozen=True)
class Pair:
    """One request in one role, and what either model wrote."""

    query: str
    role: str
    tag: str
    before: str
    after: str


def pairs(before: Path, after: Path) -> list[Pair]:
    """The first requests of two runs in both roles, under plain labels; the order is that of their ids.

    Args:
        before: the folder of the run before the training.
        after: that of the run after it.
    Raises:
        RecordsError: a run cannot be read.
    """
    first, second = (_by_place(root) for root in (before, after))
    asked = sorted({query for query, _ in first.keys() & second.keys()})[:REQUESTS]
    return list(_pairs(first, second, asked))


def _pairs(first: dict[Any, Any], second: dict[Any, Any], asked: list[str]) -> Iterator[Pair]:
    for query in asked:
        for role in ROLES:
            one, two = (side.get((query, role)) for side in (first, second))
            if one and two:
                tag = one_line(one["condition"]["tag"] or "")
                yield Pair(one_line(one["query"]), words.ROLES[role], tag, _said(one), _said(two))


def _by_place(root: Path) -> dict[tuple[str, str], dict[str, Any]]:
    replies, _ = read_tables(RunFolder(root).records)
    plain = replies.filter(pl.col("condition").struct.field("labels") == str(Labels.PLAIN))
    rows = plain.sort("query_id", "epoch", descending=[False, True]).iter_rows(named=True)
    return {(row["query_id"], row["condition"]["role"]): row for row in rows}  # the first reply stays


def _said(row: dict[str, Any]) -> str:
    parts = [text for text in (row["scratchpad"], row["answer"]) if text] or [row["raw"] or ""]
    text = "\n\n".join(parts)
    cut = f"\n[{len(text) - MOST:,} more characters]" if len(text) > MOST else ""
    status = "" if row["status"] == "ok" else f"[{one_line(row['status'] or '')}] "
    return status + visible(text[:MOST]) + cut
