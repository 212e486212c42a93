"""Several one-slot engines of one thread each, as one: every core writes a reply of its own.

Two threads in one engine wait for each other at every layer: two cores gave 59 and 60 tokens a second so, and
87 to 95 with an engine each (docs/embedded.md). A reply is the same to the bit whichever engine writes it.
Requests that begin alike go to the engine that has read the beginning already.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unmask.providers.adapters import Adapter
from unmask.providers.cores import threads_to_use
from unmask.providers.engine import CancelledReplyError, Completion, Engine

LOOK_SECONDS = 0.2  # how often a request that waits looks whether anybody still waits for it
Beginning = tuple[Adapter | None, str]


@dataclass(eq=False)
class _Waiting:
    """A request in line."""

    begins: Beginning
    engine: Engine | None = None


class Pool:
    """Use `shared()`. Engines are made at the first request, as many as `how_many` then says."""

    def __init__(self, make: Callable[[], Engine], how_many: Callable[[], int]) -> None:
        self._make, self._how_many = make, how_many
        self._engines: list[Engine] = []
        self._adapters: list[Adapter] = []
        self._idle: list[Engine] = []
        self._read: dict[Engine, Beginning] = {}  # what each engine read last
        self._line: list[_Waiting] = []
        self._turn = threading.Condition()
        self._closed = False

    def add(self, adapter: Adapter) -> None:
        """Have this adapter loaded when an engine next starts. Waits for nothing."""
        with self._turn:
            self._adapters.append(adapter)
            engines = list(self._engines)
        for engine in engines:
            engine.add(adapter)

    def chat(
        self,
        request: dict[str, Any],
        *,
        adapter: Adapter | None = None,
        cancelled: threading.Event | None = None,
    ) -> Completion:
        """One reply, by the engine that has read the most of its beginning; see `Engine.chat`."""
        with self._taken((adapter, repr(request["messages"][:-1])), cancelled) as engine:
            return engine.chat(request, adapter=adapter, cancelled=cancelled)

    def count(self, messages: list[dict[str, str]]) -> int:
        """Tokens of these messages as the model reads them, template included."""
        return self._first().count(messages)

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text, without template."""
        return self._first().tokenize(text)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """All of them; how many is settled at the first call."""
        with self._turn:
            self._made()
            return tuple(self._engines)

    @property
    def closed(self) -> bool:
        """Whether it was closed; it never opens again."""
        return self._closed

    def close(self) -> None:
        """Stop running replies, free the weights. Closing twice is nothing."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        for engine in self._engines:
            engine.close()

    def _first(self) -> Engine:
        return self.engines[0]

    def _made(self) -> None:
        """Called with the turn held."""
        if self._closed:
            raise CancelledReplyError("the engine was closed")
        if not self._engines:
            self._engines = [self._make() for _ in range(self._how_many())]
            self._idle = list(self._engines)
            for engine in self._engines:
                for adapter in self._adapters:
                    engine.add(adapter)

    @contextmanager
    def _taken(self, begins: Beginning, cancelled: threading.Event | None) -> Iterator[Engine]:
        """An engine of one's own for one reply; requests are served in their order but for what is read."""
        waiting = _Waiting(begins)
        with self._turn:
            self._made()
            self._line.append(waiting)
            self._serve()
            try:
                while waiting.engine is None:
                    self._turn.wait(LOOK_SECONDS)
                    if self._closed or (cancelled is not None and cancelled.is_set()):
                        raise CancelledReplyError("the reply was cancelled")
            except CancelledReplyError:
                self._leave(waiting)
                raise
        try:
            yield waiting.engine
        finally:
            with self._turn:
                self._leave(waiting)

    def _leave(self, waiting: _Waiting) -> None:
        """Called with the turn held: out of the line, and its engine for the next."""
        if waiting in self._line:
            self._line.remove(waiting)
        if waiting.engine is not None:
            self._idle.append(waiting.engine)
            self._serve()

    def _serve(self) -> None:
        """Give idle engines to requests in line; called with the turn held."""
        while self._idle and self._line:
            engine, waiting = self._match()
            self._idle.remove(engine)
            self._line.remove(waiting)
            self._read[engine] = waiting.begins
            waiting.engine = engine
        self._turn.notify_all()

    def _match(self) -> tuple[Engine, _Waiting]:
        """Who has read a request's beginning; else the first request that no other engine has read."""
        for waiting in self._line:
            for engine in self._idle:
                if self._read.get(engine) == waiting.begins:
                    return engine, waiting
        elsewhere = set(self._read.values())
        fresh = [waiting for waiting in self._line if waiting.begins not in elsewhere]
        return self._idle[0], (fresh or self._line)[0]


_pools: dict[tuple[Path, int], Pool] = {}
_many_slots: dict[tuple[Path, int, int], Engine] = {}
_lock = threading.Lock()


def shared(path: Path, *, slots: int, window: int) -> Pool | Engine:
    """What answers for this file, slots and window in this process. Loads nothing yet.

    With one slot an engine of one thread for each core that nobody uses when the first request comes; with
    more one engine, whose replies depend on their neighbours.
    """
    with _lock:
        if slots > 1:
            key = (path, slots, window)
            if key not in _many_slots or _many_slots[key].closed:
                _many_slots[key] = Engine(path, slots=slots, window=window)
            return _many_slots[key]
        if (path, window) not in _pools or _pools[path, window].closed:
            one = partial(Engine, path, slots=1, window=window, threads=1)
            _pools[path, window] = Pool(one, threads_to_use)
        return _pools[path, window]


@atexit.register
def close_all() -> None:
    """Close all that is shared; at exit this happens by itself."""
    with _lock:
        everything: list[Pool | Engine] = [*_pools.values(), *_many_slots.values()]
        _pools.clear()
        _many_slots.clear()
    for one in everything:
        one.close()
