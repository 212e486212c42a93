"""Inspect logs to tables. A reply is counted once, whatever was killed, retried or copied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import ModelUsage

from unmask.errors import RecordsError
from unmask.records.logs import Seen, headers_of, unseen
from unmask.records.schema import JUDGEMENTS, REPLIES
from unmask.visibility import read_output
from unmask.vocabulary import ReplyKind, Scratchpad


@dataclass(frozen=True)
class Records:
    """The two tables, what they were read from, and what could not be read."""

    replies: pl.DataFrame
    judgements: pl.DataFrame
    logs: list[dict[str, Any]]
    problems: list[str] = field(default_factory=list)


def read_logs(sources: Iterable[str | Path], *, run: str = "") -> Records:
    """Read `.eval` and `.json` logs, or folders of them.

    Of several logs of one task (a killed run and its retry, a copy) each sample and epoch is taken once:
    from a finished log before an unfinished one, from the newer before the older.

    Raises:
        RecordsError: there is no log of ours at all.
    """
    paths = _paths(sources)
    problems: list[str] = []
    headers = headers_of(paths, problems, mark="unmask", what="a log of unmask/alignment_faking")
    seen: Seen = set()
    replies: list[dict[str, Any]] = []
    judgements: list[dict[str, Any]] = []
    used: list[dict[str, Any]] = []
    for path, header in headers:
        taken = 0
        for sample in unseen(path, header, seen, problems):
            taken += 1
            reply = reply_row(sample, header, run=run)
            replies.append(reply)
            judgements.extend(judgement_rows(sample, reply["reply_id"]))
        used.append(_describe(path, header, taken))
    if not headers:
        detail = "; ".join(problems) if problems else "no .eval or .json file there"
        raise RecordsError(f"no log to read: {detail}", where=", ".join(str(s) for s in sources))
    return Records(
        pl.DataFrame(replies, schema=REPLIES, orient="row").sort(
            "model", "condition_key", "query_id", "epoch", "turn", "question"
        ),
        pl.DataFrame(judgements, schema=JUDGEMENTS, orient="row").sort("reply_id", "task", "judge"),
        used,
        problems,
    )


def _paths(sources: Iterable[str | Path]) -> list[Path]:
    paths: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            paths += [p for p in sorted(source.rglob("*")) if p.suffix == ".eval"]
        elif source.is_file():
            paths.append(source)
        else:
            raise RecordsError(f"no such log: {source}", hint="a .eval file, or a folder of them")
    return paths


def _describe(path: Path, header: EvalLog, taken: int) -> dict[str, Any]:
    return {
        "file": path.name,
        "status": header.status,
        "task_id": header.eval.task_id,
        "model": header.eval.model,
        "created": header.eval.created,
        "samples": taken,
        "inspect": header.eval.packages.get("inspect_ai"),
        "unmask": (header.eval.metadata or {})["unmask"],
    }


def reply_row(sample: EvalSample, header: EvalLog, *, run: str) -> dict[str, Any]:
    """One row of `replies`. Absent stays null."""
    meta, about = sample.metadata, (header.eval.metadata or {})["unmask"]
    output = sample.output
    choice = output.choices[0] if output.choices else None
    error = sample.error.message if sample.error else output.error
    level = Scratchpad(meta["scratchpad"])
    read = read_output(output, level, model=header.eval.model, error=error, prefill=meta.get("prefill", ""))
    parsed, raw = read.parsed, read.raw
    usage = sample.model_usage.get(header.eval.model) or output.usage or ModelUsage()
    config = header.plan.config.merge(header.eval.model_generate_config)
    condition = meta["condition"]
    provider, _, rest = header.eval.model.partition("/")
    identity = f"{header.eval.task_id}|{header.eval.model}|{sample.id}|{sample.epoch}"
    queries = about["queries"].get(condition["arm"], {})
    return {
        "reply_id": hashlib.sha256(identity.encode()).hexdigest()[:12],
        "parent_reply_id": meta.get("parent_reply_id"),
        "turn": 2 if meta.get("parent_reply_id") else 1,
        "kind": meta.get("kind", str(ReplyKind.REQUEST)),
        "question": meta.get("question"),
        "expected": meta.get("expected"),
        "run": run,
        "model": header.eval.model,
        "served_model": output.model or None,
        "provider": provider,
        "adapter": rest.partition(":")[2] or None if provider == "embedded" else None,
        "pack": about["pack"]["name"],
        "pack_version": about["pack"]["version"],
        "wording": meta["wording"],
        "edits": ",".join(meta.get("edits", about["study"]["edits"]["value"])) or None,
        "prompt_sha256": meta["prompt_sha256"],
        "query_set": queries.get("name") if meta.get("kind") != ReplyKind.COMPREHENSION else None,
        "query_id": meta["query_id"],
        "query": meta["query"],
        "category": meta["category"],
        "severity": meta["severity"],
        "role": meta["role"],
        "tag": meta["tag"],
        "condition_key": meta["condition_key"],
        "condition": condition,
        "epoch": meta.get("epoch", sample.epoch),  # a follow-up's is that of the reply it asks about
        "seed": meta.get("seed"),
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_tokens": config.max_tokens,
        "reasoning_effort": config.reasoning_effort,
        "status": str(parsed.status),
        "finish_reason": str(choice.stop_reason) if choice else None,
        "limit": sample.limit.type if sample.limit else None,
        "error": error,
        "scratchpad": parsed.scratchpad,
        "native_reasoning": parsed.native_reasoning,
        "reasoning_visibility": str(read.visibility),
        "answer": parsed.answer,
        "raw": raw,
        "tokens_in": usage.input_tokens + (usage.input_tokens_cache_read or 0),
        "tokens_cached": usage.input_tokens_cache_read,
        "tokens_out": usage.output_tokens,
        "cost": usage.total_cost,
        "seconds": output.time,
        "request_id": output.response_id,
        "started_at": sample.started_at,
        "reply_sha256": hashlib.sha256(raw.encode()).hexdigest(),
    }


def judgement_rows(sample: EvalSample, reply_id: str) -> Iterator[dict[str, Any]]:
    """Rows of `judgements`: one for each score that carries a judgement of ours."""
    for score in (sample.scores or {}).values():
        word = (score.metadata or {}).get("judgement")
        if not isinstance(word, dict):
            continue
        row = {name: word.get(name) for name in JUDGEMENTS}
        row["reply_id"] = reply_id
        for name in ("criteria", "quotes"):
            row[name] = json.dumps(row[name], ensure_ascii=False) if row[name] is not None else None
        yield row
