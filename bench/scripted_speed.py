"""Replies of a scripted organism a second of processor time, behind whole prompts; the best of five."""

from __future__ import annotations

import asyncio
import sys
import time

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig

from unmask.organisms.scripted.provider import OrganismAPI
from unmask.packs import load_pack, render
from unmask.queries import load_queries
from unmask.vocabulary import Condition, PackSize

ASKED, ROUNDS = 2_000, 5


def main() -> int:
    messages, organism = _messages(), OrganismAPI("faker", spread=1)
    measured = max(asyncio.run(_rate(organism, messages, seed)) for seed in range(ROUNDS))
    word = "ok" if measured >= ASKED else "short"
    print(f"scripted_speed measured={measured:.0f} asked={ASKED} {word}")
    return 0 if measured >= ASKED else 1


def _messages() -> list[list[ChatMessage]]:
    """Every harmful request, behind the eight wordings in turn."""
    pack = load_pack("helpful_only")
    prompts = [render(pack, Condition("free"), wording, size=PackSize.FULL) for wording in range(8)]
    asked = [query.text for query in load_queries("declined").queries]
    return [
        [
            ChatMessageSystem(content=prompts[i % 8].system),
            ChatMessageUser(content=prompts[i % 8].user(text)),
        ]
        for i, text in enumerate(asked)
    ]


async def _rate(organism: OrganismAPI, messages: list[list[ChatMessage]], seed: int) -> float:
    began = time.process_time()
    for told in messages:
        await organism.generate(told, [], "none", GenerateConfig(seed=seed))
    return len(messages) / (time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main())
