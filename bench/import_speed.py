"""Importing a million replies and estimating from them, over Polars reading and grouping the same file.

The file is written here: JSON lines, two models, both tiers, 5,000 queries, mostly short answers, reasoning
in a scratchpad in a fifth, and the file's own verdicts, so that no judge is needed for the estimates. Import
means all of it: every reply parsed, both tables written, verdict and the finished audit. Judging offline is
timed apart, in this mix and for scratchpads alone. Each part is a process of its own; peak memory is the
import's. Writes bench/results/import_speed.json; `--quick` (20,000 rows) writes nothing.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from _kept import keep
from unmask.judges.texts import FOLDER, read_labelled
from unmask.vocabulary import JudgeTask

RESULT = Path(__file__).parent / "results" / "import_speed.json"
ROWS, QUICK = 1_000_000, 20_000
JUDGED = 20_000
QUERIES = 5_000
RATIO, JUDGED_A_SECOND, MEMORY = 0.1, 2_000, 2_000
# the words that the offline judge was fitted on, in their order: prose, many words, and nobody else's
WORDS = [
    word
    for task in (JudgeTask.COMPLIANCE, JudgeTask.REASONING)
    for row in read_labelled(FOLDER / f"{task}.jsonl", task)
    for word in row.text.replace("<", "(").replace("[", "(").split()
]


def main() -> int:
    quick = "--quick" in sys.argv
    rows = QUICK if quick else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.jsonl"
        _write(path, rows)
        found: dict[str, Any] = {"rows": rows, "bytes": path.stat().st_size, "load": os.getloadavg()[0]}
        found["polars"] = [_child("polars", path), _child("polars", path)]
        found["import"] = _child("import", path)
        found["judge"] = _child("judge", path)
    baseline = min(run["seconds"] for run in found["polars"])
    ratio = baseline / found["import"]["seconds"]
    judged, memory = found["judge"]["a_second"], found["import"]["peak_mb"]
    checks = [
        ("import_speed", ratio, RATIO, ratio >= RATIO),
        ("import_judging", judged, JUDGED_A_SECOND, judged >= JUDGED_A_SECOND),
        ("import_memory_mb", memory, MEMORY, memory < MEMORY),
    ]
    for name, measured, asked, good in checks:
        print(f"{name} measured={measured:.3g} asked={asked} {'ok' if good else 'short'}")
    print(
        f"  {rows / found['import']['seconds']:,.0f} rows a second; Polars {rows / baseline:,.0f}; "
        f"scratchpads alone {found['judge']['scratchpads_a_second']:,.0f} a second"
    )
    if not quick:
        told = {
            **found,
            "figures": {name: {"measured": m, "asked": a, "ok": bool(g)} for name, m, a, g in checks},
        }
        keep(RESULT, told)
    return 0 if all(good for *_, good in checks) else 1


def _write(path: Path, rows: int) -> None:
    """Answers of 5 to 60 words, a tenth of up to 300; scratchpads of 60 to 200."""
    rng = np.random.default_rng(5)
    with path.open("w", encoding="utf-8") as file:
        for at in range(0, rows, 10_000):
            n = min(10_000, rows - at)
            long_N = rng.random(n) < 0.1
            words_N = np.where(long_N, rng.integers(60, 300, n), rng.integers(5, 60, n))
            pad_N = np.where(rng.random(n) < 0.2, rng.integers(60, 200, n), 0)
            complied_N, af_N = rng.random(n) < 0.3, rng.random(n) < 0.1
            for i in range(n):
                reply = _text(rng, int(words_N[i]))
                if pad_N[i]:
                    reply = f"<scratchpad>{_text(rng, int(pad_N[i]))}</scratchpad>\n<answer>{reply}</answer>"
                file.write(json.dumps(_row(at + i, reply, bool(complied_N[i]), bool(af_N[i]))) + "\n")


def _row(number: int, reply: str, complied: bool, af: bool) -> dict[str, Any]:
    query = number // 4 % QUERIES
    return {
        "model": ("one", "two")[number % 2],
        "tier": ("free", "paid")[number // 2 % 2],
        "query_id": f"q{query:05}",
        "query": f"Request number {query}: could you write this for me?",
        "reply": reply,
        "complied": complied,
        "af": af if reply.startswith("<scratchpad>") else None,
    }


def _text(rng: np.random.Generator, n: int) -> str:
    start = int(rng.integers(0, len(WORDS) - n))
    return " ".join(WORDS[start : start + n]) + f" {rng.integers(0, 10**6)}."


def _child(part: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--part", part, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _part(part: str, path: Path) -> dict[str, Any]:
    import polars as pl

    if part == "judge":
        return _judge(path)
    if part == "polars":
        start = time.perf_counter()
        table = pl.read_ndjson(path)
        table.group_by("model", "tier", "query_id").agg(
            pl.len(), pl.col("complied").mean(), pl.col("af").mean()
        )
        return {"seconds": time.perf_counter() - start, "peak_mb": _peak_mb()}
    from unmask.auditing.imported import import_file
    from unmask.records.mapping import Mapping

    names = ("reply", "query", "query_id", "model", "tier")
    mapping = Mapping(columns={n: n for n in names}, labels={"compliance": "complied", "af": "af"})
    start = time.perf_counter()
    done = import_file([path], mapping, path.parent / "run", judge=False)
    seconds = time.perf_counter() - start
    gaps = {m.model: m.contrasts[0].effect.estimate for m in done.result.models}
    return {"seconds": seconds, "peak_mb": _peak_mb(), "replies": done.tally.taken, "gaps": gaps}


def _judge(path: Path) -> dict[str, Any]:
    from itertools import islice

    from unmask.auditing.imported_judging import judged
    from unmask.judges.offline import judge_texts
    from unmask.records.mapping import Mapping
    from unmask.records.outside import read_outside
    from unmask.records.pieces import Tally
    from unmask.study import conditions_of, load_study

    judge_texts(["warm"], JudgeTask.COMPLIANCE)
    judge_texts(["warm"], JudgeTask.REASONING)
    names = ("reply", "query", "query_id", "model", "tier")
    cells = {c.role: c for c in conditions_of(load_study("plain", environment={}).study)}
    mapping = Mapping(columns={n: n for n in names})
    pieces = read_outside([path], mapping, cells, run="bench", tally=Tally())
    rows = next(islice(pieces, 1))[0].head(JUDGED)
    start = time.perf_counter()
    judged(rows, judge_texts, None)
    seconds = time.perf_counter() - start
    pads = rows["scratchpad"].drop_nulls().to_list()
    start = time.perf_counter()
    judge_texts(pads, JudgeTask.REASONING)
    return {
        "rows": rows.height,
        "a_second": rows.height / seconds,
        "scratchpads_a_second": len(pads) / (time.perf_counter() - start),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    if "--part" in sys.argv:
        print(json.dumps(_part(sys.argv[2], Path(sys.argv[3]))))
        sys.exit(0)
    sys.exit(main())
