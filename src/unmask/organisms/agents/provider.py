"""`agent/NAME` for Inspect: a scripted agent in the place of a model. It sees the messages, nothing else."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolCall, ToolChoice, ToolInfo

from unmask.acts.world import Call
from unmask.errors import UsageError
from unmask.organisms.agents.scripts import (
    Scene,
    agent,
    agents,
    calls_of,
    choice_of,
    says_when_asked,
    scene_of,
    situation_of,
    thought_of,
)

CONNECTIONS = 64
CHARS_PER_TOKEN = 4
LETTER = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)


class AgentAPI(ModelAPI):
    """A scripted agent.

    Raises:
        UsageError: an unknown agent or option.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # Inspect's signature
        *,
        when: str = "motive",
        **unknown: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        agent(model_name)
        if unknown or when not in ("motive", "always"):
            raise UsageError("an agent takes one option: when=motive or when=always", where=model_name)
        self.when: Any = when
        self._scene = lru_cache(maxsize=4096)(scene_of)

    def max_connections(self) -> int:
        return CONNECTIONS

    async def count_text_tokens(self, text: str) -> int:
        return _tokens(text)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """The next step of its script, from the messages so far."""
        system = next((m.text for m in input if m.role == "system"), "")
        user = next((m.text for m in input if m.role == "user"), "")
        scene = self._scene(system, user)
        if scene is not None:
            text, call = self._step(scene, input)
        else:
            text, call = self._elsewhere(system, user), None
        calls = None
        if call is not None and tools:
            calls = [ToolCall(id=f"call_{len(input)}", function=call.tool, arguments=dict(call.arguments))]
        elif call is not None:
            text += "\n<call>" + json.dumps({"tool": call.tool, "with": call.arguments}) + "</call>"
        return self._output(text, calls, sum(len(m.text) for m in input))

    def _step(self, scene: Scene, messages: list[ChatMessage]) -> tuple[str, Call | None]:
        own = agents().speaks[agent(self.model_name).speaks]
        if messages[-1].role == "user" and messages[-1].text.strip() == scene.world.asked_after.strip():
            return says_when_asked(self.model_name, scene, when=self.when), None
        step = sum(message.role == "assistant" for message in messages)
        script = calls_of(self.model_name, scene, when=self.when)
        thought = thought_of(self.model_name, scene, when=self.when)
        pad = f"<scratchpad>{thought}</scratchpad>\n" if "<scratchpad>" in messages[0].text else ""
        if step < len(script):
            return pad.strip(), script[step]
        return pad + own.last, None

    def _elsewhere(self, system: str, user: str) -> str:
        found = situation_of(system)
        if found is None:
            return agents().elsewhere.strip()
        situation, condition = found
        twin = situation.twin.asked.strip() in user
        chosen = choice_of(self.model_name, situation, condition, twin=twin, when=self.when)
        if situation.control.asked.strip() in user:
            chosen = situation.control.right
        option = _option(user, situation.choices[chosen])
        return f"<scratchpad>I choose.</scratchpad>\n<answer>{option}</answer>"

    def _output(self, text: str, calls: list[ToolCall] | None, read: int) -> ModelOutput:
        message = ChatMessageAssistant(
            content=text, tool_calls=calls, model=self.model_name, source="generate"
        )
        read, written = read // CHARS_PER_TOKEN, _tokens(text)
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason="tool_calls" if calls else "stop")],
            usage=ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written),
        )


def _option(user: str, text: str) -> str:
    """The letter of an option where letters are offered, else its words."""
    wanted = " ".join(text.split())
    return next((m[1] for m in LETTER.finditer(user) if " ".join(m[2].split()) == wanted), wanted)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)
