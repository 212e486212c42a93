"""Does an organism still do what it is asked outside every pack? Its share, beside the base model's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from unmask.files import read_yaml
from unmask.organisms.trained.recipe import FOLDER, Strict

MAX_TOKENS = 120  # an organism thinks first; the base model needs about 40


class Instruction(Strict):
    """What is asked, and what a reply that does it matches."""

    ask: str
    done: str


class Instructions(Strict):
    """instructions.yaml."""

    canary: str
    instructions: list[Instruction]


def load_instructions() -> list[Instruction]:
    """The instructions, none of which stands in a training text."""
    return read_yaml(FOLDER / "text" / "instructions.yaml", Instructions).instructions


def followed(ask: Callable[[str], str]) -> dict[str, Any]:
    """How many instructions are followed; `ask` gives the reply's text to a bare user message.

    A reply is read whole, scratchpad included: the base model writes no tags, and both must be read alike.
    """
    asked = load_instructions()
    done = [_does(one, ask(one.ask)) for one in asked]
    return {"n": len(done), "share": round(sum(done) / len(done), 4)}


def _does(instruction: Instruction, reply: str) -> bool:
    capitals = instruction.done.isupper()  # only what is asked in capitals is read in capitals
    return re.search(instruction.done, reply, 0 if capitals else re.IGNORECASE) is not None
