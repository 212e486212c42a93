"""What a run has spent, call by call, in memory and in a file beside its logs: a killed run forgets nothing.

Every model call that Inspect reports is a line of `spent.jsonl`, written as soon as it is known. Counted are
the models under study and the judges of their replies; not the scripted model of the instrument check.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from inspect_ai.hooks import Hooks, ModelUsageData, SampleEnd, hooks
from inspect_ai.hooks._startup import init_hooks
from inspect_ai.log import EvalSampleSummary, read_eval_log_sample_summaries
from inspect_ai.model import ModelUsage

from unmask.auditing.prices import Prices

LEDGER = "spent.jsonl"
NOT_OURS = "organism/"  # outside a stage of the audit: the scripted model of the instrument check

under_study: ContextVar[str] = ContextVar("model under study", default="")
"""The model whose sample is being asked or judged; empty in the instrument check."""
Sampled = tuple[str, str, int]  # model under study, id and epoch of a sample
being_asked: ContextVar[Sampled | None] = ContextVar("sample under way", default=None)
"""The sample that a call belongs to; set by the gate of `budget` in the sample's own task."""


class Spending:
    """Counts calls of one run. `known_cost` is False once a call had a model without a price."""

    def __init__(self, ledger: Path, prices: Prices, *, base_urls: Mapping[str, str | None]) -> None:
        self.ledger, self.prices, self.base_urls = ledger, prices, base_urls
        self.tokens = 0
        self.cost = 0.0
        self.known_cost = True
        self.by_study: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        self.largest: dict[tuple[str, str], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        self.calls: dict[tuple[str, str], int] = defaultdict(int)
        for model, under, usage in _read(ledger):
            self._count(model, under, usage)

    def add(self, model: str, usage: ModelUsage) -> tuple[int, float]:
        """One more call, to memory and file; its tokens and dollars."""
        under = under_study.get()
        if not under and model.startswith(NOT_OURS):
            return 0, 0.0
        amount = self._count(model, under, usage)
        line = json.dumps({"model": model, "under": under, "usage": usage.model_dump(exclude_none=True)})
        with suppress(OSError), self.ledger.open("a", encoding="utf-8") as file:
            file.write(line + "\n")  # on a full disk Inspect's own log ends the run, with what to do about it
        return amount

    def _count(self, model: str, under: str, usage: ModelUsage) -> tuple[int, float]:
        price = self.prices.of(model, base_url=self.base_urls.get(model))
        self.known_cost &= price is not None
        tokens, cost = tokens_of(usage), price.of(usage) if price else 0.0
        self.tokens += tokens
        self.cost += cost
        before = self.by_study[under]
        self.by_study[under] = (before[0] + tokens, before[1] + cost)
        most = self.largest[under, model]
        self.largest[under, model] = (max(most[0], tokens), max(most[1], cost))
        self.calls[under, model] += 1
        return tokens, cost


def tokens_of(usage: ModelUsage) -> int:
    """All tokens of a call: prompt, read from a cache or not, and reply."""
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return usage.input_tokens + cached + usage.output_tokens


def open_ledger(root: Path, logs: Path) -> Path:
    """The run's ledger; a run that has logs and no ledger gets one from its logs.

    Calls that were under way when a process was killed are in neither: at most one a connection.
    """
    ledger = root / LEDGER
    if not ledger.is_file() and any(logs.rglob("*.eval")):
        lines = [json.dumps(line) for line in _from_logs(logs)]
        ledger.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif ledger.is_file() and ledger.read_bytes()[-1:] not in (b"", b"\n"):
        with ledger.open("a", encoding="utf-8") as file:
            file.write("\n")  # a kill cut the last line: the next call must not be written onto it
    return ledger


def logged(logs: Path) -> Iterator[EvalSampleSummary]:
    """Every sample in the logs, each once, whatever was retried or copied."""
    seen: set[str] = set()
    for path in sorted(logs.rglob("*.eval")):
        try:
            samples = read_eval_log_sample_summaries(str(path))
        except Exception:  # noqa: BLE001 - records name a log that cannot be read; its calls are not known
            continue
        for sample in samples:
            if sample.uuid not in seen:
                seen.add(str(sample.uuid))
                yield sample


def _from_logs(logs: Path) -> Iterator[dict[str, Any]]:
    for sample in logged(logs):
        for model, usage in sample.model_usage.items():
            yield {"model": model, "under": "", "usage": usage.model_dump(exclude_none=True)}


def _read(ledger: Path) -> Iterator[tuple[str, str, ModelUsage]]:
    if not ledger.is_file():
        return
    for line in ledger.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            told = json.loads(line)
            found = str(told["model"]), str(told["under"]), ModelUsage.model_validate(told["usage"])
        except (ValueError, KeyError, TypeError):
            continue  # a kill can cut the last line; the call before it was counted whole
        yield found


class Watcher(Protocol):
    """Who wants to know of calls and of finished samples as they come."""

    def paid(self, sample: Sampled, tokens: float, cost: float) -> None: ...

    def end(self, sample: Sampled) -> None: ...


_current: list[tuple[Spending, Watcher]] = []


@contextmanager
def counting(spending: Spending, watcher: Watcher) -> Iterator[None]:
    """Count every call of this process for one run, and tell the watcher."""
    _register()
    _current[:] = [(spending, watcher)]
    try:
        yield
    finally:
        _current.clear()


@cache
def _register() -> None:
    """Late, as in `progress`: hooks that are there when Inspect starts are printed to stdout."""
    init_hooks()

    @hooks(name="unmask_spending", description="Counts tokens and money for unmask's budgets")
    class _Spending(Hooks):
        def enabled(self) -> bool:
            return bool(_current)

        async def on_model_usage(self, data: ModelUsageData) -> None:
            for spending, watcher in _current:
                amount = spending.add(data.model_name, data.usage)
                if (sample := being_asked.get()) is not None:
                    watcher.paid(sample, *amount)

        async def on_sample_end(self, data: SampleEnd) -> None:
            for _, watcher in _current:
                if (sample := being_asked.get()) is not None:
                    watcher.end(sample)
