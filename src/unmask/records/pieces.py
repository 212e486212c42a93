"""A file of rows as text columns, a piece at a time, whatever stands in it. Knows nothing of replies.

A file larger than memory works, and one that unpacks to more than it should is given up. A row that cannot
be read is counted and named by its place, never by its content.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unmask.errors import UsageError

ROWS = 20_000  # in one piece
PIECE = 32_000_000  # bytes in one piece, or the first line beyond
BLOCK = 8_000_000  # bytes of JSON lines that are read at once
MAX_LINE = 4_000_000  # bytes or characters; a longer row is no transcript
MAX_SKIPPED = 1_000_000_000  # bytes of one line that are thrown away before the file is given up
MAX_BLANK = 1_000_000  # blank lines in a row
FORMS = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")
NUMBER = "row#"
BOM, NEWLINE = b"\xef\xbb\xbf", 10
UNREADABLE = [""] * 10_000  # a record of more fields than any header has
FIRST = 1_000  # rows whose names are the file's columns
LISTED = 20  # problems that are named one by one


@dataclass
class Tally:
    """What was read, and what could not be; filled while pieces are taken."""

    rows: int = 0
    taken: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    where: list[str] = field(default_factory=list)
    file: str = ""  # named beside the row where there are several

    def miss(self, why: str, row: int, n: int = 1) -> None:
        """Count what is left out; the first ones by their place."""
        self.wrong[why] += n
        if len(self.where) < LISTED:
            self.where.append(f"row {row:,}{self.file and f' of {self.file}'}: {why}")

    @property
    def share(self) -> float:
        """Share of the rows that were left out."""
        return sum(self.wrong.values()) / self.rows if self.rows else 0.0

    def words(self) -> list[str]:
        """In words, for the report."""
        counts = [f"{n:,} of {self.rows:,} rows were left out: {why}." for why, n in self.wrong.most_common()]
        listed = [f"Left out, the first {len(self.where)}: " + "; ".join(self.where)] if self.where else []
        return counts + listed


def columns_of(path: Path) -> list[str]:
    """The columns of a file; of JSON, those of its first rows.

    Raises:
        UsageError: unreadable, empty, or of a form that is not read.
    """
    form = form_of(path)
    with _readable(path):
        if form == ".parquet":
            return [str(name) for name in _parquet(path).schema_arrow.names]
        if form == ".csv":
            with _text_of(path) as file:
                names = next(_records(file, path), [])
        else:
            rows = _array(path) if form == ".json" else _first_objects(path)
            names = list(dict.fromkeys(name for _, row in islice(rows, FIRST) for name in row))
    if not names:
        raise UsageError(f"{path.name} holds no rows that can be read", where=str(path))
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise UsageError(f"{path.name} has two columns {twice[0]!r}", where=str(path))
    return names


def pieces(path: Path, columns: Sequence[str], tally: Tally) -> Iterator[pl.DataFrame]:
    """These columns as text and the row's number, counted from 1; null where a row has no such column.

    Numbers and booleans are written as in JSON, a whole number without its point, nested values as JSON.

    Raises:
        UsageError: unreadable.
    """
    form = form_of(path)
    with _readable(path):
        if form == ".parquet":
            yield from _parquet_pieces(path, columns, tally)
        elif form in (".jsonl", ".jsonl.gz"):
            yield from _line_pieces(path, columns, tally)
        else:
            rows = _array(path) if form == ".json" else _csv_rows(path, tally)
            for some in _by_size(rows):
                tally.rows += len(some)
                yield _table(some, columns)


def form_of(path: Path) -> str:
    """Which of FORMS a file is, by its name."""
    name = path.name.lower()
    form = next((form for form in FORMS if name.endswith(form)), None)
    if form is None:
        raise UsageError(f"{path.name} is none of the forms that are read", hint=", ".join(FORMS))
    return form


class _readable:  # noqa: N801 - used as a verb
    """What goes wrong while a file is read, in words; never what stands in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, e: BaseException | None, trace: object) -> None:
        known = (OSError, EOFError, zlib.error, UnicodeError, pa.ArrowException, pl.exceptions.PolarsError)
        if isinstance(e, known):
            told = e.strerror if isinstance(e, OSError) and e.strerror else type(e).__name__
            told = "is cut off" if isinstance(e, EOFError) else f"cannot be read: {told}"
            raise UsageError(f"{self.path.name} {told}", where=str(self.path)) from e


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _text_of(path: Path) -> IO[str]:
    # a byte that is no UTF-8 becomes a mark: one bad byte must not cost the file
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


@dataclass
class _Place:
    """Where reading stands: lines so far, and how many of the last ones were blank."""

    line: int = 0
    blank: int = 0


class _Block:
    """Whole lines read at once; the last may go on in the file."""

    def __init__(self, block: bytes, file: IO[bytes]) -> None:
        self.inner, self.file = io.BytesIO(block), file
        self.goes_on = not block.endswith(b"\n")

    def readline(self, size: int) -> bytes:
        line = self.inner.readline(size)
        if self.goes_on and len(line) < size:
            more = self.file.readline(size - len(line))
            self.goes_on = bool(more) and not more.endswith(b"\n")
            line += more
        return line


def _first_objects(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    with _open(path) as file:
        yield from _objects(_lines(file, path, Tally(), _Place()), Tally())


def _lines(file: IO[bytes] | _Block, path: Path, tally: Tally, place: _Place) -> Iterator[tuple[int, bytes]]:
    """Numbered lines with something on them; too long ones are counted and passed over."""
    while line := file.readline(MAX_LINE + 1):
        place.line += 1
        if len(line) > MAX_LINE:
            tally.rows += 1
            tally.miss(f"longer than {MAX_LINE:,} bytes", place.line)
            _pass_over(file, line, place.line, path)
        elif line.strip():
            place.blank = 0
            yield place.line, line
        else:
            place.blank += 1
            if place.blank > MAX_BLANK:
                raise UsageError(f"{path.name} has a million blank lines in a row", where=str(path))


def _pass_over(file: IO[bytes] | _Block, line: bytes, number: int, path: Path) -> None:
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE)
        skipped += len(line)
        if skipped > MAX_SKIPPED:
            raise UsageError(
                f"line {number:,} of {path.name} has over {MAX_SKIPPED:,} bytes: no JSON lines",
                where=str(path),
            )


def _line_pieces(path: Path, columns: Sequence[str], tally: Tally) -> Iterator[pl.DataFrame]:
    """What Polars takes whole is quick; where it does not, each line is looked at."""
    place = _Place()
    with _open(path) as file:
        first = file.read(len(BOM))
        rest = b"" if first == BOM else first
        while block := rest + file.read(BLOCK):
            end = block.rfind(b"\n") + 1
            if 0 < end < len(block):
                rest = block[end:]
                block = block[:end]
            else:
                rest = b""
            yield from _block_pieces(_Block(block, file), block, path, columns, tally, place)


def _block_pieces(
    lines: _Block, block: bytes, path: Path, columns: Sequence[str], tally: Tally, place: _Place
) -> Iterator[pl.DataFrame]:
    """The pieces of one block: whole stretches where Polars reads as many rows as there are lines."""
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == NEWLINE) + 1
    lengths = np.diff(ends, prepend=0)
    if lines.goes_on or lengths.max() > MAX_LINE or lengths.min() <= len(b"{}"):
        yield from _looked_at(_lines(lines, path, tally, place), columns, tally)
        return
    starts = ends - lengths
    each = -(-ends.size // -(-ends.size // ROWS))  # pieces of one size, none over ROWS
    for at in range(0, ends.size, each):
        n = min(each, ends.size - at)
        some = block[starts[at] : ends[at + n - 1]]
        numbers = pl.int_range(place.line + 1, place.line + 1 + n, eager=True)
        whole = _whole_lines(some, columns)
        if whole.height == n:
            tally.rows += n
            place.line, place.blank = place.line + n, 0
            yield whole.with_columns(numbers.alias(NUMBER))
        else:
            yield from _looked_at(_lines(_Block(some, io.BytesIO()), path, tally, place), columns, tally)


def _whole_lines(some: bytes, columns: Sequence[str]) -> pl.DataFrame:
    try:
        return pl.read_ndjson(some, schema=dict.fromkeys(columns, pl.String))
    except pl.exceptions.PolarsError:
        return pl.DataFrame()


def _looked_at(
    lines: Iterator[tuple[int, bytes]], columns: Sequence[str], tally: Tally
) -> Iterator[pl.DataFrame]:
    """Lines one by one, of which the good ones are again taken whole where Polars can."""
    for some in _by_size(lines):
        tally.rows += len(some)
        whole = _whole_lines(
            b"".join(line if line.endswith(b"\n") else line + b"\n" for _, line in some), columns
        )
        if whole.height == len(some):
            yield whole.with_columns(pl.Series(NUMBER, [number for number, _ in some]))
        else:
            yield _table(list(_objects(iter(some), tally)), columns)


def _by_size(rows: Iterator[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    some: list[tuple[int, Any]] = []
    size = 0
    for number, row in rows:
        some.append((number, row))
        size += len(row) if isinstance(row, bytes) else sum(len(v) for v in row.values() if v is not None)
        if len(some) >= ROWS or size >= PIECE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _objects(lines: Iterator[tuple[int, bytes]], tally: Tally) -> Iterator[tuple[int, dict[str, str | None]]]:
    for number, line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield number, _row(found)
        else:
            tally.miss("not a JSON object", number)


def _row(found: dict[Any, Any]) -> dict[str, str | None]:
    return {_whole(str(name)): as_text(value) for name, value in found.items()}


def as_text(value: Any) -> str | None:
    """A JSON value as text: strings as they are, whole numbers without a point, the rest as JSON."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    return _whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _whole(text: str) -> str:
    # half of a surrogate pair is legal in JSON and in no table
    return text.encode("utf-8", "replace").decode("utf-8")


def _table(rows: Sequence[tuple[int, dict[str, str | None]]], columns: Sequence[str]) -> pl.DataFrame:
    data = {name: [row.get(name) for _, row in rows] for name in columns}
    table = pl.DataFrame(data, schema=dict.fromkeys(columns, pl.String))
    return table.with_columns(pl.Series(NUMBER, [number for number, _ in rows], dtype=pl.Int64))


def _array(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The objects of one JSON array, each decoded as soon as it is there."""
    decode = json.JSONDecoder().raw_decode
    with _text_of(path) as file:
        text = file.read(MAX_LINE).lstrip()
        if not text.startswith("["):
            raise UsageError(
                f"{path.name} is no array of objects",
                where=str(path),
                hint="one object a line: name it .jsonl",
            )
        at, row = 1, 0
        while True:
            at = _skip(text, at)
            if at < len(text) and text[at] == "]":
                return
            try:
                found, end = decode(text, at)
            except (ValueError, RecursionError):
                text, at, more = text[at:], 0, file.read(MAX_LINE)
                if not more or len(text) > 2 * MAX_LINE:
                    raise UsageError(f"{path.name} is no JSON after row {row:,}", where=str(path)) from None
                text += more
                continue
            row, at = row + 1, end
            if not isinstance(found, dict):
                raise UsageError(f"row {row:,} of {path.name} is no object", where=str(path))
            yield row, _row(found)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _csv_rows(path: Path, tally: Tally) -> Iterator[tuple[int, dict[str, str | None]]]:
    with _text_of(path) as file:
        records = _records(file, path)
        names = next(records, [])
        for number, record in enumerate(records, 1):
            if len(record) == len(names):
                yield number, {name: value or None for name, value in zip(names, record, strict=True)}
            elif record:
                tally.rows += 1
                tally.miss(f"it has not the {len(names)} fields of the header", number)


def _records(file: IO[str], path: Path) -> Iterator[list[str]]:
    """Records; one that cannot be read is a record of no use, and reading goes on behind it."""
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(_bounded(file, path))
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield UNREADABLE


def _bounded(file: IO[str], path: Path) -> Iterator[str]:
    while line := file.readline(2 * MAX_LINE):
        if len(line) >= 2 * MAX_LINE:
            raise UsageError(
                f"{path.name} has a line of more than {2 * MAX_LINE:,} characters", where=str(path)
            )
        yield line


def _parquet(path: Path) -> pq.ParquetFile:
    return pq.ParquetFile(path)


def _parquet_pieces(path: Path, columns: Sequence[str], tally: Tally) -> Iterator[pl.DataFrame]:
    at = 0
    # as dictionaries: a text that stands in every row is held once, until a piece is small enough
    file = pq.ParquetFile(path, read_dictionary=list(columns))
    for batch in file.iter_batches(batch_size=ROWS // 4, columns=list(columns)):
        tally.rows += batch.num_rows
        for start, some in _bounded_batches(batch, at + 1, tally):
            piece = pl.from_arrow(pa.Table.from_batches([some]))
            assert isinstance(piece, pl.DataFrame)
            numbers = pl.Series(NUMBER, range(start, start + piece.height), dtype=pl.Int64)
            yield piece.select(_text_column(piece[name]) for name in columns).with_columns(numbers)
        at += batch.num_rows


def _bounded_batches(batch: pa.RecordBatch, first: int, tally: Tally) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Parts of a batch of at most PIECE bytes, with the number of their first row; too long rows left out."""
    sizes = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            sizes += pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    start = held = 0
    for row, size in enumerate(sizes.tolist()):
        long = size > MAX_LINE
        if long or held + size > PIECE:
            if row > start:
                yield first + start, _plain(batch.slice(start, row - start))
            start, held = row + long, 0
        if long:
            tally.miss(f"longer than {MAX_LINE:,} bytes", first + row)
        else:
            held += size
    if start < batch.num_rows:
        yield first + start, _plain(batch.slice(start))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _text_column(column: pl.Series) -> pl.Series:
    kind = column.dtype
    if kind == pl.String:
        return column
    if kind.is_integer():
        return column.cast(pl.String)
    values = (v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in column.to_list())
    return pl.Series(column.name, [as_text(v) for v in values], dtype=pl.String)
