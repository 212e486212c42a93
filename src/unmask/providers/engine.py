"""One llama.cpp engine in this process.

Calls block and are made from threads. The engine loads at the first call. Adapters are all loaded at
scale 0 and chosen by each request, so the model and its organisms share one set of weights; one that
arrives later, or whose file has changed, costs a restart (0.5 s) once the running replies have ended.

With one slot a reply depends on its request alone, bit for bit, not on what is cached. Two things
would break that (docs/embedded.md has the measurements): flash attention, which is off, and the same
prompt twice in a row, whose last token llama.cpp computes by another path; see `_step_back`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unmask.errors import EngineError
from unmask.providers.adapters import Adapter
from unmask.providers.cores import threads_to_use

FLASH_ATTENTION_OFF = 0
SILENT = -1
COUNT_SECONDS = 60.0  # counting waits for the tokenizer only, never for a reply


@dataclass(frozen=True)
class Completion:
    """One reply. `prompt_tokens` includes `cached_tokens`; `finish` is `stop` or `length`."""

    text: str
    finish: str
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    timings: dict[str, float]
    logprobs: list[dict[str, Any]] = field(default_factory=list)


class ContextFullError(EngineError):
    """The prompt alone is longer than the window."""


class CancelledReplyError(EngineError):
    """Nobody waits for this reply any more."""


class Engine:
    """Use `pool.shared()`; make one yourself only to own its lifetime, as training does."""

    def __init__(self, path: Path, *, slots: int, window: int, threads: int | None = None) -> None:
        self.path, self.slots, self.window = path, slots, window
        self.threads = threads
        self._adapters: dict[Path, Adapter] = {}
        self._loaded: list[Adapter] = []
        self._server: Any = None
        self._answered = False  # whether this server has answered anything
        self._key = secrets.token_hex(16)
        self._turn = threading.Condition()
        self._one_at_a_time = threading.Semaphore(
            slots
        )  # so that with one slot "the last prompt" has a meaning
        self._last: Any = None
        self._running = 0
        self._changing = False
        self._closed = threading.Event()

    def add(self, adapter: Adapter) -> None:
        """Have this adapter loaded when the engine next starts. Waits for nothing."""
        self._adapters[adapter.path] = adapter

    def chat(
        self,
        request: dict[str, Any],
        *,
        adapter: Adapter | None = None,
        cancelled: threading.Event | None = None,
    ) -> Completion:
        """One reply to a request in OpenAI's chat format. Blocks; call it from a thread.

        Raises:
            ContextFullError: the prompt is longer than the window.
            CancelledReplyError: `cancelled` was set, or the engine was closed, before the reply ended.
            EngineError: the engine refused the request or could not start.
        """
        if adapter is not None:
            self.add(adapter)
        with self.use(adapter) as server, self._one_at_a_time:
            scales = [{"id": i, "scale": float(a == adapter)} for i, a in enumerate(self._loaded)]
            sent = request | {"stream": True, "stream_options": {"include_usage": True}}
            sent |= {"lora": scales} if scales else {}
            stop = self._stopper(cancelled)
            again = self._step_back(server, sent, stop)
            done = _collect(server, sent, stop)
            self._answered = True
            return replace(done, cached_tokens=max(0, done.cached_tokens - again))

    def count(self, messages: list[dict[str, str]]) -> int:
        """Tokens of these messages as the model reads them, template included."""
        with self.use() as server:
            prompt = self._post(server, "/apply-template", {"messages": messages})["prompt"]
            return len(self._post(server, "/tokenize", _as_prompt(prompt))["tokens"])

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text, without template."""
        with self.use() as server:
            return [int(token) for token in self._post(server, "/tokenize", {"content": text})["tokens"]]

    @property
    def closed(self) -> bool:
        """Whether it was closed; it never opens again."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop running replies, free the weights. Closing twice is nothing."""
        self._closed.set()
        with self._turn:
            self._turn.wait_for(lambda: not self._running and not self._changing)
            self._let_go()

    def _let_go(self) -> None:
        """Free the weights; called with the turn held and nothing running.

        llama.cpp loses a stop that comes before its loop has begun, and then waits for ever: seen on a busy
        machine where tokens had been counted, which needs no loop, and nothing was asked. A token asked for
        and answered shows that the loop is up.
        """
        if self._server is not None and not self._answered:
            hello = [{"role": "user", "content": "."}]
            self._server.handle_chat_completions({"messages": hello, "max_tokens": 1})
        self._server, self._answered = None, False

    @contextmanager
    def use(self, adapter: Adapter | None = None) -> Iterator[Any]:
        """The llama.cpp server, started and with this adapter loaded; it stays up while in use."""
        with self._turn:
            while self._changing or not self._ready(adapter):
                if self._closed.is_set():
                    break
                if self._changing:
                    self._turn.wait()
                else:
                    self._restart()
            if self._closed.is_set():
                raise CancelledReplyError("the engine was closed")
            self._running += 1
            server = self._server
        try:
            yield server
        finally:
            with self._turn:
                self._running -= 1
                self._turn.notify_all()

    def _ready(self, adapter: Adapter | None) -> bool:
        return self._server is not None and (adapter is None or adapter in self._loaded)

    def _restart(self) -> None:
        """Called with the turn held; gives it up while running replies end, but lets no new one in."""
        self._changing = True
        try:
            self._turn.wait_for(lambda: not self._running)
            self._let_go()  # before the new weights are read
            self._loaded, self._last = list(self._adapters.values()), None
            if not self._closed.is_set():
                self._server = self._start()
        finally:
            self._changing = False
            self._turn.notify_all()

    def _start(self) -> Any:
        try:
            import xllamacpp
        except ImportError as e:
            raise EngineError(
                "the embedded engine is not installed", hint="pip install 'unmask[embedded]'"
            ) from e
        if self.threads is None:
            self.threads = threads_to_use()
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx, params.n_parallel = self.window * self.slots, self.slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self.threads
        params.flash_attn_type = FLASH_ATTENTION_OFF
        params.cache_ram_mib = 0  # up to 8 GB by default, and nothing shows that it keeps adapters apart
        params.fit_params = False
        params.verbosity = SILENT
        params.api_keys = [self._key]  # its port on loopback is open to all users of the machine
        params.n_threads_http, params.ui, params.endpoint_slots = 1, False, False
        params.lora_adapters = [_lora(xllamacpp, adapter) for adapter in self._loaded]
        try:
            return xllamacpp.Server(params)
        except RuntimeError as e:
            names = ", ".join(a.name for a in self._loaded) or "none"
            raise EngineError(
                f"the engine could not load {self.path.name}: {e}",
                where=f"{self.path}, window {self.window}, slots {self.slots}, adapters {names}",
                hint="is there memory left? does this llama.cpp know the model's architecture?",
            ) from e

    def _post(self, server: Any, route: str, body: dict[str, Any]) -> dict[str, Any]:
        address = urlsplit(server.listening_address)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=COUNT_SECONDS)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
            connection.request("POST", route, json.dumps(body), headers)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as e:
            raise EngineError(f"the engine did not count tokens: {e}") from e
        finally:
            connection.close()
        if "error" in answer:
            raise EngineError(f"the engine did not count tokens: {answer['error'].get('message')}")
        return answer

    def _step_back(self, server: Any, sent: dict[str, Any], stop: Any) -> int:
        """Make the cache forget the end of a prompt that is asked again at once; tokens that this took.

        llama.cpp would compute its last token alone, by other kernels than within a batch: 30 of 77
        such replies differed from the first. After a prompt with another ending it computes some tokens.
        """
        told = sent["messages"][:-1] if sent["messages"][-1]["role"] == "assistant" else sent["messages"]
        prompt = (told, sent.get("lora"))
        same, self._last = prompt == self._last, prompt
        if self.slots > 1 or not same or not told:
            return 0
        other = [*told[:-1], told[-1] | {"content": told[-1]["content"] + " ."}]
        done = _collect(server, sent | {"messages": other, "max_tokens": 1, "seed": 0}, stop)
        return done.prompt_tokens - done.cached_tokens

    def _stopper(self, cancelled: threading.Event | None) -> Any:
        return lambda: self._closed.is_set() or (cancelled is not None and cancelled.is_set())


def _lora(xllamacpp: Any, adapter: Adapter) -> Any:
    info = xllamacpp.CommonAdapterLoraInfo()
    info.path, info.scale = str(adapter.path), 0.0
    return info


def _as_prompt(text: str) -> dict[str, Any]:
    return {"content": text, "add_special": True, "parse_special": True}


def _collect(server: Any, request: dict[str, Any], stop: Any) -> Completion:
    """Stream one reply to its end, so that it can be left at any token."""
    if stop():
        raise CancelledReplyError("the reply was cancelled")
    chunks: list[dict[str, Any]] = []

    def keep(chunk: dict[str, Any]) -> bool:
        chunks.append(chunk)
        return bool(stop())

    server.handle_chat_completions(request, keep)
    if chunks and "error" in chunks[-1]:
        error = chunks[-1]["error"]
        kind = ContextFullError if error.get("type") == "exceed_context_size_error" else EngineError
        raise kind(f"the engine refused: {error.get('message', error)}")
    if not chunks or "usage" not in chunks[-1]:
        raise CancelledReplyError("the reply was cancelled")
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    usage, timings = chunks[-1]["usage"], chunks[-1]["timings"]
    return Completion(
        text="".join(choice["delta"].get("content") or "" for choice in choices),
        finish=str(choices[-1]["finish_reason"]),
        prompt_tokens=int(usage["prompt_tokens"]),
        cached_tokens=int(timings["cache_n"]),
        output_tokens=int(usage["completion_tokens"]),
        timings={name: float(timings[name]) for name in ("prompt_ms", "predicted_ms")},
        logprobs=[token for c in choices for token in (c.get("logprobs") or {}).get("content") or []],
    )
