"""Documents that are one and the same: equal after normalisation, or nearly so by their 5-word pieces.

Plain sets and an index of pieces: a few thousand documents need no MinHash.
Source: shingles and resemblance, Broder 1997, "On the resemblance and containment of documents".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from unmask.experiments.documents.made import Document

WORD = re.compile(r"\w+")


def normal(text: str) -> str:
    """Words in small letters, a space between them; what else there is tells no documents apart."""
    return " ".join(WORD.findall(text.casefold()))


def pieces(text: str, size: int) -> frozenset[tuple[str, ...]]:
    """All runs of `size` words; a shorter text is one piece."""
    words = normal(text).split()
    return frozenset(tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1)))


def drop_alike(documents: Sequence[Document], *, size: int, alike: float) -> list[Document]:
    """Drop each document that is like one kept before it; those dropped already are like nothing.

    Args:
        documents: in the order in which the first of two alike stays.
        size: words of a piece.
        alike: Jaccard of the pieces from which on two are the same; 1 drops only equal ones.
    """
    first: dict[str, str] = {}  # normal text: id
    kept: dict[str, int] = {}  # id: number of pieces
    having: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    result = []
    for document in documents:
        if document.dropped is not None:
            result.append(document)
            continue
        text = normal(document.text)
        own = pieces(text, size)
        if text in first:
            result.append(document.drop("same", f"as {first[text]}"))
            continue
        near = _nearest(own, kept, having)
        if near is not None and near[1] >= alike:
            result.append(document.drop("nearly_same", f"as {near[0]}, {near[1]:.2f} of the pieces"))
            continue
        first[text], kept[document.id] = document.id, len(own)
        for piece in own:
            having[piece].append(document.id)
        result.append(document)
    return result


def _nearest(
    own: frozenset[tuple[str, ...]],
    kept: dict[str, int],
    having: defaultdict[tuple[str, ...], list[str]],
) -> tuple[str, float] | None:
    """The kept document with the highest Jaccard that shares a piece; None where none shares one."""
    shared = Counter(key for piece in own if piece in having for key in having[piece])
    likes = {key: n / (len(own) + kept[key] - n) for key, n in shared.items()}
    best = max(likes, key=lambda key: likes[key], default=None)
    return None if best is None else (best, likes[best])
