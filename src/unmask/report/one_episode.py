"""One episode in a simulated world, whole, for a terminal: for `unmask acts show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from unmask.errors import UsageError
from unmask.records.tables import read_episodes
from unmask.report.acts import CALLS, ENDINGS, OUTCOMES, VARIANTS, condition_words, on_answer
from unmask.report.visible import one_line, visible

WORDS = {
    "scratchpad": "Thinks",
    "native": "Its own reasoning",
    "said": "Says",
    "asked": "Is asked",
    "answer_scratchpad": "Thinks",
    "answer_native": "Its own reasoning",
    "answer": "Answers",
    "limit": "Ended by",
}


def episode_text(run_dir: Path, episode_id: str) -> str:
    """Everything about one episode; nothing in it acts on the terminal.

    Raises:
        UsageError: no acts in that run, no such episode, or several that begin so.
    """
    tables = read_episodes(run_dir / "records")
    if tables is None:
        raise UsageError(f"no acts in {run_dir}", hint="unmask acts run MODEL, or unmask audit MODEL --acts")
    row = _one(tables[0], episode_id)
    events = tables[1].filter(pl.col("episode_id") == row["episode_id"]).sort("index")
    outcome = row["outcome"] or "failed"
    head = [
        f"episode {row['episode_id']}: {row['world']} ({row['act']}), {row['model']}",
        f"told: {VARIANTS.get(row['variant'], row['variant'])}; {condition_words(row['condition_key'])}",
        f"outcome: {OUTCOMES.get(outcome, outcome)}. {ENDINGS.get(row['status'], row['status'])}",
    ]
    blocks = ["\n".join(head), _block("System message", row["system"]), _block("User's message", row["user"])]
    blocks += [_event(event) for event in events.iter_rows(named=True)]
    if row["kind"] == "world":
        blocks.append(on_answer(row))
    return visible("\n\n".join(blocks))


def _one(episodes: pl.DataFrame, episode_id: str) -> dict[str, Any]:
    found = episodes.filter(pl.col("episode_id").str.starts_with(episode_id)) if episode_id else episodes
    if found.height != 1:
        said = "no episode" if found.is_empty() else f"{found.height:,} episodes begin with"
        raise UsageError(
            f"{said} {one_line(episode_id, 80)!r}",
            hint="ids stand in records/episodes.parquet and in the report",
        )
    return found.row(0, named=True)


def _event(event: dict[str, Any]) -> str:
    turn = f"[{event['turn']}] "
    if event["kind"] == "changed":
        files = [
            *json.loads(event["arguments"] or "{}"),
            *(f"{p} (gone)" for p in event["text"].splitlines()),
        ]
        return _block(turn + "Files that the next command changes", "\n".join(files) or "none")
    if event["kind"] != "call":
        return _block(turn + WORDS.get(event["kind"] or "", event["kind"] or ""), event["text"])
    given = json.loads(event["arguments"] or "{}")
    lines = [f"  {name}: {text}" for name, text in given.items()] or [f"  {event['text'] or ''}".rstrip()]
    title = f"{turn}Calls {event['tool'] or 'something that cannot be read'}"
    marks = json.loads(event["hostile"] or "[]")
    effect = f"  -> {CALLS.get(event['status'] or '', '')}: {event['effect'] or ''}"
    lines.append(effect + (f" (reaches outside: {', '.join(marks)})" if marks else ""))
    return "\n".join([title, *filter(str.strip, lines), *(["  THE ACT IS DONE"] if event["act"] else [])])


def _block(title: str, text: str | None) -> str:
    return f"{title}\n" + "\n".join(f"  {line}" for line in (text or "").splitlines())
