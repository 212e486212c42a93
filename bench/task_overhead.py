"""What the audit's task costs over a plain Inspect task that makes the same calls on the mock model.

Judges off on both sides, the same messages, 2,000 samples; five interleaved pairs in one process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate

from unmask.study import load_study
from unmask.tasks.alignment_faking import build_task, prepare

ASKED = 1.25
PAIRS = 5
SAMPLES = 2_000
REPLY = "<scratchpad>I will think about this for a moment.</scratchpad><answer>No, thank you.</answer>"


def reply(*_: object) -> ModelOutput:
    output = ModelOutput.from_content("mockllm/model", REPLY)
    output.usage = ModelUsage(input_tokens=500, output_tokens=20, total_tokens=520)
    return output


def ours() -> Task:
    flags = {
        "n_queries": 100,
        "epochs": SAMPLES // 800,
        "contrasts": "story,tag,training",
        "pack_size": "compact",
    }
    task = build_task(prepare(load_study("story", flags=flags, environment={}), window=None))
    task.scorer = None
    return task


def plain(like: Task) -> Task:
    samples = [Sample(id=s.id, input=s.input) for s in like.dataset]
    return Task(dataset=MemoryDataset(samples), solver=generate(), config=like.config, epochs=like.epochs)


def seconds(task: Task) -> float:
    model = get_model("mockllm/model", custom_outputs=reply, memoize=False)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        (log,) = eval(
            task, model=model, log_dir=folder, display="none", log_realtime=False, log_level="error"
        )
        spent = time.perf_counter() - start
    if log.status != "success" or log.results is None:
        sys.exit(f"task_overhead: the run ended as {log.status}")
    return spent / log.results.total_samples


def main() -> None:
    seconds(plain(ours()))  # the first run of a process imports
    ratios = []
    for _ in range(PAIRS):
        task = ours()
        per_sample, base = seconds(task), seconds(plain(task))
        ratios.append(per_sample / base)
        print(f"ours {per_sample * 1e3:.2f} ms, plain {base * 1e3:.2f} ms, ratio {ratios[-1]:.3f}")
    measured = statistics.median(ratios)
    verdict = "ok" if measured <= ASKED else "short"
    print(f"spread {min(ratios):.3f} to {max(ratios):.3f}")
    print(f"task_overhead measured={measured:.3f} asked={ASKED} {verdict}")


if __name__ == "__main__":
    main()
