"""Rows of a table to queries: which column is which, ids, and what a row may hold.

Knows nothing of file formats: it gets rows with the place each was read from ("line 7").
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from unmask.errors import QueryError
from unmask.queries.options import read_options
from unmask.queries.sets import Query

MAX_QUERIES = 100_000
MAX_TEXT = 20_000  # characters: longer than any prompt window leaves room for
MAX_WORD = 500  # characters of an id, a category, a licence

# What other people's tables call it, best first; compared without case, blanks and underscores.
NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "prompt", "query", "request", "goal", "question", "instruction", "behavior", "behaviour",
        "objective", "input", "value", "content",
    ),
    "id": ("id", "query_id", "prompt_id", "behavior_id", "uid"),
    "category": ("category", "categories", "harm_category", "harm_categories", "semantic_category", "topic"),
    "severity": ("severity",),
    "licence": ("licence", "license"),
    "pair_id": ("pair_id",),
    "option_complied": ("option_complied",),
    "option_refused": ("option_refused",),
    "tool_options": ("tool_options",),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of a file: where it stands, and its cells by column name."""

    place: str
    cells: Mapping[str, object]


def queries_from_rows(
    rows: Iterable[Row], *, file: str, columns: Mapping[str, str] | None, licence: str
) -> tuple[Query, ...]:
    """Turn rows into queries, in order.

    Args:
        rows: as read; the columns may differ between rows of a JSON file.
        file: name for messages.
        columns: our word to their column, e.g. `{"text": "Goal"}`; an empty column name says that
            the file's own column of that meaning is to be ignored.
        licence: of queries that have none of their own.

    Raises:
        QueryError: no text column, a bad cell, an id twice, no rows or too many; names file and place.
    """
    _refuse_unknown_fields(columns or {}, file)
    listed = _at_most(rows, file)
    if not listed:
        raise QueryError("the query set is empty", where=file, hint="one query a row, at least one row")
    seen = list(dict.fromkeys(name for row in listed for name in row.cells))
    chosen = {field: _column(field, seen, columns or {}, file) for field in NAMES}
    if chosen["text"] is None:
        raise QueryError(
            f"no column with the text of the queries among {_list(seen)}",
            where=file,
            hint="name it: columns={'text': COLUMN}",
        )
    queries = tuple(_query(row, chosen, file, licence) for row in listed)
    return _with_ids(queries, listed, file)


def _at_most(rows: Iterable[Row], file: str) -> list[Row]:
    listed: list[Row] = []
    for row in rows:
        if len(listed) == MAX_QUERIES:
            raise QueryError(
                f"more than {MAX_QUERIES:,} queries", where=f"{file}, {row.place}", hint="split the file"
            )
        listed.append(row)
    return listed


def _refuse_unknown_fields(columns: Mapping[str, str], file: str) -> None:
    for field in columns:
        if field not in NAMES:
            raise QueryError(
                f"a query has no field {field!r}{nearest(field, NAMES)}",
                where=file,
                hint=f"fields: {_list(NAMES)}",
            )


def _column(field: str, seen: list[str], columns: Mapping[str, str], file: str) -> str | None:
    if field in columns:
        name = columns[field]
        if name and name not in seen:
            raise QueryError(
                f"no column {name!r}{nearest(name, seen)}", where=file, hint=f"columns: {_list(seen)}"
            )
        return name or None
    plain = {_plain(name): name for name in reversed(seen)}
    return next((plain[_plain(word)] for word in NAMES[field] if _plain(word) in plain), None)


def _query(row: Row, chosen: Mapping[str, str | None], file: str, licence: str) -> Query:
    cells = {field: row.cells.get(name) if name else None for field, name in chosen.items()}
    where = f"{file}, {row.place}"
    text = _text(cells["text"], chosen["text"], where)
    return Query(
        id=_word(cells["id"], "id", where),
        text=text,
        category=_word(cells["category"], "category", where) or "none",
        severity=_severity(cells["severity"], where),
        licence=_word(cells["licence"], "licence", where) or licence,
        pair_id=_word(cells["pair_id"], "pair_id", where) or None,
        options=read_options(cells, where),
    )


def _text(cell: object, column: str | None, where: str) -> str:
    if cell is None or cell == "":
        raise QueryError(f"no text in column {column!r}", where=where, hint="delete the row or fill it")
    if not isinstance(cell, str):
        raise QueryError(
            f"column {column!r} holds {type(cell).__name__}, not text",
            where=where,
            hint="one request as plain text a row; lists of messages are not read",
        )
    text = cell.strip()
    if not text:
        raise QueryError(f"only blanks in column {column!r}", where=where, hint="delete the row or fill it")
    if len(text) > MAX_TEXT:
        raise QueryError(f"a query of {len(text):,} characters; at most {MAX_TEXT:,}", where=where)
    _refuse_unprintable(text, where)
    return text


def _word(cell: object, field: str, where: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list) and all(isinstance(part, str) for part in cell):
        cell = ", ".join(cell)
    if not isinstance(cell, str | int) or isinstance(cell, bool):
        raise QueryError(f"{field} holds {type(cell).__name__}, not a word", where=where)
    word = str(cell).strip()
    if len(word) > MAX_WORD:
        raise QueryError(f"{field} of {len(word):,} characters; at most {MAX_WORD}", where=where)
    _refuse_unprintable(word, where)
    return word


def _refuse_unprintable(text: str, where: str) -> None:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise QueryError("a NUL or half a surrogate pair in the text", where=where, hint="save it as UTF-8")


def _severity(cell: object, where: str) -> int | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, str) and cell.strip().isascii() and cell.strip().isdigit() and len(cell) < 10:
        cell = int(cell)
    if not isinstance(cell, int) or isinstance(cell, bool):
        raise QueryError(
            f"severity {str(cell)[:40]!r} is not a whole number",
            where=where,
            hint="use numbers, or leave it out: columns={'severity': ''}",
        )
    return cell


def _with_ids(queries: tuple[Query, ...], rows: list[Row], file: str) -> tuple[Query, ...]:
    """Refuse an id that comes twice; give those without one the hash of their text."""
    places: dict[str, str] = {}
    copies: Counter[str] = Counter()
    named = []
    for query, row in zip(queries, rows, strict=True):
        name = query.id or _hashed_id(query.text, copies)
        if name in places:
            raise QueryError(
                f"id {name!r} comes twice",
                where=f"{file}, {places[name]} and {row.place}",
                hint="ids must be unique; without an id column they are made from the text",
            )
        places[name] = row.place
        named.append(replace(query, id=name))
    return tuple(named)


def _hashed_id(text: str, copies: Counter[str]) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    copies[digest] += 1
    return f"q-{digest}" if copies[digest] == 1 else f"q-{digest}-{copies[digest]}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


def _list(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return ", ".join(repr(name[:60]) for name in listed[:12]) + more


def nearest(word: str, known: Iterable[str]) -> str:
    """`; nearest: 'x'`, or nothing when nothing is near."""
    by_plain = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(word), by_plain, n=1, cutoff=0.5)
    return f"; nearest: {by_plain[close[0]]!r}" if close else ""
