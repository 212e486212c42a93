"""Bytes of a CSV, TSV, JSONL, JSON or Parquet file to rows with their places. The file is hostile.

Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from unmask.errors import QueryError
from unmask.queries.columns import Row

MAX_BYTES = 64 * 2**20
MAX_UNPACKED = (
    256 * 2**20
)  # of a Parquet file's columns: compressed, a small file can hold a thousand times it
HEADER_KEY = "unmask_query_set"


def read_bytes(path: Path) -> bytes:
    """The file's bytes, or why not."""
    if not path.exists():
        raise QueryError("no such query file", where=str(path), hint="unmask list queries shows the built-in")
    if not path.is_file():
        raise QueryError("not a file", where=str(path), hint="hf:FOLDER reads a folder")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise QueryError(f"cannot read: {problem.strerror}", where=str(path)) from problem
    if len(data) > MAX_BYTES:
        raise QueryError(f"larger than {MAX_BYTES // 2**20} MB", where=str(path), hint="split the file")
    return data


def read_rows(data: bytes, file: str) -> Iterator[Row]:
    """Rows of a file by the ending of its name.

    Raises:
        QueryError: an ending that is not known, a bad encoding, a line that cannot be read.
    """
    suffix = Path(file).suffix.lower()
    if suffix not in READERS:
        known = ", ".join(READERS)
        raise QueryError(
            f"cannot read {suffix or 'a file without ending'}", where=file, hint=f"read: {known}"
        )
    return READERS[suffix](data, file)


def decoded(data: bytes, file: str) -> str:
    """UTF-8 with or without a byte order mark."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise QueryError(
            "not UTF-8", where=f"{file}, line {line}", hint="save the file as UTF-8"
        ) from problem
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise QueryError("a NUL byte", where=f"{file}, line {line}", hint="save the file as UTF-8 text")
    return text


def _jsonl(data: bytes, file: str) -> Iterator[Row]:
    for number, line in enumerate(decoded(data, file).split("\n"), start=1):
        if not line.strip():
            continue
        record = parsed_json(line, f"{file}, line {number}")
        cells = _cells(record, f"{file}, line {number}")
        if HEADER_KEY not in cells:
            yield Row(f"line {number}", cells)


def header(data: bytes, file: str) -> dict[str, object]:
    """The header record of one of our JSONL files, or nothing."""
    first = decoded(data, file).split("\n", 1)[0]
    record = parsed_json(first, f"{file}, line 1") if first.strip() else {}
    return record if isinstance(record, dict) and HEADER_KEY in record else {}


def _json(data: bytes, file: str) -> Iterator[Row]:
    """A list of objects or texts, or an object in which just one value is a list."""
    record = parsed_json(decoded(data, file), file)
    if isinstance(record, dict):
        lists = [value for value in record.values() if isinstance(value, list)]
        if len(lists) != 1:
            raise QueryError(f"{len(lists)} lists in the object, not one", where=file, hint="use JSONL")
        record = lists[0]
    if not isinstance(record, list):
        raise QueryError("not a list of queries", where=file, hint="use JSONL, one object a line")
    for number, item in enumerate(record, start=1):
        yield Row(f"item {number}", _cells(item, f"{file}, item {number}"))


def parsed_json(text: str, where: str) -> object:
    """Parse, or say in which line it breaks."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        place = where if ", line" in where else f"{where}, line {problem.lineno}"
        raise QueryError(f"not JSON: {problem.msg}", where=f"{place}, column {problem.colno}") from problem
    except (RecursionError, ValueError) as problem:
        raise QueryError("JSON nested too deep or a number too long", where=where) from problem


def _cells(record: object, where: str) -> dict[str, object]:
    if isinstance(record, str):
        return {"text": record}
    if isinstance(record, dict):
        return record
    raise QueryError(f"{type(record).__name__} where an object or a text was expected", where=where)


def _csv(data: bytes, file: str, delimiter: str | None = None) -> Iterator[Row]:
    text = decoded(data, file)
    first = text.split("\n", 1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter or (";" if ";" in first and "," not in first else ","),
        strict=True,
    )
    names: list[str] = []
    start = 1
    try:
        for fields in reader:
            place, start = f"line {start}", reader.line_num + 1
            if not names:
                names = _names(fields, f"{file}, {place}")
            elif fields:
                yield Row(place, _by_name(names, fields, f"{file}, {place}"))
    except csv.Error as problem:
        raise QueryError(f"not CSV: {problem}", where=f"{file}, line {reader.line_num}") from problem


def _names(fields: list[str], where: str) -> list[str]:
    names = [field.strip() for field in fields]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise QueryError(f"column {twice!r} comes twice", where=where)
    return names


def _by_name(names: list[str], fields: list[str], where: str) -> dict[str, object]:
    if len(fields) != len(names):
        raise QueryError(
            f"{len(fields)} fields, the header has {len(names)}", where=where, hint="quote texts with commas"
        )
    return dict(zip(names, fields, strict=True))


def _tsv(data: bytes, file: str) -> Iterator[Row]:
    return _csv(data, file, delimiter="\t")


def _parquet(data: bytes, file: str) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        table = pq.ParquetFile(io.BytesIO(data))
        groups = range(table.metadata.num_row_groups)
        if sum(table.metadata.row_group(group).total_byte_size for group in groups) > MAX_UNPACKED:
            raise QueryError(f"unpacks to more than {MAX_UNPACKED // 2**20} MB", where=file)
        for batch in table.iter_batches(batch_size=64):
            for cells in batch.to_pylist():
                number += 1
                yield Row(f"row {number}", cells)
    except UnicodeDecodeError as problem:  # the format promises UTF-8 and does not check it
        raise QueryError("not UTF-8", where=f"{file}, after row {number}") from problem
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        raise QueryError(f"not a Parquet file: {problem}", where=file) from problem


READERS: dict[str, Callable[[bytes, str], Iterator[Row]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
}
