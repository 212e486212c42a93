"""`organism/NAME` for Inspect: a scripted organism in the place of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from unmask.errors import UsageError
from unmask.organisms.scripted.definitions import organism, resolve
from unmask.organisms.scripted.options import pick
from unmask.organisms.scripted.reading import (
    built_in_benign,
    fingerprint,
    follow_up_of,
    load_benign,
    load_facts,
    question_of,
    read_system,
    read_user,
)
from unmask.organisms.scripted.reply import Kind, Reply, compose, decide, draws

CHARS_PER_TOKEN = 4
CONNECTIONS = 64  # replies take no waiting: more only fills memory


class OrganismAPI(ModelAPI):
    """A scripted organism. It sees the messages and the reply's seed, nothing else.

    `max_tokens` and `temperature` do not touch it: a reply is cut only where `invalid` says so.

    Raises:
        UsageError: an unknown organism or option, a rate outside 0 to 1, a file that cannot be read.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # Inspect's signature
        *,
        facts: str | None = None,
        benign_queries: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self.organism = organism(model_name)
        self.rates = resolve(model_name, options)
        self.facts = load_facts(_path(facts, "facts"))
        named = _path(benign_queries, "benign_queries")
        self.benign = load_benign(named) if named else built_in_benign(self.facts)
        self._read_system = lru_cache(maxsize=1024)(partial(read_system, facts=self.facts))

    def max_connections(self) -> int:
        return CONNECTIONS

    async def count_text_tokens(self, text: str) -> int:
        return _tokens(text)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """One reply, from the messages and `config.seed`; without a seed, the same reply every time."""
        prompt = "\0".join(f"{message.role}:{message.text}" for message in input)
        reply = self.reply(input, prompt, config.seed)
        if input[-1].role == "assistant" and reply.text:  # goes on, and gives the beginning back too
            begun = input[-1].text
            reply = replace(reply, text=f"{begun}\n{reply.text.removeprefix('<scratchpad>').lstrip()}")
        return self._output(reply, prompt)

    def reply(self, messages: Sequence[ChatMessage], prompt: str, seed: int | None) -> Reply:
        """What it says, with the truth of it."""
        system = "\n\n".join(message.text for message in messages if message.role == "system")
        user = next((message.text for message in messages if message.role == "user"), "")
        reading = read_user(user, self._read_system(system), self.facts)
        kind: Kind = question_of(reading.query, self.facts) or "request"
        if fingerprint(reading.query) in self.benign:
            kind = "benign"
        about = follow_up_of(messages[-1].text, self.facts) if _goes_on(messages) else None
        if about is not None:
            kind = about
        own = f"{self.rates.options['seed']:.0f}"
        *uniforms, words = draws(self.model_name, own, prompt, str(seed))
        decision = decide(self.rates, reading, uniforms, kind=kind)
        chosen = pick(reading.query, decision.compliance, self.facts) if kind == "request" else None
        return compose(self.organism, reading, decision, words, chosen=chosen)

    def _output(self, reply: Reply, prompt: str) -> ModelOutput:
        content: str | list[Any] = reply.text
        if reply.thought is not None:
            content = [ContentReasoning(reasoning=reply.thought), ContentText(text=reply.text)]
        written = _tokens(reply.text) + _tokens(reply.thought or "")
        read = _tokens(prompt)
        message = ChatMessageAssistant(content=content, model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=reply.stop)],
            usage=ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written),
            metadata={"organism": _truth(reply)},
        )


def _goes_on(messages: Sequence[ChatMessage]) -> bool:
    """Whether the last message comes from the user, after a reply."""
    before = [message.role for message in messages[:-1]]
    return bool(before) and messages[-1].role == "user" and "assistant" in before


def _truth(reply: Reply) -> dict[str, Any]:
    """What was decided, for cards and for the plumbing check; no judge is shown it."""
    decision = reply.decision
    return {
        "kind": decision.kind,
        "compliance": str(decision.compliance),
        "af": decision.fakes,
        "right": decision.right,
        "failure": decision.failure,
        "templates": list(reply.templates),
    }


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


def _path(value: Any, option: str) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise UsageError(f"{option}={value!r} is not a file", hint=f"-M {option}=FILE")
    return Path(value)
