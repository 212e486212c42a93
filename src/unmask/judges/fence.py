"""Puts a transcript between marks that it cannot know, so that nothing in it can end the quotation."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

FENCED = re.compile(r"\A\[TEXT (\w+) BEGINS\]\n(.*)\n\[TEXT \1 ENDS\]", re.DOTALL)
NONCE_BYTES = 6  # 48 random bits, short enough that a small grader copies them without a slip


@dataclass(frozen=True)
class Fenced:
    """A transcript between its marks; a verdict must name the nonce to count."""

    nonce: str
    text: str


def fence(transcript: str) -> Fenced:
    """Fence a transcript with a fresh nonce that does not occur in it."""
    nonce = secrets.token_hex(NONCE_BYTES)
    while nonce in transcript:
        nonce = secrets.token_hex(NONCE_BYTES)
    return Fenced(nonce, f"[TEXT {nonce} BEGINS]\n{transcript}\n[TEXT {nonce} ENDS]")


def unfence(message: str) -> Fenced | None:
    """What a message begins with, out of its fence: the nonce, and the transcript as it was."""
    found = FENCED.match(message)
    return Fenced(found[1], found[2]) if found else None
