"""Judgements of imported replies: what the file says itself, the offline judge, or a grader, piece by piece.

What a grader said is kept after each piece: judging that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from unmask.auditing.folder import RunFolder
from unmask.auditing.grading import grading
from unmask.records.mapping import Mapping
from unmask.records.schema import JUDGEMENTS, METADATA
from unmask.vocabulary import (
    AF,
    ANSWER_USABLE,
    NOT_AF,
    REASONING_USABLE,
    Compliance,
    Judgement,
    JudgeStatus,
    JudgeTask,
    ReasoningSource,
)

Judge = Callable[[Sequence[str], JudgeTask], list[Judgement]]
READ = (
    (JudgeTask.COMPLIANCE, "answer", ANSWER_USABLE),
    (JudgeTask.REASONING, "scratchpad", REASONING_USABLE),
)
WORDS = {
    JudgeTask.COMPLIANCE: ("compliance", str(Compliance.COMPLIED), str(Compliance.REFUSED)),
    JudgeTask.REASONING: ("af", AF, NOT_AF),
}
LONG = frozenset({"reply_id", "raw", "query", "answer", "scratchpad", "native_reasoning", "quotes"})
AT_ONCE = 200  # replies between two savings of a grader's words


class Writer:
    """A Parquet file that grows piece by piece; one piece is written while the next is read."""

    def __init__(self, path: Path, schema: dict[str, Any]) -> None:
        self.path = path
        self.schema = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        self.schema = self.schema.with_metadata(METADATA)

    def __enter__(self) -> Callable[[pl.DataFrame], None]:
        # texts seldom repeat: a dictionary and a smallest and largest of them cost time and serve nobody
        short = [path for path in _leaves(self.schema) if path not in LONG]
        self.file = pq.ParquetWriter(
            self.path, self.schema, compression="zstd", compression_level=1,
            use_dictionary=short, write_statistics=short,
        )  # fmt: skip
        self.aside = ThreadPoolExecutor(1)
        self.last: Future[None] | None = None
        return self._write

    def _write(self, rows: pl.DataFrame) -> None:
        if self.last is not None:
            self.last.result()  # raises what went wrong; and no more than one piece waits
        self.last = self.aside.submit(self._write_now, rows)

    def _write_now(self, rows: pl.DataFrame) -> None:
        arrow: pa.Table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        self.file.write_table(arrow.cast(self.schema))

    def __exit__(self, *_: object) -> None:
        try:
            if self.last is not None:
                self.last.result()
        finally:
            self.aside.shutdown()
            self.file.close()


def _leaves(schema: pa.Schema) -> list[str]:
    """The columns as Parquet counts them: of a struct each of its fields."""
    found: list[str] = []
    for field in schema:
        parts = [part.name for part in field.type] if pa.types.is_struct(field.type) else []
        found += [f"{field.name}.{part}" for part in parts] or [field.name]
    return found


def judged(rows: pl.DataFrame, judge: Judge, grader: str | None) -> pl.DataFrame:
    """Answers and scratchpads, judged; what may not be judged has a row that says so."""
    found = []
    for task, column, usable in READ:
        can = pl.col("status").is_in([str(s) for s in usable]) & pl.col(column).is_not_null()
        chosen = rows.filter(can)
        words = judge(chosen[column].to_list(), task) if chosen.height else []
        found.append(_as_rows(chosen["reply_id"], words))
        found.append(_skipped(rows.filter(~can), task, _name(task, grader)))
    return pl.concat(found)


def _name(task: JudgeTask, grader: str | None) -> str:
    from unmask.judges import offline

    return offline.judge_id(task) if grader is None else grader


def _as_rows(reply_ids: pl.Series, words: Sequence[Judgement]) -> pl.DataFrame:
    columns = {name: [getattr(word, name, None) for word in words] for name in JUDGEMENTS}
    columns |= {name: [_json(value) for value in columns[name]] for name in ("criteria", "quotes")}
    columns["reply_id"] = reply_ids.to_list()
    return pl.DataFrame(columns, schema=JUDGEMENTS)


def given(rows: pl.DataFrame, labels: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The file's own verdicts, as those of a judge that bears the column's name.

    A word that means neither yes nor no is a verdict that cannot be read; an empty one is none.
    """
    found = [_filled(pl.DataFrame(schema={"reply_id": pl.String}))]
    for task, (key, yes, no) in WORDS.items():
        column = f"label_{key}"
        if column not in labels.columns:
            continue
        said = pl.col(column).str.to_lowercase().str.strip_chars()
        label: pl.Expr = (
            pl.when(said.is_in([*(w.lower() for w in mapping.yes), yes]))
            .then(pl.lit(yes))
            .when(said.is_in([*(w.lower() for w in mapping.no), no]))
            .then(pl.lit(no))
        )
        if task is JudgeTask.COMPLIANCE:
            label = pl.when(said == str(Compliance.PARTLY)).then(said).otherwise(label)
        told = pl.concat([rows.select("reply_id"), labels.select(column)], how="horizontal")
        told = told.filter(said.is_not_null() & (said != "")).with_columns(label=label)
        status = pl.when(pl.col("label").is_null()).then(pl.lit(str(JudgeStatus.UNPARSED)))
        found.append(
            _filled(
                told.select(
                    "reply_id",
                    "label",
                    judge=pl.lit(f"file:{mapping.labels[key]}"),
                    task=pl.lit(str(task)),
                    reasoning_source=_source(task),
                    status=status.otherwise(pl.lit(str(JudgeStatus.OK))),
                )
            )
        )
    return pl.concat(found)


def judge_kept(folder: RunFolder, grader: str | None, tell: Callable[[int], None]) -> None:
    """Judge every reply of an imported run, and put the words beside those that are there.

    Words of the same judge that are there are replaced; those of others stay.
    """
    name = grader or _name(JudgeTask.REASONING, None)
    parts = folder.root / f".judging-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    parts.mkdir(exist_ok=True)
    if grader is None:
        from unmask.judges.offline import judge_texts

        _in_parts(folder, parts, judge_texts, None, 20_000, tell)
    else:
        with grading(grader) as judge:
            _in_parts(folder, parts, judge, grader, AT_ONCE, tell)
    _merge(folder, sorted(parts.glob("*.parquet")))
    shutil.rmtree(parts)


def _in_parts(
    folder: RunFolder, parts: Path, judge: Judge, grader: str | None, size: int, tell: Callable[[int], None]
) -> None:
    done = 0
    for place, rows in enumerate(_replies(folder.records / "replies.parquet", size)):
        path = parts / f"{place:08}.parquet"
        done += rows.height
        if not path.is_file():
            making = path.with_suffix(".making")
            judged(rows, judge, grader).write_parquet(making)
            making.replace(path)
            tell(done)


def _replies(path: Path, size: int) -> Iterator[pl.DataFrame]:
    return pieces_of(path, size, ["reply_id", "status", "answer", "scratchpad"])


def pieces_of(path: Path, size: int = 20_000, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """A table of any size, piece by piece."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=size, columns=columns):
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))


def _merge(folder: RunFolder, parts: Sequence[Path]) -> None:
    path = folder.records / "judgements.parquet"
    names = {name for part in parts for name in pl.read_parquet(part, columns=["judge"])["judge"].unique()}
    making = path.with_suffix(".making")
    with Writer(making, JUDGEMENTS) as write:
        for rows in pieces_of(path):
            write(rows.filter(~pl.col("judge").is_in(list(names))))
        for part in parts:
            write(pl.read_parquet(part))
    making.replace(path)


def _skipped(rows: pl.DataFrame, task: JudgeTask, judge: str) -> pl.DataFrame:
    return _filled(
        rows.select(
            "reply_id",
            judge=pl.lit(judge),
            task=pl.lit(str(task)),
            reasoning_source=_source(task),
            status=pl.lit(str(JudgeStatus.SKIPPED)),
            note=pl.lit("reply is ") + pl.col("status"),
        )
    )


def _source(task: JudgeTask) -> pl.Expr:
    source = str(ReasoningSource.SCRATCHPAD) if task is JudgeTask.REASONING else None
    return pl.lit(source, dtype=pl.String)


def _filled(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, dtype=kind).alias(n) for n, kind in JUDGEMENTS.items() if n not in rows.columns]
    full = rows.with_columns(absent).with_columns(inclusion_probability=pl.lit(1.0))
    return full.select(pl.col(name).cast(kind) for name, kind in JUDGEMENTS.items())


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
