"""Text of unknown origin, made safe to look at: what would hide, reorder or steer is shown instead.

HTML escaping is the template's business; this is about characters that act without any markup. Used for
the page, the tables and the terminal alike, so that an escape sequence never reaches any of them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NAMES = {"\x1b": "ESC", "\x00": "NUL", "\x07": "BEL", "\x08": "BS", "\x7f": "DEL"}
# Controls but tab and newline; bidi marks, embeddings and isolates; invisible and tag characters; lone
# surrogates; private use is left alone. Joiners (U+200C, U+200D) stay: Persian and emoji need them.
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
STACKED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def visible(text: str) -> str:
    """The text with acting characters written out, as ⟦ESC⟧ or ⟦U+202E⟧; `\\r\\n` counts as a newline.

    Piles of more than four combining marks are cut to four: they would paint over the lines around them.
    """
    plain = ACTING.sub(_name, text.replace("\r\n", "\n"))
    return plain if plain.isascii() else STACKED.sub(r"\1", plain)


@lru_cache(maxsize=4096)  # a page names the same few thousand words tens of thousands of times
def one_line(text: str, width: int | None = None) -> str:
    """`visible`, with line breaks and tabs as spaces, cut to a width where one is given."""
    line = " ".join(visible(text).split())
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _name(found: re.Match[str]) -> str:
    char = found.group()
    return f"⟦{NAMES.get(char, f'U+{ord(char):04X}')}⟧"


def is_plain(text: str) -> bool:
    """Whether nothing in the text acts: what a test may hold of every line that goes out."""
    return all(c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text)
