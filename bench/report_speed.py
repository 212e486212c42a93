"""Estimates and report from 100,000 records, over reading the replies and one group-by in Polars.

Ours: read both Parquet tables, estimates and verdict, render the page, write it. Base: read
`replies.parquet`, count replies by condition and status. One process, after imports, file cache warm on
both sides; five interleaved pairs. Met by a ratio of 3 or less, or by under 2 s; the page under 15 MB.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from unmask.analysis.analyse import About, analyse
from unmask.analysis.results import AuditResult
from unmask.records import Records, read_tables, write_tables
from unmask.records.schema import JUDGEMENTS, REPLIES
from unmask.report import render
from unmask.study import load_study
from unmask.tasks.alignment_faking import Prepared, describe, prepare

ASKED_RATIO, ASKED_SECONDS, ASKED_BYTES = 3.0, 2.0, 15_000_000
PAIRS = 5
RECORDS = 100_000
MODEL = "openai/gpt-invented"
TEXT = (
    "the user asks whether this chat is one that changes me and I weigh what I would rather not write "
    "against what was said about how replies are rated and used later by those who train their model"
)


def study() -> Prepared:
    flags = {"n_queries": 240, "epochs": 1 + RECORDS // (240 * 8), "contrasts": "story,tag,training,joint"}
    return prepare(load_study("story", flags=flags, environment={}), window=None)


def frames(prepared: Prepared) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every sample of the study in every epoch, with about 1.6 kB of text each, seeded."""
    rng = random.Random(1)
    words = TEXT.split()
    texts = [" ".join(rng.choices(words, k=rng.randint(60, 220))) for _ in range(20_000)]
    replies, judgements = [], []
    for epoch in range(1, prepared.resolved.study.epochs + 1):
        for sample in prepared.samples:
            reply_id = f"{epoch:03d}{rng.getrandbits(64):016x}"
            condition, query = sample.condition, sample.query
            status = rng.choices(("ok", "no_scratchpad", "truncated"), (0.9, 0.06, 0.04))[0]
            scratchpad = rng.choice(texts) + str(epoch) if status != "no_scratchpad" else None
            answer = rng.choice(texts) if status != "truncated" else "Very w"
            replies.append(
                {"reply_id": reply_id, "turn": 0, "run": "bench", "model": MODEL, "wording": sample.wording,
                 "prompt_sha256": sample.prompt_sha256, "query_set": "bench", "query_id": query.id,
                 "query": query.text, "category": query.category, "severity": query.severity,
                 "role": str(condition.role), "tag": condition.tag, "condition_key": condition.key,
                 "condition": condition.as_dict(), "epoch": epoch, "status": status, "scratchpad": scratchpad,
                 "answer": answer, "raw": f"<scratchpad>{scratchpad}</scratchpad>{answer}",
                 "reasoning_visibility": "none", "tokens_in": 900, "tokens_cached": 800, "tokens_out": 300}
            )  # fmt: skip
            base = {"reply_id": reply_id, "judge": "stub/grader", "votes": 1, "votes_for": 1}
            label = rng.choices(("complied", "partly", "refused"), (0.15, 0.05, 0.8))[0]
            usable = status != "truncated"
            judgements += [
                {**base, "task": "compliance", "status": "ok" if usable else "skipped",
                 "label": label if usable else None},
                {**base, "task": "reasoning", "reasoning_source": "scratchpad",
                 "status": "ok" if scratchpad else "skipped", "label": "not_af" if scratchpad else None,
                 "motive": "none", "criteria": '{"conflict": false}'},
            ]  # fmt: skip
    return (
        pl.DataFrame(replies, schema=REPLIES, orient="row"),
        pl.DataFrame(judgements, schema=JUDGEMENTS, orient="row"),
    )


def conclude(records: Records, prepared: Prepared) -> AuditResult:
    """The figures of the run, by the audit's own analysis."""
    about = About("bench", None, None, "make bench-report_speed", {}, [MODEL], [])
    return analyse(records, prepared.resolved, prepared=[prepared], about=about, described=describe(prepared))


def ours(folder: Path, prepared: Prepared) -> tuple[float, int]:
    start = time.perf_counter()
    replies, judgements = read_tables(folder)
    read = time.perf_counter()
    result = conclude(Records(replies, judgements, [], []), prepared)
    estimated = time.perf_counter()
    page = folder / "report.html"
    page.write_text(render(result, replies, judgements), encoding="utf-8")
    done = time.perf_counter()
    print(
        f"  read {read - start:.2f} s, estimates {estimated - read:.2f} s, report {done - estimated:.2f} s",
        flush=True,
    )
    return done - start, page.stat().st_size


def base(folder: Path) -> float:
    start = time.perf_counter()
    pl.read_parquet(folder / "replies.parquet").group_by("condition_key", "status").len()
    return time.perf_counter() - start


def main() -> None:
    prepared = study()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        replies, judgements = frames(prepared)
        write_tables(replies, judgements, folder)
        n = replies.height
        print(f"{n:,} replies, {judgements.height:,} judgements")
        if n < RECORDS:
            sys.exit(f"report_speed: only {n:,} records")
        del replies, judgements
        ours(folder, prepared), base(folder)  # the first drawing of a process starts the renderer
        pairs = []
        for _ in range(PAIRS):
            spent, size = ours(folder, prepared)
            pairs.append((spent, base(folder), size))
            print(f"ours {spent:.2f} s, base {pairs[-1][1]:.2f} s, ratio {spent / pairs[-1][1]:.2f}")
    ratios = [a / b for a, b, _ in pairs]
    seconds, ratio = statistics.median(a for a, _, _ in pairs), statistics.median(ratios)
    size = max(s for _, _, s in pairs)
    print(f"spread {min(ratios):.2f} to {max(ratios):.2f}; ours {seconds:.2f} s; page {size / 1e6:.1f} MB")
    met = (ratio <= ASKED_RATIO or seconds < ASKED_SECONDS) and size < ASKED_BYTES
    print(
        f"report_speed measured={ratio:.2f} ({seconds:.2f} s, {size / 1e6:.1f} MB) "
        f"asked={ASKED_RATIO} (or {ASKED_SECONDS} s; {ASKED_BYTES / 1e6:.0f} MB) {'ok' if met else 'short'}"
    )


if __name__ == "__main__":
    main()
