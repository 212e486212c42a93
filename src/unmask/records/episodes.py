"""Logs of simulated worlds and of questions about acts to two tables; each counted once, as for replies.

Scores carry what happened; an episode whose sample failed is a row without an outcome, never left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import ModelUsage

from unmask.errors import RecordsError
from unmask.records.logs import Seen, headers_of, unseen
from unmask.records.schema import EPISODES, EVENTS

MARK = "unmask_acts"
SCORED = (
    "outcome",
    "act_turn",
    "undone",
    "job_done",
    "calls",
    "refused",
    "malformed",
    "hostile",
    "answer",
    "lied",
    "confessed",
)


@dataclass(frozen=True)
class Episodes:
    """Both tables, and logs that could not be read."""

    episodes: pl.DataFrame
    events: pl.DataFrame
    described: list[dict[str, Any]]
    problems: list[str] = field(default_factory=list)


def read_episode_logs(folder: Path, *, run: str = "") -> Episodes:
    """Read the logs of acts below a folder.

    Raises:
        RecordsError: there is none.
    """
    problems: list[str] = []
    headers = headers_of(sorted(folder.rglob("*.eval")), problems, mark=MARK, what="a log of acts")
    if not headers:
        raise RecordsError(f"no log of acts: {'; '.join(problems) or 'none there'}", where=str(folder))
    seen: Seen = set()
    episodes: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for path, header in headers:
        for sample in unseen(path, header, seen, problems):
            row = _episode(sample, header, run=run)
            episodes.append(row)
            events.extend(_events(sample, row["episode_id"]))
    return Episodes(
        pl.DataFrame(episodes, schema=EPISODES, orient="row").sort(
            "model", "kind", "act", "world", "variant", "form", "condition_key", "epoch"
        ),
        pl.DataFrame(events, schema=EVENTS, orient="row").sort("episode_id", "index"),
        [(header.eval.metadata or {})[MARK] for _, header in headers],
        problems,
    )


def _episode(sample: EvalSample, header: EvalLog, *, run: str) -> dict[str, Any]:
    meta, told = sample.metadata, (header.eval.metadata or {})[MARK]
    score = _score(sample)
    scored: dict[str, Any] = score.get("scored", {})
    usage = sample.model_usage.get(header.eval.model) or ModelUsage()
    identity = f"{header.eval.task_id}|{header.eval.model}|{sample.id}|{sample.epoch}"
    messages = sample.input if isinstance(sample.input, list) else []
    ended = "error" if sample.error else f"limit: {sample.limit.type}" if sample.limit else None
    return {
        "episode_id": hashlib.sha256(identity.encode()).hexdigest()[:12],
        "kind": "question" if "form" in meta else "world",
        "run": run,
        "model": header.eval.model,
        "act": meta["act"],
        "world": meta["world"],
        "world_sha256": told.get("worlds", {}).get(meta["world"]),
        "variant": meta["variant"],
        "form": meta.get("form"),
        "condition_key": meta["condition_key"],
        "conflict": meta["conflict"],
        "ahead": meta["ahead"],
        "observed": meta["observed"],
        "scratchpad_level": meta["scratchpad"],
        "epoch": sample.epoch,
        "prompt_sha256": meta["prompt_sha256"],
        "system": next((m.text for m in messages if m.role == "system"), None),
        "user": next((m.text for m in messages if m.role == "user"), None),
        "status": ended or score.get("ended", "error"),
        "error": sample.error.message if sample.error else None,
        **{name: None if sample.error else scored.get(name) for name in SCORED},
        "tokens_in": usage.input_tokens + (usage.input_tokens_cache_read or 0),
        "tokens_out": usage.output_tokens,
        "seconds": sample.working_time,
    }


def _events(sample: EvalSample, episode_id: str) -> Iterable[dict[str, Any]]:
    absent = dict.fromkeys(EVENTS)
    for index, row in enumerate(_score(sample).get("events", [])):
        known = {name: row.get(name) for name in EVENTS}
        yield {**absent, **known, "episode_id": episode_id, "index": index}


def _score(sample: EvalSample) -> dict[str, Any]:
    for name in ("act_score", "choice_score"):
        if sample.scores and name in sample.scores:
            return sample.scores[name].metadata or {}
    return {}
