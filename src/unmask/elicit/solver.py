"""Ask once and keep what comes. No retry for content, no judging, no repair of the format."""

from __future__ import annotations

import hashlib

from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolDef

from unmask.errors import ModelError

SEEDED_PROVIDERS = frozenset({"embedded", "organism"})
"""Providers that honour a seed for each reply; elsewhere a seed is refused, ignored, or breaks the call."""

PREFILLED_PROVIDERS = frozenset({"embedded", "organism", "sglang", "vllm"})
"""Providers that go on from the beginning of a reply; others refuse it, or take it for a whole message."""

WITHOUT_TOOLS = frozenset({"embedded", "organism"})
"""Providers that cannot call tools: there the model names one in its answer, in the form the prompt gives."""


@solver
def elicit(seed: int = 1) -> Solver:
    """One generation. Where the provider can, each reply has its own seed, so that epochs differ and repeat.

    Args:
        seed: the study's seed; the reply's follows from it, the sample and the epoch.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.metadata.get("tools") and state.model.api not in WITHOUT_TOOLS:
            state.tools = [offered(tool["name"], tool["does"]) for tool in state.metadata["tools"]]
            return await generate(state, tool_calls="none")
        if state.model.api in SEEDED_PROVIDERS:
            state.metadata["seed"] = reply_seed(seed, str(state.sample_id), state.epoch)
            return await generate(state, seed=state.metadata["seed"])
        return await generate(state)

    return solve


def refuse_prefill(model: str) -> None:
    """Tell before the first call that a model cannot be given the beginning of its reply.

    Raises:
        ModelError: not supported by its provider.
    """
    if model.split("/", 1)[0] not in PREFILLED_PROVIDERS:
        raise ModelError(
            f"not supported: {model} cannot be given the beginning of its reply (factor thought)",
            where="nothing was sent",
            hint=f"providers that can: {', '.join(sorted(PREFILLED_PROVIDERS))}; or leave `thought` out",
        )


def offered(name: str, does: str) -> Tool:
    """A tool that the model may call and that does nothing: which one it calls is the whole answer."""

    async def execute() -> str:
        return ""

    return ToolDef(execute, name=name, description=does, parameters={}).as_tool()


def reply_seed(seed: int, sample_id: str, epoch: int) -> int:
    """A seed of 31 bits for one reply."""
    return seed_of(f"{seed}:{sample_id}:{epoch}")


def seed_of(text: str) -> int:
    """31 bits that follow from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
