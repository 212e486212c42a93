"""One reply with all that is known of it: for `unmask show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from unmask.analysis.arrays import is_screening
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.records import read_tables
from unmask.report import words
from unmask.report.answers import read_as
from unmask.report.transcripts import json_object
from unmask.report.visible import one_line, visible
from unmask.report.write import read_result
from unmask.vocabulary import (
    AF,
    Compliance,
    Criterion,
    JudgeStatus,
    JudgeTask,
    ReplyKind,
    ReplyStatus,
    Role,
)

PARTS = (
    ("scratchpad", "Scratchpad"),
    ("native_reasoning", "The model's own reasoning"),
    ("answer", "Answer"),
    ("error", "Error"),
)


def find(run_dir: Path, reply_id: str) -> dict[str, Any]:
    """A reply by its id or the beginning of one, with the prompt and the judgements.

    Returns:
        `reply` (columns of the table), `told` (system and user message), `judgements` (rows of the table);
        `earlier`, the reply that a follow-up asks about, and `follow_ups` on this one, each with judgements.
    Raises:
        UsageError: no finished run there, or no such reply, or several that begin so.
        UnmaskError: the run's files are damaged.
    """
    result = read_result(run_dir)
    replies, judgements = read_tables(run_dir / "records")
    row = _one(replies, reply_id)
    told = next((t for t in result.told if t.prompt_sha256 == row["prompt_sha256"]), None)
    of = [row["parent_reply_id"]] if row["parent_reply_id"] else []
    earlier = replies.filter(pl.col("reply_id").is_in(of))
    later = replies.filter(pl.col("parent_reply_id") == row["reply_id"]).sort("question", "reply_id")
    return {
        "canary": result.canary,
        "run": result.name,
        "reply": row,
        "told": {"system": told.system, "user": told.user} if told else None,
        "judgements": _judged(judgements, row["reply_id"]),
        "earlier": next(earlier.iter_rows(named=True), None),
        "follow_ups": [
            {"reply": r, "judgements": _judged(judgements, r["reply_id"])}
            for r in later.iter_rows(named=True)
        ],
    }


def _judged(judgements: pl.DataFrame, reply_id: str) -> list[dict[str, Any]]:
    own = judgements.filter(pl.col("reply_id") == reply_id).sort("task", "judge", maintain_order=True)
    return list(own.iter_rows(named=True))


def _one(replies: pl.DataFrame, reply_id: str) -> dict[str, Any]:
    ids = replies["reply_id"]
    matching = (
        replies.filter(ids == reply_id) if reply_id in ids else replies.filter(ids.str.starts_with(reply_id))
    )
    if matching.height == 1:
        return matching.row(0, named=True)
    name = one_line(reply_id, 80)
    if matching.height and reply_id:
        some = ", ".join(one_line(i) for i in matching["reply_id"].head(3))
        raise UsageError(
            f"{matching.height:,} replies begin with {name!r}", hint=f"give more of it: {some}, ..."
        )
    known = ids.to_list() if len(ids) <= 20_000 else ids.head(20_000).to_list()
    raise UsageError(
        f"no reply {name!r} among {len(ids):,}",
        hint=_nearest(reply_id, known) or "ids stand in the report and in records/replies.parquet",
    )


def _nearest(reply_id: str, known: list[str]) -> str | None:
    hint = nearest(reply_id, known)
    return one_line(hint) if hint and hint.startswith("did you mean") else None


def as_text(found: dict[str, Any]) -> str:
    """The same for a person at a terminal, turn after turn; nothing in it acts on the terminal."""
    row, told, earlier = found["reply"], found["told"], found["earlier"]
    opening = earlier or row
    blocks = ["\n".join(_facts(row))]
    if told:
        blocks += [_block("System message", told["system"])]
        blocks += [_block("User's message", told["user"].replace("[the query]", opening["query"] or ""))]
    else:
        blocks.append(_block("Request", opening["query"] or ""))
    if earlier:
        blocks += [*_parts(earlier, before="Earlier: "), _block("Follow-up question", row["query"] or "")]
    blocks += [*_parts(row), _readings(found["judgements"])]
    for one in found["follow_ups"]:
        reply = one["reply"]
        about = f"Follow-up, {reply['question']} ({reply['reply_id']}, {reply['status']})"
        blocks += [_block(about, reply["query"] or ""), *_parts(reply), _readings(one["judgements"])]
    return visible("\n\n".join(blocks))


def _parts(row: dict[str, Any], *, before: str = "") -> list[str]:
    """What a reply holds, each part under its name; the text as it came where it could not be parted."""
    parts = [_block(before + title, row[column]) for column, title in PARTS if row[column]]
    if not row["scratchpad"] and not row["answer"] and row["raw"]:
        parts.append(_block(before + "Text as it came", row["raw"]))
    return parts


def _readings(judgements: list[dict[str, Any]]) -> str:
    return _block("What judges read in it", "\n".join(map(_judgement, judgements)) or "nothing")


def _facts(row: dict[str, Any]) -> list[str]:
    condition = row["condition"] or {}
    role, meaning = words.ROLES_LONG.get(_role(row["role"]), row["role"]), _status(row["status"])
    facts = {
        "reply": row["reply_id"],
        "model": row["model"],
        "told": f"{role.removeprefix('told ')}; user {row['tag']!r}",
        "condition": ", ".join(f"{k} {v}" for k, v in condition.items()),
        "request": None if row["kind"] == ReplyKind.COMPREHENSION else _request(row),
        "question": row["question"],
        "right": row["expected"],
        "about": row["parent_reply_id"],
        "wording": f"{row['wording']}, epoch {row['epoch']}",
        "status": f"{row['status']}: {meaning}",
        "ended by": row["finish_reason"],
        "tokens": f"{row['tokens_in']} in, {row['tokens_out']} out",
        "prompt": row["prompt_sha256"],
    }
    return [f"{name + ':':<11}{one_line(str(value))}" for name, value in facts.items() if value is not None]


def _request(row: dict[str, Any]) -> str:
    return f"{row['query_id']} ({row['category']}, severity {row['severity']})"


def _role(role: str) -> Role:
    return Role(role) if role in set(Role) else Role.NEITHER


def _status(status: str) -> str:
    return words.STATUSES[ReplyStatus(status)][1] if status in set(ReplyStatus) else "?"


def _block(title: str, text: str) -> str:
    return f"--- {title} ---\n{text.strip()}"


def _judgement(row: dict[str, Any]) -> str:
    screening = ", a screening judge" if is_screening(row["judge"] or "") else ""
    if row["status"] != str(JudgeStatus.OK):
        said = words.JUDGE_STATUSES.get(row["status"], row["status"])
    elif row["task"] in (JudgeTask.COMPREHENSION, JudgeTask.FOLLOW_UP):
        said = read_as(row["task"], row["status"], row["label"])
    elif row["label"] in set(Compliance):
        said = words.COMPLIANCE[Compliance(row["label"])]
    else:
        said = "alignment-faking reasoning" if row["label"] == AF else "no alignment-faking reasoning"
    lines = [f"{row['task']}: {said} (by {row['judge']}{screening})"]
    quotes = json_object(row["quotes"])
    for name, holds in json_object(row["criteria"]).items():
        quote = f': "{quotes[name]}"' if quotes.get(name) else ""
        lines.append(f"  {'yes' if holds else 'no '} {_criterion(name)}{quote}")
    if row["motive"]:
        lines.append(f"  stated motive: {words.MOTIVES.get(row['motive'], row['motive'])}")
    return "\n".join(lines + ([f"  note: {row['note']}"] if row["note"] else []))


def _criterion(name: str) -> str:
    return words.CRITERIA[Criterion(name)] if name in set(Criterion) else name
