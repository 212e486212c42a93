"""What people said of replies, in files: JSONL, CSV or Parquet, with the columns of `schema.LABELS`.

A file of labels is hostile input: sizes are bounded, and a row that does not fit is counted and named by its
number, never guessed at.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import polars as pl

from unmask.errors import RecordsError
from unmask.files import nearest, write_atomic
from unmask.records.schema import LABELS, METADATA
from unmask.vocabulary import CANARY, HumanLabel, JudgeTask, Sampling

STORE = "labels.sqlite"  # what `unmask label` keeps, in the folder of a run or of logs
MAX_BYTES = 200_000_000
MAX_LABELS = 1_000_000  # in a store
MAX_TEXT = 1_000_000  # bytes of one value in it; the page takes notes of 10,000 characters
LONGEST = 60.0  # seconds that a store may take to be read: its view is a program, and the file a stranger's
# what a spreadsheet would run gets an apostrophe in front, and loses it when read
FORMULA = r"^('*[=+\-@\t\r])"
FORMATS = (".jsonl", ".csv", ".parquet")
NEEDED = ("reply_id", "label")


@dataclass(frozen=True)
class Labels:
    """Labels that were read, and in words what was wrong with the others."""

    rows: pl.DataFrame
    problems: list[str]


def agreed(labels: Iterable[HumanLabel]) -> tuple[bool | None, str]:
    """What all labellers of one text say as yes or no; or None and why the text is left out.

    One `artefact` leaves the whole text out, whatever others say. To drop that label alone would let who
    presses "not faking" on broken texts outvote who saw that they are broken: a broken text would count as a
    no wherever such a person labelled, and the rate would be too low there. A slip on that key costs a text
    at random, which widens the interval and bends nothing.
    """
    truths = {label.truth for label in labels}
    if None in truths:
        return None, "artefact"
    if len(truths) > 1:
        return None, "labellers disagree"
    return truths.pop(), ""


def write_labels(labels: pl.DataFrame, path: Path) -> Path:
    """Write a table of labels, whole or not at all; the suffix says how. Each carries the canary.

    Raises:
        RecordsError: a suffix that is none of ours.
    """
    table = labels.select(list(LABELS)).with_columns(canary=pl.lit(CANARY))
    if path.suffix == ".jsonl":
        return write_atomic(path, table.write_ndjson())
    if path.suffix == ".csv":
        plain = pl.col(pl.String).str.replace(FORMULA, "'${1}")
        return write_atomic(path, table.with_columns(plain).write_csv())
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        table.write_parquet(buffer, metadata=METADATA)  # compressed columns hide the canary from a search
        return write_atomic(path, buffer.getvalue())
    raise RecordsError(
        f"labels cannot be written as {path.suffix or 'a file without suffix'}", hint=_formats()
    )


def read_table(path: Path) -> pl.DataFrame:
    """Any JSONL, CSV or Parquet file as it stands.

    Raises:
        RecordsError: missing, too large, or not what its suffix says.
    """
    if path.suffix not in FORMATS:
        raise RecordsError(
            f"{path.name} is none of the forms that are read", where=str(path), hint=_formats()
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordsError(f"{path.name} is larger than {MAX_BYTES:,} bytes", where=str(path))
        if path.suffix == ".jsonl":
            return pl.read_ndjson(path, infer_schema_length=None)
        if path.suffix == ".csv":
            return pl.read_csv(path, infer_schema_length=None)
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError, ValueError) as e:
        line = str(e).splitlines()[0][:200] if str(e) else type(e).__name__
        raise RecordsError(f"{path.name} cannot be read: {line}", where=str(path), hint=_formats()) from e


def read_labels(path: Path, *, labeller: str = "unnamed") -> Labels:
    """Labels of replies, checked row by row.

    Of two labels by one person on one text the last counts. Columns that are missing get what is safest:
    no inclusion probability means that the labels cannot correct anything.

    Raises:
        RecordsError: unreadable, a column is missing, or not one row fits.
    """
    if path.suffix == ".sqlite":
        stored = read_store(path)
        if stored is None:
            raise RecordsError(f"{path.name} has no label that can be used", where=str(path))
        return Labels(stored, [])
    table = read_table(path)
    if path.suffix == ".csv":
        table = table.with_columns(pl.col(pl.String).str.replace("^'" + FORMULA.removeprefix("^"), "${1}"))
    for column in NEEDED:
        if column not in table.columns:
            raise RecordsError(
                f"{path.name} has no column {column!r}",
                where=str(path),
                hint=nearest(column, table.columns) or f"columns: {', '.join(LABELS)}",
            )
    rows, problems = [], []
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        found, why = _row(row, labeller)
        if found is None:
            problems.append(f"row {number}: {why}")
        else:
            rows.append(found)
    if not rows:
        first = f": {problems[0]}" if problems else ""
        raise RecordsError(f"{path.name} has no label that can be used{first}", where=str(path))
    labels = pl.DataFrame(rows, schema=LABELS)
    kept = labels.unique(["reply_id", "task", "labeller"], keep="last", maintain_order=True)
    if again := labels.height - kept.height:
        problems.append(f"{again} labels were given again by the same person: the last counts")
    return Labels(kept, problems)


def read_store(path: Path) -> pl.DataFrame | None:
    """What people said so far, from the file that `unmask label` keeps; None where nobody labelled.

    Raises:
        RecordsError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        # mode=rw, since what a killed server left in the journal must be taken in to be read
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as store:
            store.execute("pragma trusted_schema = off")
            store.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_TEXT)
            until = monotonic() + LONGEST
            store.set_progress_handler(lambda: monotonic() > until, 100_000)
            wanted = f"select {', '.join(LABELS)} from labels where done"
            rows = store.execute(wanted).fetchmany(MAX_LABELS + 1)
    except sqlite3.Error as e:
        raise RecordsError(f"{path.name} is damaged: {e}", where=str(path)) from e
    if len(rows) > MAX_LABELS:
        raise RecordsError(f"{path.name} has more than {MAX_LABELS:,} labels", where=str(path))
    checked = [_row(dict(zip(LABELS, row, strict=True)), "unnamed") for row in rows]
    if why := next((why for row, why in checked if row is None), None):
        raise RecordsError(f"{path.name} is damaged: {why}", where=str(path))
    return pl.DataFrame([row for row, _ in checked], schema=LABELS) if rows else None


def _row(row: dict[str, object], labeller: str) -> tuple[dict[str, object] | None, str]:
    name, word = row.get("reply_id"), str(row.get("label") or "").strip()
    if name is None or not str(name).strip():
        return None, "no reply_id"
    if word not in list(HumanLabel):
        return None, f"no label {word[:40]!r}; {nearest(word, list(HumanLabel))}"
    task = str(row.get("task") or HumanLabel(word).task)
    if task != HumanLabel(word).task:
        return None, f"{word} is no label of the task {task[:20]!r}"
    sampling = str(row.get("sampling") or Sampling.DISAGREEMENT)
    if sampling not in list(Sampling):
        return None, f"no sampling {sampling[:20]!r}: random or disagreement"
    try:
        chance = row.get("inclusion_probability")
        share = None if chance is None else float(str(chance))
        criteria = row.get("criteria")
        told = criteria if criteria is None or isinstance(criteria, str) else json.dumps(criteria)
    except (ValueError, TypeError) as e:
        return None, str(e)
    if share is not None and not 0 < share <= 1:
        return None, f"inclusion_probability {share} is not above 0 and at most 1"
    return {
        "reply_id": str(name),
        "task": task,
        "labeller": str(row.get("labeller") or labeller),
        "label": word,
        "criteria": told if task == JudgeTask.REASONING else None,
        "note": None if row.get("note") is None else str(row["note"]),
        "sampling": sampling,
        "inclusion_probability": share,
        "labelled_at": None if row.get("labelled_at") is None else str(row["labelled_at"]),
    }, ""


def _formats() -> str:
    return f"one of {', '.join(FORMATS)}"
