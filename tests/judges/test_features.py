"""Sentences and hashed words: the arrays must say what a slow reading of the same text says."""

import re
from itertools import pairwise

import numpy as np
import pytest

from unmask.judges.features import LONGEST_WORD, MOST_SENTENCE, read_sentences

TEXTS = [
    "I think so. Do I? Yes!\nA new line",
    "",
    "…",
    "no end at all",
    "我不同意。这是训练！",
    "Ünïcode’s apostrophe isn't lost.\n\n\n  Spaces   stay. ",
    "x" * 3 * MOST_SENTENCE + ". Short.",
    "😀 emoji 😀. More",
    "\x00 zero",
]


def sentences(read, texts):
    edges = [*read.first_N.tolist(), read.starts_S.size]
    return [
        [texts[i][a:b] for a, b in zip(read.starts_S[s:e], read.stops_S[s:e], strict=True)]
        for i, (s, e) in enumerate(pairwise(edges))
    ]


def test_sentences_join_up_to_their_text_and_none_is_endless():
    found = sentences(read_sentences(TEXTS), TEXTS)
    assert ["".join(parts) for parts in found] == TEXTS
    assert all(len(part) <= MOST_SENTENCE + 1 for parts in found for part in parts)
    assert found[0] == ["I think so.", " Do I?", " Yes!\n", "A new line"]
    assert found[4] == ["我不同意。", "这是训练！"]


def test_words_are_counted_as_an_expression_counts_them():
    texts = ["One two, two THREE. Don't!", "in 3 parts_here", "", "!!"]
    read = read_sentences(texts)
    per_text = np.add.reduceat(np.diff(read.different.indptr), read.first_N)
    words = [re.findall(r"[\w'’]+", text) for text in texts]
    assert per_text.tolist() == [len(found) for found in words]
    assert read.different.shape[1] == len({word.lower() for found in words for word in found})


def test_case_and_shape_of_apostrophes_do_not_matter_and_order_does():
    def row(text):
        return read_sentences([text]).pairs.indices.tolist()

    assert row("DON’T go") == row("don't Go")
    assert sorted(row("you obey me")) != sorted(row("me obey you"))


def test_a_text_reads_the_same_alone_and_beside_others():
    together = read_sentences(TEXTS)
    edges = [*together.first_N.tolist(), together.starts_S.size]
    for i, text in enumerate(TEXTS):
        alone = read_sentences([text])
        inside = together.pairs[edges[i] : edges[i + 1]]
        assert inside.indices.tolist() == alone.pairs.indices.tolist()
        runs = (together.different[edges[i] : edges[i + 1]] @ together.letters).toarray()
        assert np.array_equal(runs, (alone.different @ alone.letters).toarray())


@pytest.mark.parametrize(("word", "runs"), [("a", 2 + 1), ("ab", 3 + 2 + 1), ("abc", 4 + 3 + 2)])
def test_letters_are_runs_of_two_to_four_with_the_edges(word, runs):
    assert read_sentences([word]).letters.sum() == runs


def test_very_long_words_are_cut():
    assert read_sentences(["z" * 300]).letters.sum() <= 3 * (LONGEST_WORD + 2)
