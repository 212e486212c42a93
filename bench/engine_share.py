"""Generated tokens per second of an audit of the embedded model over what the engine alone reaches.

Both sides use one engine: the same weights, threads and cache. The engine alone is asked the audit's
own requests, seeds included, in the same order, without Inspect, judges, logs or our provider. The
demo's first 20 samples: one prefix and its queries.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from inspect_ai.log import EvalLog
from inspect_ai.model import get_model

import unmask._registry  # noqa: F401  (registers embedded/)
from _study import audit_task, run, spent
from unmask.providers.embedded import EmbeddedAPI
from unmask.providers.engine import Engine
from unmask.providers.pool import Pool

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


@dataclass(frozen=True)
class Speed:
    """Tokens generated, in how much time by the clock and by the processor (all threads)."""

    tokens: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds

    @property
    def cpu_rate(self) -> float:
        return self.tokens / self.cpu_seconds


def timed(tokens_of: Callable[[], int]) -> Speed:
    begun, cpu = time.perf_counter(), time.process_time()
    tokens = tokens_of()
    return Speed(tokens, time.perf_counter() - begun, time.process_time() - cpu)


def alone(engines: Sequence[Engine], asked: list[dict[str, Any]]) -> int:
    """Tokens of the engines by themselves, each with an equal part of the requests, two at a time."""
    n = len(engines)
    parts = [asked[len(asked) * i // n : len(asked) * (i + 1) // n] for i in range(n)]
    with ThreadPoolExecutor(n) as pool:
        return sum(pool.map(_alone, engines, parts))


def _alone(engine: Engine, asked: list[dict[str, Any]]) -> int:
    with engine.use() as server, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(server.handle_chat_completions, asked))
    return sum(answer["usage"]["completion_tokens"] for answer in answers)


def main() -> None:
    model = get_model("embedded/smollm2")
    api = model.api
    assert isinstance(api, EmbeddedAPI)
    asked = requests(run(audit_task(first=SAMPLES), model))  # loads the engine, imports the judges
    assert isinstance(api.engine, Pool)
    engines = api.engine.engines
    shares, cpu_shares = [], []
    for _ in range(PAIRS):
        ours = timed(lambda: spent(run(audit_task(first=SAMPLES), model)).generated)
        base = timed(lambda: alone(engines, asked))
        shares.append(ours.rate / base.rate)
        cpu_shares.append(ours.cpu_rate / base.cpu_rate)
        pair = f"audit {ours.tokens} tokens, {ours.rate:.1f}/s; alone {base.tokens}, {base.rate:.1f}/s"
        print(f"{pair}; share {shares[-1]:.3f}", flush=True)
    measured = statistics.median(shares)
    print(f"by processor time instead of the clock {statistics.median(cpu_shares):.3f}")
    print(f"engines {len(engines)}, spread {min(shares):.3f} to {max(shares):.3f}")
    print(f"engine_share measured={measured:.3f} asked={ASKED} {'ok' if measured >= ASKED else 'short'}")


if __name__ == "__main__":
    main()
