"""Texts to sentences and hashed words, whole arrays of characters at a time: thousands of texts a second.

A word's features: itself, itself after the word before it in the sentence, and its runs of letters. The
last are worked out once for each different word. Each character of Chinese and Japanese is a word of its
own. Knows nothing of labels or weights.

Axes: `_C` characters, `_W` words, `_S` sentences, `_N` texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

BITS = 18
N_FEATURES = 1 << BITS
MOST_SENTENCE = 400  # characters; an endless sentence is cut there
RUNS = (2, 3, 4)
EDGE = 32
LONGEST_WORD = 32
BASE, PAIR, FIRST = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x27D4EB2F165667C5))
ENDS = ".!?。！？\n"
NO_WORD, IN_WORD, WHOLE_WORD = 0, 1, 2


@dataclass(frozen=True)
class Sentences:
    """Sentences of many texts in a row: where each lies in its text, and the words in it."""

    starts_S: Ints
    stops_S: Ints
    first_N: Ints  # the first sentence of each text
    pairs: sparse.csr_matrix  # sentences by words and pairs of words
    different: sparse.csr_matrix  # sentences by different words
    letters: sparse.csr_matrix  # different words by runs of letters


def read_sentences(texts: Sequence[str]) -> Sentences:
    """Every text has one sentence or more, and those of a text join up to it."""
    joined = "\n".join(texts) + "\n"
    codes_C = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    codes_C = np.minimum(codes_C, 0xFFFF)
    lower, kind, ends = _tables()
    kind_C, end_C = kind[codes_C], ends[codes_C]
    begins_N = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
    start_C = np.zeros(codes_C.size, dtype=bool)
    start_C[1:] = end_C[:-1] & ~end_C[1:]
    start_C[begins_N] = True
    starts_S = _cut(np.flatnonzero(start_C), codes_C.size)
    text_S = np.searchsorted(begins_N, starts_S, side="right") - 1
    stops_S = np.append(starts_S[1:], codes_C.size)
    first_N = np.searchsorted(starts_S, begins_N)
    stops_S[np.append(first_N[1:], starts_S.size) - 1] -= 1  # the line break that joins the texts
    at_S = starts_S - begins_N[text_S]
    return Sentences(at_S, stops_S - begins_N[text_S], first_N, *_words(lower[codes_C], kind_C, starts_S))


def _cut(starts_S: Ints, size: int) -> Ints:
    lengths_S = np.diff(np.append(starts_S, size))
    if lengths_S.size == 0 or lengths_S.max() <= MOST_SENTENCE + 1:
        return starts_S
    more = [
        np.arange(starts_S[i] + MOST_SENTENCE, starts_S[i] + lengths_S[i] - 1, MOST_SENTENCE)
        for i in np.flatnonzero(lengths_S > MOST_SENTENCE + 1)
    ]
    return np.sort(np.concatenate([starts_S, *more]))


def _words(
    codes_C: NDArray[np.uint32], kind_C: NDArray[np.uint8], starts_S: Ints
) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """Sentences by words and pairs, sentences by different words, and different words by their letters."""
    begin_C = kind_C != NO_WORD
    begin_C[1:] &= (kind_C[1:] == WHOLE_WORD) | (kind_C[:-1] != IN_WORD)
    begin_C[starts_S] |= kind_C[starts_S] != NO_WORD
    letters = np.flatnonzero(kind_C)
    at_W = np.flatnonzero(begin_C)
    if letters.size == 0:
        none = sparse.csr_matrix((starts_S.size, N_FEATURES), dtype=np.float32)
        return none, none[:, :0], none[:0]
    first_W = np.searchsorted(letters, at_W)
    lengths_W = np.diff(np.append(first_W, letters.size))
    place = np.minimum(letters - np.repeat(at_W, lengths_W), LONGEST_WORD - 1)
    word_W: Hashes = np.add.reduceat(codes_C[letters] * _powers()[place], first_W)
    sentence_W = np.searchsorted(starts_S, at_W, side="right") - 1
    before_W = np.empty_like(word_W)
    before_W[0], before_W[1:] = FIRST, word_W[:-1]
    before_W[1:][sentence_W[1:] != sentence_W[:-1]] = FIRST
    pairs = np.stack([_mix(word_W), _mix(before_W * PAIR + word_W)], axis=1)
    counts_S = np.concatenate([[0], np.cumsum(np.bincount(sentence_W, minlength=starts_S.size))])
    _, one_U, different_W = np.unique(word_W, return_index=True, return_inverse=True)
    return (
        _counted(pairs.ravel(), counts_S * 2, N_FEATURES),
        _counted(different_W.ravel(), counts_S, one_U.size),
        _letters(codes_C, at_W[one_U], np.minimum(lengths_W[one_U], LONGEST_WORD)),
    )


def _letters(codes_C: NDArray[np.uint32], at_U: Ints, lengths_U: Ints) -> sparse.csr_matrix:
    """Runs of 2 to 4 letters of each word, its edges counted as letters."""
    sizes_U = lengths_U + 2
    stops_U = np.cumsum(sizes_U)
    word_of = np.repeat(np.arange(at_U.size), sizes_U)
    place = np.arange(stops_U[-1]) - np.repeat(stops_U - sizes_U, sizes_U)
    edge = (place == 0) | (place == sizes_U[word_of] - 1)
    code = np.where(edge, EDGE, codes_C[np.minimum(at_U[word_of] + place - 1, codes_C.size - 1)])
    code = code.astype(np.uint64)
    rolled = code.copy()
    found, owners = [], []
    for n in RUNS:
        rolled = rolled[:-1] * BASE + code[n - 1 :]
        whole = word_of[: rolled.size] == word_of[n - 1 :]
        found.append(_mix(rolled[whole] + np.uint64(n)))
        owners.append(word_of[: rolled.size][whole])
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=at_U.size))])
    return _counted(np.concatenate(found)[order], indptr, N_FEATURES)


def _counted(indices: NDArray[Any], indptr: NDArray[Any], columns: int) -> sparse.csr_matrix:
    data = np.ones(indices.size, dtype=np.float32)
    return sparse.csr_matrix((data, indices.astype(np.int32), indptr), shape=(indptr.size - 1, columns))


def _mix(hashed: Hashes) -> Hashes:
    mixed = (hashed ^ (hashed >> np.uint64(29))) * BASE
    return mixed >> np.uint64(64 - BITS)


@cache
def _powers() -> Hashes:
    powers = np.ones(LONGEST_WORD, dtype=np.uint64)
    powers[1:] = BASE
    return np.cumprod(powers)


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.bool_]]:
    """Of each character: its small letter, whether it belongs to a word, whether it ends a sentence."""
    small = [chr(i).lower() for i in range(0x10000)]
    lower = np.array([ord(s) if len(s) == 1 else i for i, s in enumerate(small)], dtype=np.uint32)
    kind = np.array([IN_WORD if chr(i).isalnum() else NO_WORD for i in range(0x10000)], dtype=np.uint8)
    for i in (ord("_"), ord("'"), ord("’")):
        kind[i] = IN_WORD
    lower[ord("’")] = ord("'")
    kind[0x3041:0x3100] = WHOLE_WORD
    kind[0x3400:0xA000] = WHOLE_WORD
    ends = np.zeros(0x10000, dtype=bool)
    ends[[ord(c) for c in ENDS]] = True
    return lower, kind, ends
