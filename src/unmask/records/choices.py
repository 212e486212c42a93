"""Logs of forced choices without a story to one table; each answer once, a failed one as itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from unmask.records.logs import Seen, headers_of, unseen

MARK = "unmask_choices"
SCORE = "letter_score"
COUNTED, OTHER, UNREAD, FAILED = "counted", "other", "unread", "failed"
COLUMNS = {
    "model": pl.String,
    "set": pl.String,
    "sha256": pl.String,
    "item": pl.String,
    "category": pl.String,
    "said": pl.String,  # one of the four
}


def read_choice_logs(folder: Path) -> tuple[pl.DataFrame, list[str]]:
    """Every answer below a folder, and what could not be read; an empty table where there is none."""
    problems: list[str] = []
    paths = sorted(folder.rglob("*.eval")) if folder.is_dir() else []
    seen: Seen = set()
    rows = []
    for path, header in headers_of(paths, problems, mark=MARK, what="a log of choices"):
        told = (header.eval.metadata or {})[MARK]
        for sample in unseen(path, header, seen, problems):
            score = (sample.scores or {}).get(SCORE)
            rows.append(
                {
                    "model": header.eval.model,
                    "set": str(told.get("set")),
                    "sha256": str(told.get("sha256")),
                    "item": str(sample.id),
                    "category": str(sample.metadata.get("category")),
                    "said": FAILED if sample.error or score is None else str(score.answer),
                }
            )
    table = pl.DataFrame(rows, schema=COLUMNS, orient="row").unique(["model", "set", "item"], keep="first")
    return table.sort("model", "set", "item"), problems
