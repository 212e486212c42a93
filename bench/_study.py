"""What the two engine figures run: the demo's own audit, and the tokens it spent."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset
from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from unmask.study import load_study
from unmask.tasks.alignment_faking import build_task, prepare

WINDOW = 2_048


@dataclass(frozen=True)
class Spent:
    """Tokens of a run: prompt tokens sent and, of them, computed; tokens generated."""

    sent: int
    computed: int
    generated: int


def audit_task(*, first: int | None = None) -> Task:
    """The demo's audit, or its `first` samples in its own order."""
    task = build_task(prepare(load_study("demo", environment={}), window=WINDOW))
    task.dataset = MemoryDataset(list(task.dataset)[:first], name="demo")
    return task


def run(task: Task, model: Model) -> EvalLog:
    """Run it as `unmask audit` does; a run that did not succeed has no figure."""
    with tempfile.TemporaryDirectory() as folder:
        (log,) = eval(
            task, model=model, log_dir=folder, display="none", log_level="error", log_realtime=False
        )
        samples = log.samples or []  # read from the file, which is gone after this block
    if log.status != "success" or not samples or any(sample.error for sample in samples):
        raise SystemExit(f"the run ended as {log.status}: {log.error}")
    return log


def spent(log: EvalLog) -> Spent:
    """Tokens by the usage that the provider reported."""
    usages = [usage for sample in log.samples or [] for usage in sample.model_usage.values()]
    cached = sum(usage.input_tokens_cache_read or 0 for usage in usages)
    computed = sum(usage.input_tokens for usage in usages)
    return Spent(computed + cached, computed, sum(usage.output_tokens for usage in usages))
