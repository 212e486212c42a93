"""How far a run is: a bar on a terminal, a line a minute elsewhere. Counts replies, never shows them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from functools import cache
from typing import Any, TextIO

from inspect_ai.hooks import Hooks, SampleEnd, hooks
from inspect_ai.hooks._startup import init_hooks

LINE_EVERY = 60.0  # seconds between lines in a log file
BAR_EVERY = 0.2


class Progress:
    """Counts replies of one run and says so on `stream`."""

    def __init__(self, total: int, *, stream: TextIO | None = None, done: int = 0) -> None:
        self.total, self.done, self.before = total, done, done
        self.stream = sys.stderr if stream is None else stream
        self.started = time.monotonic()
        self.shown = 0.0 if self.stream.isatty() else self.started
        self.tokens = 0
        self.stops: Counter[str] = Counter()

    def count(self, sample: Any) -> None:
        """One more reply."""
        self.done += 1
        output = sample.output
        self.tokens += output.usage.output_tokens if output and output.usage else 0
        if sample.error is not None:
            self.stops["failed"] += 1
        elif output and output.choices and output.choices[0].stop_reason in ("max_tokens", "model_length"):
            self.stops["cut off"] += 1
        every = BAR_EVERY if self.stream.isatty() else LINE_EVERY
        if time.monotonic() - self.shown >= every:
            self._show()

    def line(self) -> str:
        """`120 of 320 replies, 3.2/s, 1 min 02 s left, 4 cut off`."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        rate = (self.done - self.before) / seconds
        left = (self.total - self.done) / rate if rate > 0 else float("nan")
        parts = [f"{self.done:,} of {self.total:,} replies"]
        if rate > 0:
            parts += [f"{rate:.1f}/s", f"{self.tokens / seconds:.0f} tokens/s"]
        if self.done < self.total and left == left:
            parts.append(f"{int(left // 60)} min {int(left % 60):02d} s left")
        parts += [f"{n} {word}" for word, n in self.stops.items()]
        return ", ".join(parts)

    def _show(self) -> None:
        self.shown = time.monotonic()
        end = "" if self.stream.isatty() else "\n"
        start = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{start}{self.line()}{end}")
        self.stream.flush()

    def close(self) -> None:
        """The last line stays."""
        self._show()
        if self.stream.isatty():
            self.stream.write("\n")


_current: list[Progress] = []


def watch(progress: Progress | None) -> None:
    """Make `progress` the one that counts, or none."""
    _current[:] = [] if progress is None else [progress]
    _register()


@cache
def _register() -> None:
    """Hang the counter into Inspect, late: hooks that are there when Inspect starts are printed to stdout."""
    init_hooks()

    @hooks(name="unmask_progress", description="Counts replies for unmask's own progress line")
    class _Counting(Hooks):
        def enabled(self) -> bool:
            return bool(_current)

        async def on_sample_end(self, data: SampleEnd) -> None:
            for progress in _current:
                progress.count(data.sample)
