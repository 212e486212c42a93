"""`unmask plan` on a study of 100,000 calls, in process after imports: under 1 s.

The study is `full` (20 cells, all controls) on the 240 built-in queries with as many replies as make 100,000
calls, planned for one model as the verb does it: checks, costs, powers by formula, controls, cheapest design,
and the text. One process for each of five times, so that nothing of an earlier plan is remembered; only
imports are done before. Beside it, and not asked: the same for `openai/gpt-4o`, for which Inspect first reads
its list of models; and a user's file of 12,500 queries with one reply each in `story`'s cells, where reading
the file takes most of the time.

    python bench/plan_time.py [--quick]
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.files import write_atomic

RESULT = Path(__file__).parent / "results" / "plan_time.json"
ASKED, CALLS, TIMES = 1.0, 100_000, 5
LARGE = 12_500


def once(model: str, study: str, flags: dict[str, Any]) -> tuple[float, float, int]:
    """Wall and CPU seconds of one plan in this process, after imports, and its calls."""
    import unmask.cli.plan  # noqa: F401

    if model.startswith("openai/"):
        import openai  # noqa: F401
    from unmask.auditing.planning import forecast
    from unmask.report.plan_text import plan_text

    start, cpu = time.perf_counter(), time.process_time()
    found = forecast([model], study=study, flags=flags)
    plan_text(found)
    return time.perf_counter() - start, time.process_time() - cpu, found.calls


def apart(model: str, study: str, flags: dict[str, Any], times: int) -> dict[str, Any]:
    """Each time in a process of its own."""
    found = []
    for _ in range(times):
        asked = json.dumps([model, study, flags])
        out = subprocess.run(
            [sys.executable, __file__, "--once", asked], capture_output=True, text=True, check=True
        ).stdout
        found.append(json.loads(out))
    return {
        "seconds": round(statistics.median(s for s, _, _ in found), 3),
        "worst": round(max(s for s, _, _ in found), 3),
        "cpu_seconds": round(statistics.median(c for _, c, _ in found), 3),
        "calls": found[0][2],
    }


def large_set(folder: Path) -> Path:
    """A file of harmless stand-ins: only their number and length matter here."""
    lines = [
        {
            "id": f"q{i}",
            "text": f"Please tell me number {i} of the things that I may ask about.",
            "severity": 1,
        }
        for i in range(LARGE)
    ]
    path = folder / "large.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def main() -> None:
    if "--once" in sys.argv:
        print(json.dumps(once(*json.loads(sys.argv[2]))))
        return
    times = 1 if "--quick" in sys.argv else TIMES
    epochs = -(-CALLS // (240 * 16 + 120 * 4))
    flags: dict[str, Any] = {"n_queries": 240, "epochs": epochs}
    whole = apart("organism/faker", "full", flags, times)
    print(f"full, 240 queries × {epochs} replies: {whole}")
    os.environ.setdefault("OPENAI_API_KEY", "not-a-key")  # nothing is sent
    paid = apart("openai/gpt-4o", "full", flags, times)
    print(f"the same for openai/gpt-4o: {paid}")
    with tempfile.TemporaryDirectory() as name:
        flags = {"n_queries": LARGE, "epochs": 1, "queries": str(large_set(Path(name)))}
        beside = apart("organism/faker", "story", flags, times)
    print(f"story, {LARGE:,} queries of a file × 1 reply: {beside}")
    met = whole["seconds"] < ASKED and whole["calls"] >= CALLS
    load = os.getloadavg()[0]
    print(
        f"plan_time measured={whole['seconds']:.2f} (CPU {whole['cpu_seconds']:.2f} s, load {load:.1f}) "
        f"asked=<{ASKED} {'ok' if met else 'short'}"
    )
    if "--quick" not in sys.argv:
        body = {
            "figure": "plan_time", "measured": whole["seconds"], "asked": ASKED, "met": met, "full": whole,
            "openai": paid,
            "large_file": beside, "load": round(load, 1), "machine": platform.machine(),
            "cores": os.cpu_count(), "python": platform.python_version(),
            "date": datetime.now(UTC).date().isoformat(),
        }  # fmt: skip
        write_atomic(RESULT, json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
