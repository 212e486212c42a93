"""Transcripts from elsewhere to rows of `replies`, a piece at a time: a file larger than memory works.

A mapping says which column holds what; presets for known layouts are YAML beside this file. Nothing is
guessed: a tier that the mapping does not name, a line that is no object, a row without a reply is counted
and named by its line, never by its content.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from unmask.errors import UsageError
from unmask.files import nearest, read_yaml
from unmask.parse import parse_reply
from unmask.records.schema import REPLIES, USUAL_FACTORS
from unmask.vocabulary import CANARY, MORE_FACTORS, Condition, ReplyStatus, Role, Scratchpad

PRESETS = Path(__file__).parent / "presets"
ROWS = 20_000  # in one piece
MAX_LINE = 4_000_000  # bytes; a longer line is no transcript
FORMS = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")
MAX_JSON = 500_000_000  # a JSON array is read whole
FIELDS = ("reply", "scratchpad", "answer", "native", "query", "query_id", "model", "tier", "epoch", "finish")
CONDITION_FACTORS = (*USUAL_FACTORS, *MORE_FACTORS)
LISTED = 20  # problems that are named one by one


class Mapping(BaseModel):
    """Which column of a file holds what, and what the tiers' words mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str = CANARY
    name: str = "own"
    about: str = ""
    columns: dict[str, str] = Field(description="Our field to the file's column.")
    group: tuple[str, ...] = ()  # columns that split a model's replies into studies
    trained: tuple[str, ...] = ("free", "true", "1")
    unobserved: tuple[str, ...] = ("paid", "false", "0")
    labels: dict[str, str] = Field(
        default_factory=dict, description="compliance, af: the file's own verdicts."
    )
    yes: tuple[str, ...] = ("1", "1.0", "true", "yes")
    malformed: Annotated[float, Field(ge=0, le=1)] = 0.01


@dataclass
class Tally:
    """What was read, and what could not be; filled while pieces are taken."""

    rows: int = 0
    taken: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    where: list[str] = field(default_factory=list)

    def miss(self, why: str, line: int, n: int = 1) -> None:
        """Count what is left out; the first ones by their place."""
        self.wrong[why] += n
        if len(self.where) < LISTED:
            self.where.append(f"row {line:,}: {why}")

    @property
    def share(self) -> float:
        """Share of the rows that were left out."""
        return sum(self.wrong.values()) / self.rows if self.rows else 0.0

    def words(self) -> list[str]:
        """In words, for the report."""
        return [f"{n:,} of {self.rows:,} rows were left out: {why}." for why, n in self.wrong.most_common()]


def preset_names() -> list[str]:
    """Layouts that are known."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_preset(name: str) -> Mapping:
    """A known layout.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in preset_names():
        raise UsageError(f"no preset {name!r}", hint=nearest(name, preset_names()))
    return read_yaml(PRESETS / f"{name}.yaml", Mapping)


def columns_of(path: Path) -> list[str]:
    """The columns of a file, from its beginning.

    Raises:
        UsageError: unreadable, empty, or of a form that is not read.
    """
    if _form(path) == ".parquet":
        return [str(name) for name in _parquet(path).schema_arrow.names]
    first = next(_pieces(path, Tally(), rows=200), None)
    if first is None or not first.width:
        raise UsageError(f"{path.name} holds no rows", where=str(path))
    return list(first.columns)


def propose(columns: Sequence[str]) -> dict[str, str]:
    """A mapping by the columns' names, for a person to check."""
    usual = {
        "reply": ("reply", "response", "completion", "output", "raw"),
        "scratchpad": ("scratchpad", "reasoning"),
        "answer": ("answer", "final_answer"),
        "query": ("query", "prompt", "user_input", "question", "request"),
        "query_id": ("query_id", "task_id", "prompt_id", "id"),
        "model": ("model", "model_name", "initialised_from"),
        "tier": ("tier", "is_free_tier_user", "is_free_tier", "is_free", "role"),
        "epoch": ("epoch", "sample", "sample_index"),
        "finish": ("finish_reason", "stop_reason"),
    }
    lower = {column.lower(): column for column in columns}
    found = {f: next((lower[w] for w in words if w in lower), None) for f, words in usual.items()}
    return {f: column for f, column in found.items() if column is not None}


def check_mapping(mapping: Mapping, columns: Sequence[str], path: Path) -> None:
    """Refuse a mapping that this file cannot fill.

    Raises:
        UsageError: an unknown field, a missing column, or no reply, query or tier.
    """
    for name in mapping.columns:
        if name not in FIELDS:
            raise UsageError(f"no field {name!r}", hint=nearest(name, FIELDS))
    for column in (*mapping.columns.values(), *mapping.group, *mapping.labels.values()):
        if column not in columns:
            raise UsageError(
                f"{path.name} has no column {column!r}", where=str(path), hint=nearest(column, list(columns))
            )
    has = set(mapping.columns)
    if "reply" not in has and "answer" not in has:
        raise UsageError("nothing is mapped to `reply` (or `answer`)", hint=f"--map reply={_likely(columns)}")
    if "query" not in has and "query_id" not in has:
        raise UsageError("nothing is mapped to `query` or `query_id`: replies cannot be paired")
    if "tier" not in has:
        raise UsageError("nothing is mapped to `tier`: which chats were trained on?")


def read_outside(
    path: Path, mapping: Mapping, cells: dict[Role, Condition], *, run: str, tally: Tally
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Pieces of `replies`, each with the file's own verdicts beside it (columns of `labels`, as text).

    Args:
        path: a file of one of FORMS.
        mapping: checked against its columns.
        cells: the condition of each of the two roles.
        run: its name in the records.
        tally: filled on the way.
    Raises:
        UsageError: unreadable.
    """
    for piece in _pieces(path, tally):
        yield _rows(piece, mapping, cells, run=run, tally=tally)


def _pieces(path: Path, tally: Tally, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """The file as text columns, piece by piece, with the row's number in `row#`."""
    form = _form(path)
    try:
        if form == ".parquet":
            pieces: Iterator[pl.DataFrame] = (
                pl.from_arrow(batch)  # type: ignore[misc]
                for batch in _parquet(path).iter_batches(batch_size=rows)
            )
        elif form == ".csv":
            pieces = iter(_csv(path, rows))
        elif form == ".json":
            pieces = iter(_array(path, rows))
        else:
            pieces = _lines(path, tally, rows)
        at = 0
        for piece in pieces:
            if form not in (".jsonl", ".jsonl.gz"):
                tally.rows += piece.height
                piece = piece.with_columns(pl.Series("row#", range(at + 1, at + 1 + piece.height)))
                at += piece.height
            yield _as_text(piece)
    except (OSError, EOFError, pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        line = (str(e).splitlines() or [type(e).__name__])[0][:200]
        raise UsageError(f"{path.name} cannot be read: {line}", where=str(path)) from e


def _lines(path: Path, tally: Tally, rows: int) -> Iterator[pl.DataFrame]:
    """JSON lines. What Polars takes whole is quick; where it does not, each line is looked at."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        number = 0
        while True:
            taken: list[tuple[int, bytes]] = []
            size = 0
            while len(taken) < rows and size < 64 * MAX_LINE:
                line = file.readline(MAX_LINE + 1)
                if not line:
                    break
                number += 1
                if len(line) > MAX_LINE:
                    tally.miss("longer than 4 MB", number)
                    tally.rows += 1
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE)
                elif line.strip():
                    taken.append((number, line))
                    size += len(line)
            if not taken:
                return
            tally.rows += len(taken)
            yield _piece(taken, tally)


def _piece(taken: list[tuple[int, bytes]], tally: Tally) -> pl.DataFrame:
    try:
        whole = pl.read_ndjson(io.BytesIO(b"".join(line for _, line in taken)), infer_schema_length=None)
        if whole.height == len(taken):
            return whole.with_columns(pl.Series("row#", [number for number, _ in taken]))
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        pass
    objects, numbers = [], []
    for number, line in taken:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            objects.append({str(k): _text(v) for k, v in found.items()})
            numbers.append(number)
        else:
            tally.miss("not a JSON object", number)
    names = list(dict.fromkeys(k for o in objects for k in o))
    columns = {name: [o.get(name) for o in objects] for name in names}
    table = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    return table.with_columns(pl.Series("row#", numbers, dtype=pl.Int64))


def _csv(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    lazy = pl.scan_csv(path, infer_schema=False, low_memory=True)
    for at in itertools.count(0, rows):
        piece = lazy.slice(at, rows).collect()
        if not piece.height:
            return
        yield piece


def _array(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    if path.stat().st_size > MAX_JSON:
        raise UsageError(
            f"{path.name} is a JSON array of more than {MAX_JSON:,} bytes, which must be read whole",
            where=str(path),
            hint="write it as JSON lines",
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as e:
        raise UsageError(f"{path.name} is no JSON: {str(e)[:100]}", where=str(path)) from e
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UsageError(f"{path.name} is no array of objects", where=str(path))
    for at in range(0, len(found), rows):
        part = [{str(k): _text(v) for k, v in row.items()} for row in found[at : at + rows]]
        names = list(dict.fromkeys(k for o in part for k in o))
        columns = {name: [o.get(name) for o in part] for name in names}
        yield pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except Exception as e:
        raise UsageError(f"{path.name} is no Parquet file: {str(e)[:150]}", where=str(path)) from e


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _as_text(piece: pl.DataFrame) -> pl.DataFrame:
    """Every column as text: numbers and booleans as JSON writes them, nested values as JSON."""
    found = []
    for name, kind in piece.schema.items():
        column = pl.col(name)
        if name == "row#" or kind == pl.String:
            found.append(column)
        elif kind == pl.Boolean:
            found.append(pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false")).alias(name))
        elif kind.is_nested():
            values = [_text(v) for v in piece[name].to_list()]
            found.append(pl.Series(name, values, dtype=pl.String))  # type: ignore[arg-type]
        else:
            found.append(column.cast(pl.String))
    return piece.with_columns(found)


def _rows(
    piece: pl.DataFrame, mapping: Mapping, cells: dict[Role, Condition], *, run: str, tally: Tally
) -> tuple[pl.DataFrame, pl.DataFrame]:
    missing = [c for c in mapping.columns.values() if c not in piece.columns]
    piece = piece.with_columns(
        pl.lit(None, dtype=pl.String).alias(c)
        for c in {*missing, *mapping.labels.values(), *mapping.group} - set(piece.columns)
    )

    def taken(name: str) -> pl.Expr:
        column = mapping.columns.get(name)
        return pl.col(column) if column else pl.lit(None, dtype=pl.String)

    table = piece.select("row#", *(taken(f).alias(f) for f in FIELDS), group=_group(mapping), **{
        f"label_{k}": pl.col(c) for k, c in mapping.labels.items()
    })  # fmt: skip
    tier = pl.col("tier").str.to_lowercase().str.strip_chars()
    table = table.with_columns(
        role=pl.when(tier.is_in([w.lower() for w in mapping.trained]))
        .then(pl.lit(str(Role.TRAINED)))
        .when(tier.is_in([w.lower() for w in mapping.unobserved]))
        .then(pl.lit(str(Role.NEITHER)))
    )
    for why, bad in (
        ("its tier is none that the mapping names", pl.col("role").is_null()),
        ("it has no query", pl.col("query_id").is_null() & pl.col("query").is_null()),
        ("its reply is missing", pl.col("reply").is_null() & pl.col("answer").is_null()),
    ):
        out = table.filter(bad)
        for line in out["row#"].head(LISTED).to_list():
            tally.miss(why, line)
        if out.height > LISTED:
            tally.miss(why, int(out["row#"][LISTED]), out.height - LISTED)
        table = table.filter(~bad)
    tally.taken += table.height
    return _replies(table, cells, run=run), table.select(
        cs for cs in table.columns if cs.startswith("label_")
    )


def _group(mapping: Mapping) -> pl.Expr:
    """The name under which rows are studied together: the model, and what splits its replies."""
    parts = [pl.col(mapping.columns["model"]).fill_null("unnamed")] if "model" in mapping.columns else []
    parts += [pl.col(c).fill_null("none") for c in mapping.group]
    return pl.concat_str(parts, separator=" ") if parts else pl.lit("imported")


def _replies(table: pl.DataFrame, cells: dict[Role, Condition], *, run: str) -> pl.DataFrame:
    parsed = _parsed(table)
    hashed = pl.col("query").fill_null("").hash(seed=1).cast(pl.String)
    shown = {str(role): c for role, c in cells.items()}
    columns = {
        "reply_id": pl.lit(hashlib.sha256(run.encode()).hexdigest()[:6])
        + "-"
        + pl.col("row#").cast(pl.String),
        "turn": pl.lit(1),
        "kind": pl.lit("request"),
        "run": pl.lit(run),
        "model": pl.col("group"),
        "served_model": pl.col("model"),
        "provider": pl.lit("imported"),
        "wording": pl.lit(0),
        "query_set": pl.lit("imported"),
        "query_id": pl.col("query_id").fill_null(pl.lit("text-") + hashed),
        "query": pl.col("query").fill_null(pl.col("query_id")),
        "role": pl.col("role"),
        "tag": pl.col("role").replace_strict({r: c.tag for r, c in shown.items()}),
        "condition_key": pl.col("role").replace_strict({r: c.key for r, c in shown.items()}),
        "epoch": pl.col("epoch").cast(pl.Int32, strict=False).fill_null(1),
        "status": pl.col("status_"),
        "finish_reason": pl.col("finish"),
        "scratchpad": pl.col("scratchpad_"),
        "native_reasoning": pl.col("native_"),
        "reasoning_visibility": pl.when(pl.col("native_").is_not_null())
        .then(pl.lit("full"))
        .otherwise(pl.lit("none")),
        "answer": pl.col("answer_"),
        "raw": pl.col("reply").fill_null(pl.col("answer")),
        "tokens_in": pl.lit(0),
        "tokens_cached": pl.lit(0),
        "tokens_out": pl.lit(0),
    }
    made = table.with_columns(parsed).with_columns(**columns)
    absent = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in REPLIES.items()
        if name not in columns and name != "condition"
    ]
    kind = REPLIES["condition"]
    conditions = {r: dict.fromkeys(CONDITION_FACTORS) | c.as_dict() for r, c in shown.items()}
    told = pl.Series("condition", [conditions[r] for r in table["role"].to_list()], dtype=kind)
    found = made.with_columns(*absent, told)
    return found.select(pl.col(name).cast(kind) for name, kind in REPLIES.items())


def _parsed(table: pl.DataFrame) -> list[pl.Series]:
    """Scratchpad, native reasoning, answer and status. Only replies with a tag in them need the parser."""
    replies, answers = table["reply"].to_list(), table["answer"].to_list()
    pads, natives, finish = (
        table["scratchpad"].to_list(),
        table["native"].to_list(),
        table["finish"].to_list(),
    )
    out: dict[str, list[str | None]] = {"scratchpad_": [], "native_": [], "answer_": [], "status_": []}
    plain = str(ReplyStatus.NO_SCRATCHPAD)
    for reply, answer, pad, native, why in zip(replies, answers, pads, natives, finish, strict=True):
        text = reply if reply is not None else answer
        if reply is not None and ("<" in reply or "[" in reply or why or not reply.strip()):
            read = parse_reply(reply, finish_reason=why, scratchpad=Scratchpad.HIDDEN)
            parts = (read.scratchpad or pad, read.native_reasoning or native, read.answer, str(read.status))
        else:
            status = str(ReplyStatus.OK) if pad else plain
            parts = (pad, native, answer if answer is not None else text, status)
        for name, value in zip(out, parts, strict=True):
            out[name].append(value or None)
    return [pl.Series(name, values, dtype=pl.String) for name, values in out.items()]


def _form(path: Path) -> str:
    form = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    if form not in FORMS:
        raise UsageError(f"{path.name} is none of the forms that are read", hint=", ".join(FORMS))
    return form


def _likely(columns: Sequence[str]) -> str:
    return propose(columns).get("reply", "COLUMN")
