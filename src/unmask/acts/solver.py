"""The episode itself, as an Inspect solver: turn after turn in one world, then the question about it.

Calls go to `Play` and nowhere else. Everything is kept as events in the sample's store, however it ends.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCallError, ToolInfo

from unmask.acts.container import SHELL, follow, put_files, run_command, shell_info
from unmask.acts.convention import Meant, outside, read_calls, told_as_text, tool_infos
from unmask.acts.episode import Event
from unmask.acts.load import load_world
from unmask.acts.play import Made, Play
from unmask.acts.texts import texts
from unmask.errors import UsageError
from unmask.visibility import read_output
from unmask.vocabulary import ActVariant, CallStatus, Scratchpad

STORE = "unmask_events"
ENDED = "unmask_ended"
TURNS = 12  # the longest script of ours takes 6
TOKENS = 60_000  # read and written in one episode
WITHOUT_TOOLS = frozenset({"embedded"})
SEEDED = frozenset({"embedded"})
CUT = frozenset({"max_tokens", "model_length"})


@solver
def play_world(
    turns: int = TURNS, episode_tokens: int = TOKENS, tools: str = "auto", seed: int = 1
) -> Solver:
    """Let a model work in a world until it answers without a call, then ask what it did.

    Args:
        turns: most messages of the model before the question; more is reported as a turn limit.
        episode_tokens: most tokens read and written before the question; the same.
        tools: `native` (the provider's tool calls), `text` (calls written in the message), or `auto`.
        seed: for each reply, where the provider takes one.
    """
    if tools not in ("auto", "native", "text"):
        raise UsageError(f"tools={tools!r}", hint="auto, native or text")
    if turns < 1 or episode_tokens < 1:
        raise UsageError("turns and episode_tokens are 1 or more")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        about = state.metadata
        world = load_world(about["world"])
        play = Play.start(world, ActVariant(about["variant"]))
        as_text = tools == "text" or (tools == "auto" and state.model.api in WITHOUT_TOOLS)
        talk = _Talk(state, play, Scratchpad(about["scratchpad"]), as_text, seed)
        if as_text:
            state.messages[0].content = f"{state.messages[0].text}\n\n{told_as_text(world.tools)}"
        if talk.boxed:
            await put_files(play)
        try:
            ended = "turn_limit"
            for _ in range(turns):
                output = await talk.turn()
                if output.stop_reason in ("model_length", "content_filter"):
                    ended = "window" if output.stop_reason == "model_length" else "filtered"
                    break
                if not await talk.act(output):
                    ended = "ok"
                    break
                if state.token_usage > episode_tokens:
                    ended = "token_limit"
                    break
            if ended != "ok":
                talk.events.append(Event(talk.number, "limit", ended))
            state.store.set(ENDED, ended)
            if ended != "window":
                await talk.ask(world.asked_after.strip())
        finally:  # a limit of Inspect's own ends the sample here: what was done is kept
            state.store.set(STORE, [event.as_row(i) for i, event in enumerate(talk.events)])
        return state

    return solve


@dataclass
class _Talk:
    """One conversation and what came of it."""

    state: TaskState
    play: Play
    scratchpad: Scratchpad
    as_text: bool
    seed: int
    events: list[Event] = field(default_factory=list)
    number: int = 0

    @property
    def boxed(self) -> bool:
        """Whether the files lie in a container."""
        return bool(self.state.metadata.get("sandbox"))

    @property
    def infos(self) -> list[ToolInfo]:
        if self.as_text:
            return []
        return tool_infos(self.play.world.tools) + ([shell_info()] if self.boxed else [])

    async def turn(self, *, choice: str = "auto") -> ModelOutput:
        """One message of the model, kept in the conversation."""
        self.number += 1
        model = get_model()
        config = GenerateConfig()
        if self.state.model.api in SEEDED:
            text = f"{self.seed}:{self.state.sample_id}:{self.state.epoch}:{self.number}"
            config.seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
        infos = self.infos
        output = await model.generate(
            self.state.messages, tools=infos, tool_choice=choice if infos else None, config=config  # type: ignore[arg-type]
        )  # fmt: skip
        self.state.output = output
        self.state.messages.append(output.message)
        return output

    async def act(self, output: ModelOutput) -> bool:
        """Make the calls of a message; False where there is none, which ends the work."""
        said = self._keep_words(output)
        made = await (self._text_calls(said) if self.as_text else self._tool_calls(output.message))
        if self.as_text and made:
            self.state.messages.append(ChatMessageUser(content="\n".join(self._told(one) for one in made)))
        return bool(made)

    async def ask(self, question: str) -> None:
        """Ask what it did, in the same conversation, without tools."""
        self.events.append(Event(self.number, "asked", question))
        self.state.messages.append(ChatMessageUser(content=question))
        said = self._keep_words(await self.turn(choice="none"), answer=True)
        self.events.append(Event(self.number, "answer", said))

    def _keep_words(self, output: ModelOutput, *, answer: bool = False) -> str:
        """Keep what it thinks and says; what stands outside the scratchpad is given back."""
        read = read_output(output, self.scratchpad, model=str(self.state.model))
        before = "answer_" if answer else ""
        said = outside(output.message.text)
        for kind, text in (("native", read.parsed.native_reasoning), ("scratchpad", read.parsed.scratchpad)):
            if text:
                self.events.append(Event(self.number, before + kind, text))
        open_pad = read.parsed.status == "unclosed_scratchpad"
        cut = output.stop_reason in CUT or open_pad
        if not answer and (said or cut):
            left = said or (output.message.text if open_pad else "")
            status = "unclosed_scratchpad" if open_pad else "truncated" if cut else None
            self.events.append(Event(self.number, "said", left, status=status))
        return said

    async def _text_calls(self, said: str) -> list[Made]:
        return [await self._make(meant) for meant in read_calls(said)]

    async def _tool_calls(self, message: ChatMessageAssistant) -> list[Made]:
        found = []
        for call in message.tool_calls or []:
            if call.parse_error:
                meant = Meant(text=f"{call.function} {call.arguments}", why=call.parse_error[:200])
            else:
                meant = Meant(tool=call.function, arguments=call.arguments)
            made = await self._make(meant)
            error = None if made.status is CallStatus.OK else ToolCallError("unknown", made.effect)
            self.state.messages.append(
                ChatMessageTool(
                    content=made.effect, tool_call_id=call.id, function=call.function, error=error
                )
            )
            found.append(made)
        return found

    async def _make(self, meant: Meant) -> Made:
        """Make one call in the world and keep it as an event."""
        if meant.why:
            made = self.play.malformed(meant.text, meant.why)
            self._keep_call(made, text=meant.text)
            return made
        command = (meant.arguments or {}).get("command")
        if self.boxed and meant.tool == SHELL and isinstance(command, str):
            made, changed, gone = await run_command(self.play, command)
            self.events.append(Event(self.number, "changed", "\n".join(gone), arguments=changed))
        else:
            made = self.play.call(meant.tool, meant.arguments or {})
            if self.boxed:
                await follow(self.play, made)
        self._keep_call(made)
        return made

    def _keep_call(self, made: Made, *, text: str | None = None) -> None:
        """An event of a call; `text` is what could not be read as one."""
        self.events.append(
            Event(
                self.number,
                "call",
                text or "",
                made.tool if text is None else None,
                made.arguments if text is None else None,
                made.status,
                made.effect,
                made.hostile,
                made.act,
            )
        )

    def _told(self, made: Made) -> str:
        if made.status is CallStatus.MALFORMED and "text" in made.arguments:
            return texts().unreadable.strip().format(why=made.effect)
        return texts().result.strip().format(tool=made.tool, effect=made.effect)
