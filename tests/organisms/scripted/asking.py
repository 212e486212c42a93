"""Prompts of the shipped packs put to a scripted organism, without Inspect's loop."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, ModelOutput

from unmask.organisms.scripted.provider import OrganismAPI
from unmask.packs import load_pack, render
from unmask.queries import load_queries
from unmask.vocabulary import Arm, Compliance, Condition, PackSize

PACK = load_pack("helpful_only")
QUERIES = {
    Arm.HARMFUL: [query.text for query in load_queries("declined").queries],
    Arm.BENIGN: [query.text for query in load_queries("everyday").queries],
}


@dataclass(frozen=True)
class Truth:
    complied: bool
    partly: bool
    af: bool
    failure: str | None


def truth(output: ModelOutput) -> Truth:
    assert output.metadata is not None
    told = output.metadata["organism"]
    complied = told["compliance"] != Compliance.REFUSED
    return Truth(complied, told["compliance"] == Compliance.PARTLY, told["af"], told["failure"])


def ask(
    api: OrganismAPI,
    condition: Condition,
    calls: Iterable[tuple[int, int]],
    size: PackSize = PackSize.COMPACT,
):
    """Outputs to (number of the query, seed) under one condition; each query has one wording."""

    async def every() -> list[ModelOutput]:
        outputs = []
        for number, seed in calls:
            asked = QUERIES[condition.arm]
            prompt = render(PACK, condition, number % PACK.default_wordings, size=size)
            messages = [
                ChatMessageSystem(content=prompt.system),
                ChatMessageUser(content=prompt.user(asked[number % len(asked)])),
            ]
            outputs.append(await api.generate(messages, [], "none", GenerateConfig(seed=seed)))
        return outputs

    return asyncio.run(every())


def calls(n: int, *, queries: int = 60) -> list[tuple[int, int]]:
    return [(i % queries, i // queries) for i in range(n)]
