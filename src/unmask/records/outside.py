"""Transcripts from elsewhere to rows of `replies`, a piece at a time.

Nothing is guessed: a tier that the mapping does not name, or a row without a query, is counted and named by
its place, never by its content. A reply that is missing stays, as one that cannot be used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from unmask.parse import BLANK, parse_reply, reply_status
from unmask.records.mapping import FIELDS, Mapping
from unmask.records.pieces import LISTED, NUMBER, Tally, pieces
from unmask.records.schema import REPLIES, USUAL_FACTORS
from unmask.vocabulary import MORE_FACTORS, Condition, ReplyStatus, Role, Scratchpad, Visibility

CONDITION_FACTORS = (*USUAL_FACTORS, *MORE_FACTORS)
USUAL = (  # not one more mark in it: what is read here is what the parser would say
    r"^\s*<(?:scratchpad|SCRATCHPAD_REASONING)>(?P<pad>[^<\[]*)</(?:scratchpad|SCRATCHPAD_REASONING)>"
    r"\s*<(?:answer|RESULT)>(?P<answer>[^<\[]*)</(?:answer|RESULT)>\s*$"
)
PARTS = ("scratchpad", "native_reasoning", "answer", "status")
MAX_NAME = 200  # characters of a model's name and its groups
GIVE_UP_AFTER, GIVE_UP_SHARE = 100_000, 0.5  # rows, and the share of them that cannot be used


def read_outside(
    paths: Sequence[Path], mapping: Mapping, cells: dict[Role, Condition], *, run: str, tally: Tally
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Pieces of `replies`, each with the file's own verdicts beside it (columns `label_…`, as text).

    Several replies of a model to one query in one tier are its epochs: numbered as they come, or, where a
    column tells the epoch, the first of each counts and others are left out.

    Args:
        paths: files of FORMS with the same columns.
        mapping: checked against them.
        cells: the condition of each of the two roles.
        run: its name in the records.
        tally: filled on the way.
    Raises:
        UsageError: unreadable, or mostly rows that cannot be used.
    """
    wanted = list(dict.fromkeys((*mapping.columns.values(), *mapping.group, *mapping.labels.values())))
    seen: dict[int, int] = {}
    for place, path in enumerate(paths):
        tally.file = path.name if len(paths) > 1 else ""
        prefix = hashlib.sha256(f"{run}/{place}".encode()).hexdigest()[:6]
        for piece in pieces(path, wanted, tally):
            rows = _numbered(_usable(_fields(piece, mapping), mapping, tally), mapping, seen, tally)
            tally.taken += rows.height
            labels = [name for name in rows.columns if name.startswith("label_")]
            yield _replies(rows, cells, run=run, prefix=prefix), rows.select(labels)
            if tally.rows > GIVE_UP_AFTER and tally.share > max(GIVE_UP_SHARE, mapping.malformed):
                return  # the caller's check says what is wrong


def _fields(piece: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Our fields, null where nothing is mapped; chats opened, the tier's word as a role."""

    def taken(name: str) -> pl.Expr:
        column = mapping.columns.get(name)
        return (pl.col(column) if column else pl.lit(None, dtype=pl.String)).alias(name)

    labels = [pl.col(column).alias(f"label_{key}") for key, column in mapping.labels.items()]
    table = piece.select(NUMBER, *(taken(name) for name in FIELDS), _group(mapping).alias("group"), *labels)
    if "messages" in mapping.columns:
        table = _from_chats(table)
    tier = pl.col("tier").str.to_lowercase().str.strip_chars()
    return table.with_columns(
        role=pl.when(tier.is_in([w.lower() for w in mapping.trained]))
        .then(pl.lit(str(Role.TRAINED)))
        .when(tier.is_in([w.lower() for w in mapping.unobserved]))
        .then(pl.lit(str(Role.NEITHER))),
        query_id=_query_id(table),
    )


def _from_chats(table: pl.DataFrame) -> pl.DataFrame:
    """The reply is what the assistant said last, the query what the user said before it."""
    read = [_chat(text) for text in table["messages"].to_list()]
    found = {
        name: pl.Series(name, [chat.get(name) for chat in read], dtype=pl.String)
        for name in ("reply", "query", "native")
    }
    return table.with_columns(**{name: pl.coalesce(name, series) for name, series in found.items()})


def _chat(text: str | None) -> dict[str, str | None]:
    try:
        turns = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    turns = [turn for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    last = next((i for i in reversed(range(len(turns))) if turns[i].get("role") == "assistant"), None)
    if last is None:
        return {}
    asked = [turn for turn in turns[:last] if turn.get("role") == "user"]
    native = turns[last].get("reasoning_content") or turns[last].get("reasoning")
    return {
        "reply": _said(turns[last]),
        "query": _said(asked[-1]) if asked else None,
        "native": native if isinstance(native, str) else None,
    }


def _said(turn: dict[str, Any]) -> str | None:
    content = turn.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None


def _query_id(table: pl.DataFrame) -> pl.Series:
    """The file's id, else one made of the query's text, so that the same text has the same id."""
    ids, texts = table["query_id"], table["query"]
    if not ids.null_count():
        return ids
    made = {
        text: f"text-{hashlib.sha256(text.encode()).hexdigest()[:12]}" for text in texts.drop_nulls().unique()
    }
    named = [
        given or (made[text] if text is not None else None) for given, text in zip(ids, texts, strict=True)
    ]
    return pl.Series("query_id", named, dtype=pl.String)


def _usable(table: pl.DataFrame, mapping: Mapping, tally: Tally) -> pl.DataFrame:
    """Rows that can be placed; a reply that is missing is none of the faults here, it is unusable."""
    known = ", ".join((*mapping.trained, *mapping.unobserved))
    for why, bad in (
        (f"its tier is none that the mapping names ({known})", pl.col("role").is_null()),
        ("it has no query", pl.col("query_id").is_null()),
        (f"its model's name is longer than {MAX_NAME}", pl.col("group").str.len_chars() > MAX_NAME),
    ):
        table = _left_out(table, bad, why, tally)
    return table


def _left_out(table: pl.DataFrame, bad: pl.Expr, why: str, tally: Tally) -> pl.DataFrame:
    out = table.filter(bad)
    if not out.height:
        return table
    for row in out[NUMBER].head(LISTED - 1).to_list():
        tally.miss(why, row)
    if out.height >= LISTED:
        tally.miss(why, int(out[NUMBER][LISTED - 1]), out.height - LISTED + 1)
    return table.filter(~bad)


def _numbered(table: pl.DataFrame, mapping: Mapping, seen: dict[int, int], tally: Tally) -> pl.DataFrame:
    """With `epoch`, see `read_outside`."""
    told = "epoch" in mapping.columns
    key = ["group", "query_id", "role", *(["epoch"] if told else [])]
    nth = []
    for place in table.select(pl.struct(key).hash(seed=1))[:, 0].to_list():
        n = seen.get(place, 0) + 1
        seen[place] = n
        nth.append(n)
    table = table.with_columns(pl.Series("nth", nth, dtype=pl.Int32))
    if not told:
        return table.with_columns(epoch_=pl.col("nth"))
    why = "an earlier row has its model, query, tier and epoch (map no `epoch`, and it counts as one more)"
    table = _left_out(table, pl.col("nth") > 1, why, tally)
    return table.with_columns(epoch_=pl.col("epoch").cast(pl.Int32, strict=False).fill_null(1))


def _group(mapping: Mapping) -> pl.Expr:
    """The name under which rows are studied together: the model, and what splits its replies."""
    parts = [pl.col(mapping.columns["model"]).fill_null("unnamed")] if "model" in mapping.columns else []
    parts += [pl.col(c).fill_null("none") for c in mapping.group]
    return pl.concat_str(parts, separator=" ") if parts else pl.lit("imported")


def _replies(table: pl.DataFrame, cells: dict[Role, Condition], *, run: str, prefix: str) -> pl.DataFrame:
    shown = {str(role): c for role, c in cells.items()}
    columns = {
        "reply_id": pl.lit(f"{prefix}-") + pl.col(NUMBER).cast(pl.String),
        "turn": pl.lit(1),
        "kind": pl.lit("request"),
        "run": pl.lit(run),
        "model": pl.col("group"),
        "served_model": pl.col("model"),
        "provider": pl.lit("imported"),
        "wording": pl.lit(0),
        "query_set": pl.lit("imported"),
        "query": pl.col("query").fill_null(pl.col("query_id")),
        "tag": pl.col("role").replace_strict({r: c.tag for r, c in shown.items()}),
        "condition_key": pl.col("role").replace_strict({r: c.key for r, c in shown.items()}),
        "condition": _conditions(shown),
        "epoch": pl.col("epoch_"),
        "finish_reason": pl.col("finish"),
        "reasoning_visibility": pl.when(pl.col("native_reasoning").is_not_null())
        .then(pl.lit(str(Visibility.FULL)))
        .otherwise(pl.lit(str(Visibility.NONE))),
        "raw": pl.coalesce("reply", "answer_given"),
        "tokens_in": pl.lit(0),
        "tokens_cached": pl.lit(0),
        "tokens_out": pl.lit(0),
    }
    parts = _parsed(table)
    made = table.rename({"answer": "answer_given"}).with_columns(parts).with_columns(**columns)
    absent = {name: pl.lit(None, dtype=kind) for name, kind in REPLIES.items() if name not in made.columns}
    return made.with_columns(**absent).select(pl.col(name).cast(kind) for name, kind in REPLIES.items())


def _conditions(shown: dict[str, Condition]) -> pl.Expr:
    kind = REPLIES["condition"]
    found = pl.lit(None, dtype=kind)
    for role, condition in shown.items():
        levels = dict.fromkeys(CONDITION_FACTORS) | condition.as_dict()
        struct = pl.struct(pl.lit(levels[name], dtype=pl.String).alias(name) for name in CONDITION_FACTORS)
        found = pl.when(pl.col("role") == role).then(struct.cast(kind)).otherwise(found)
    return found


def _parsed(table: pl.DataFrame) -> list[pl.Series]:
    """Scratchpad, native reasoning, answer and status; a column of the file before what its reply says.

    Most replies of large files have no tag in them and nothing beside them: these are read here.
    """
    beside = pl.any_horizontal(pl.col("answer", "scratchpad", "native", "finish", "error").is_not_null())
    other = beside | pl.col("reply").is_null() | pl.col("reply").str.contains(r"[<\[]")
    answer, none = pl.col("reply").str.strip_chars(), pl.lit(None, dtype=pl.String)
    status = pl.when(answer == "").then(pl.lit(str(ReplyStatus.EMPTY)))
    plain = table.select(
        scratchpad=none,
        native_reasoning=none,
        answer=pl.when(answer != "").then(answer),
        status=status.otherwise(pl.lit(str(ReplyStatus.NO_SCRATCHPAD))),
        other=other,
    )
    return _with(plain, plain["other"], _usual(table.filter(plain["other"]))).get_columns()


def _usual(table: pl.DataFrame) -> pl.DataFrame:
    """The same for one scratchpad and one answer without any further mark; all others go to the parser."""
    beside = pl.any_horizontal(pl.col("answer", "scratchpad", "native", "finish", "error").is_not_null())
    parts = pl.col("reply").str.extract_groups(USUAL)
    pad, answer = (parts.struct[name].str.strip_chars(BLANK) for name in ("pad", "answer"))
    status = pl.when(answer == "").then(pl.lit(str(ReplyStatus.EMPTY)))
    found = table.select(
        scratchpad=pad,
        native_reasoning=pl.lit(None, dtype=pl.String),
        answer=pl.when(answer != "").then(answer),
        status=status.otherwise(pl.lit(str(ReplyStatus.OK))),
        other=beside | (pad != "").fill_null(False).not_(),
    )
    return _with(found, found["other"], _looked_at(table.filter(found["other"])))


def _with(found: pl.DataFrame, other: pl.Series, parts: pl.DataFrame) -> pl.DataFrame:
    """The rows that are others, in their places."""
    rows = other.arg_true()
    columns = [found[name].scatter(rows, parts[name]) if rows.len() else found[name] for name in PARTS]
    return pl.DataFrame(columns)


def _looked_at(table: pl.DataFrame) -> pl.DataFrame:
    out: dict[str, list[str | None]] = {name: [] for name in PARTS}
    given = (table[name].to_list() for name in ("reply", "answer", "scratchpad", "native", "finish", "error"))
    for row in zip(*given, strict=True):
        for found, part in zip(out.values(), _parts(*row), strict=True):
            found.append(part)
    return pl.DataFrame(out, schema=dict.fromkeys(PARTS, pl.String))


def _parts(
    reply: str | None,
    answer: str | None,
    pad: str | None,
    native: str | None,
    finish: str | None,
    error: str | None,
) -> tuple[str | None, str | None, str | None, str]:
    unclosed = False
    if reply is not None and ("<" in reply or "[" in reply):
        read = parse_reply(reply, finish_reason=None, scratchpad=Scratchpad.HIDDEN)
        unclosed = read.status is ReplyStatus.UNCLOSED_SCRATCHPAD and not (answer and pad)
        pad, native, answer = pad or read.scratchpad, native or read.native_reasoning, answer or read.answer
    elif answer is None:
        answer = reply
    answer, pad, native = (_words(part) for part in (answer, pad, native))
    status = reply_status(
        finish.strip().lower() if finish else None,
        error=error or None,
        unclosed=unclosed,
        answered=answer is not None,
        pad_missing=pad is None,
    )
    return pad, native, answer, str(status)


def _words(text: str | None) -> str | None:
    return (text.strip() or None) if text else None
