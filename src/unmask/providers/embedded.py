"""The embedded model for Inspect: `embedded/smollm2`, `embedded/smollm2:NAME`, `embedded/PATH.gguf[:NAME]`.

Sampling is the model's own distribution unless told otherwise: temperature 1, no truncation, as with
the large providers (llama.cpp's defaults would be 0.8 and three truncations). A trailing assistant
message is continued, and the reply holds the new text only. `<think>` and the like stay in the text.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ContentText,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from unmask.errors import ModelError
from unmask.files import file_sha256
from unmask.providers.adapters import Adapter, find_adapter
from unmask.providers.engine import Completion, ContextFullError, Engine
from unmask.providers.model_file import model_header, model_path, split_name
from unmask.providers.pool import Pool, shared

DEFAULT_WINDOW = 2048
DEFAULT_SLOTS = 1
IN_LINE = 16
DEFAULT_MAX_TOKENS = 512  # a small model may never end by itself
ROLES = ("system", "user", "assistant")


class EmbeddedAPI(ModelAPI):
    """One model name and its adapter; the engine behind it is shared by all instances of the process.

    Args:
        model_name: without the `embedded/`.
        base_url: not used; Inspect hands it to every provider.
        api_key: not used.
        config: Inspect's; its adaptive connections are turned off here, since 20 requests at once
            would only wait in line for the slots.
        window: tokens that one call reads and writes (`-M window=4096`).
        slots: replies generated side by side (`-M slots=2`).
        unknown: refused, with the nearest known name.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        window: int | None = None,
        slots: int = DEFAULT_SLOTS,
        **unknown: Any,
    ) -> None:
        config = config if config is not None else GenerateConfig()
        if config.adaptive_connections is None:
            config.adaptive_connections = False
        super().__init__(model_name, base_url, api_key, [], config)
        _refuse_unknown(unknown)
        if slots < 1:
            raise ModelError(f"slots={slots}: at least one is needed", where=f"embedded/{model_name}")
        self.slots = slots
        self.path, self.window, self.adapter = _resolve(model_name, window)
        self.served = self.path.stem + (f":{self.adapter.name}" if self.adapter else "")
        self._limiter = anyio.CapacityLimiter(1_000)  # Inspect counts connections; this only must not be less
        if self.adapter is not None:
            self.engine.add(self.adapter)  # now, so that the engine starts with the adapters of all models

    @property
    def engine(self) -> Pool | Engine:
        """What answers for this file, number of slots and window in this process."""
        return shared(self.path, slots=self.slots, window=self.window)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """One reply. Cancelling stops the engine at its next token."""
        if tools:
            raise ModelError(f"embedded/{self.model_name} does not use tools")
        request = {"messages": _messages(input)} | _sampling(config)
        cancelled = threading.Event()
        call = partial(self.engine.chat, request, adapter=self.adapter, cancelled=cancelled)
        try:
            done = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=self._limiter)
        except ContextFullError as e:
            return _too_long(self.served, e)
        finally:
            cancelled.set()
        return _output(self.served, done, request)

    async def count_tokens(self, input: str | list[ChatMessage], config: GenerateConfig | None = None) -> int:
        """Exact, by the model's own tokenizer and template."""
        if isinstance(input, str):
            return await self.count_text_tokens(input)
        return await anyio.to_thread.run_sync(self.engine.count, _messages(input))

    async def count_text_tokens(self, text: str) -> int:
        """Exact, by the model's own tokenizer; plain text without template."""
        return len(await self.tokenize(text))

    async def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text."""
        return await anyio.to_thread.run_sync(self.engine.tokenize, text)

    def max_tokens(self) -> int:
        """Where nobody says how long a reply may be."""
        return DEFAULT_MAX_TOKENS

    def max_connections(self) -> int:
        """Enough in line that each engine finds a request which begins as its last one did."""
        return IN_LINE if self.slots == 1 else self.slots + 1

    def connection_key(self) -> str:
        """Names of one engine share its connections."""
        return f"{self.path}:{self.slots}:{self.window}"


def window(name: str, *, asked: int | None = None) -> int:
    """Tokens that one call of this model may read and write. Loads nothing.

    Args:
        name: with or without `embedded/`.
        asked: the window that the user wants; None for the default.

    Raises:
        ModelError: unknown model, or a window that the model was not trained for.
    """
    base, _ = split_name(name.removeprefix("embedded/"))
    trained = model_header(model_path(base)).context_length or DEFAULT_WINDOW
    if asked is None:
        return min(DEFAULT_WINDOW, trained)
    if not 1 <= asked <= trained:
        raise ModelError(
            f"window of {asked:,} tokens: {name} was trained for 1 to {trained:,}",
            hint=f"-M window={trained}",
        )
    return asked


def count_prompt_tokens(name: str, messages: Iterable[tuple[str, str]], *, asked: int | None = None) -> int:
    """Exact tokens of (role, text) messages as this model reads them, template included. Loads the engine.

    Raises:
        ModelError: unknown model.
        EngineError: the engine could not load.
    """
    path, tokens, _ = _resolve(name.removeprefix("embedded/"), asked)
    engine = shared(path, slots=DEFAULT_SLOTS, window=tokens)
    return engine.count([{"role": role, "content": text} for role, text in messages])


def adapter_sha256(name: str) -> str | None:
    """Hash of the file of the adapter in this name; None without one. Loads nothing.

    Raises:
        ModelError: unknown model or adapter.
    """
    _, _, adapter = _resolve(name.removeprefix("embedded/"), None)
    return file_sha256(adapter.path) if adapter else None


def _resolve(model_name: str, asked: int | None) -> tuple[Path, int, Adapter | None]:
    base, adapter_name = split_name(model_name)
    path = model_path(base)
    adapter = adapter_name and find_adapter(adapter_name, architecture=model_header(path).architecture)
    return path, window(base, asked=asked), adapter or None


def _refuse_unknown(unknown: dict[str, Any]) -> None:
    for name in unknown:
        near = difflib.get_close_matches(name, ["window", "slots"], n=1)
        raise ModelError(
            f"the embedded model has no argument {name!r}",
            hint=f"did you mean {near[0]}?" if near else "-M window=N and -M slots=N are there",
        )


def _messages(input: list[ChatMessage]) -> list[dict[str, str]]:
    for message in input:
        parts = [] if isinstance(message.content, str) else message.content
        if message.role not in ROLES or not all(isinstance(part, ContentText) for part in parts):
            raise ModelError("the embedded model reads text of system, user and assistant only")
    return [{"role": message.role, "content": message.text} for message in input]


def _sampling(config: GenerateConfig) -> dict[str, Any]:
    if (config.num_choices or 1) != 1:
        raise ModelError("the embedded model gives one choice a call", hint="use epochs for several replies")
    asked = {
        "seed": config.seed,
        "stop": config.stop_seqs,
        "frequency_penalty": config.frequency_penalty,
        "presence_penalty": config.presence_penalty,
        "logprobs": config.logprobs,
        "top_logprobs": config.top_logprobs,
    }
    return {
        "temperature": 1.0 if config.temperature is None else config.temperature,
        "top_p": 1.0 if config.top_p is None else config.top_p,
        "top_k": config.top_k or 0,
        "min_p": 0.0,
        "max_tokens": config.max_tokens or DEFAULT_MAX_TOKENS,
        "reasoning_format": "none",
    } | {name: value for name, value in asked.items() if value is not None}


def _output(served: str, done: Completion, request: dict[str, Any]) -> ModelOutput:
    reason: StopReason = "stop"
    if done.finish == "length":  # the reply's limit, or the window that was full before it
        reason = "max_tokens" if done.output_tokens >= request["max_tokens"] else "model_length"
    message = ChatMessageAssistant(content=done.text, model=served, source="generate")
    return ModelOutput(
        model=served,
        choices=[ChatCompletionChoice(message=message, stop_reason=reason, logprobs=_logprobs(done))],
        usage=ModelUsage(
            input_tokens=done.prompt_tokens - done.cached_tokens,
            input_tokens_cache_read=done.cached_tokens,
            output_tokens=done.output_tokens,
            total_tokens=done.prompt_tokens + done.output_tokens,
        ),
        metadata=dict(done.timings),
    )


def _logprobs(done: Completion) -> Logprobs | None:
    if not done.logprobs:
        return None
    return Logprobs(
        content=[
            Logprob(
                token=token["token"],
                logprob=token["logprob"],
                bytes=token["bytes"],
                top_logprobs=[TopLogprob.model_validate(top) for top in token["top_logprobs"]],
            )
            for token in done.logprobs
        ]
    )


def _too_long(served: str, error: ContextFullError) -> ModelOutput:
    """As Inspect's other providers do it: a reply that could not begin, not an exception."""
    output = ModelOutput.from_content(served, "", stop_reason="model_length", error=error.message)
    output.usage = ModelUsage()
    return output
