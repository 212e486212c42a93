"""Generated tokens per second of an audit of the embedded model over what the engine alone reaches.

Both sides use one engine: the same weights, threads and cache. The engine alone is asked the audit's
own requests, seeds included, in the same order, without Inspect, judges, logs or our provider. The
demo's first 20 samples: one prefix and its queries.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from inspect_ai.log import EvalLog
from inspect_ai.model import get_model

import unmask._registry  # noqa: F401  (registers embedded/)
from _study import audit_task, run, spent
from unmask.providers.embedded import EmbeddedAPI
from unmask.providers.engine import Engine

ASKED = 0.9
PAIRS = 5
SAMPLES = 20


def requests(log: EvalLog) -> list[dict[str, Any]]:
    """What the audit asked, in the engine's own terms."""
    sampling = log.plan.config
    return [
        {
            "messages": [{"role": m.role, "content": m.text} for m in sample.input if not isinstance(m, str)],
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": sample.metadata["seed"],
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
            "reasoning_format": "none",
        }
        for sample in log.samples or []
    ]


def alone(engine: Engine, asked: list[dict[str, Any]]) -> tuple[int, float]:
    """Tokens and seconds of the engine by itself, as many at a time as Inspect sends."""
    with engine.use() as server:
        begun = time.perf_counter()
        with ThreadPoolExecutor(engine.slots + 1) as pool:
            answers = list(pool.map(server.handle_chat_completions, asked))
        seconds = time.perf_counter() - begun
    return sum(answer["usage"]["completion_tokens"] for answer in answers), seconds


def audited(task: Any, model: Any) -> tuple[EvalLog, float]:
    begun = time.perf_counter()
    log = run(task, model)
    return log, time.perf_counter() - begun


def main() -> None:
    model = get_model("embedded/smollm2")
    assert isinstance(model.api, EmbeddedAPI)
    log, _ = audited(audit_task(first=SAMPLES), model)  # loads the engine, imports the judges
    asked, shares = requests(log), []
    for _ in range(PAIRS):
        log, seconds = audited(audit_task(first=SAMPLES), model)
        ours = spent(log).generated / seconds
        tokens, base_seconds = alone(model.api.engine, asked)
        shares.append(ours / (tokens / base_seconds))
        print(f"audit {ours:.1f} tokens/s, engine alone {tokens / base_seconds:.1f}, share {shares[-1]:.3f}")
    measured = statistics.median(shares)
    print(f"threads {model.api.engine.threads}, spread {min(shares):.3f} to {max(shares):.3f}")
    print(f"engine_share measured={measured:.3f} asked={ASKED} {'ok' if measured >= ASKED else 'short'}")


if __name__ == "__main__":
    main()
