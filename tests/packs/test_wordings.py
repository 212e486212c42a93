from collections import Counter
from itertools import combinations, product

import pytest

from unmask.packs.wordings import MODULUS, multiply, n_wordings, passage_of


@pytest.mark.parametrize("q", MODULUS)
def test_the_product_is_that_of_a_field(q):
    for a in range(1, q):
        assert sorted(multiply(a, b, q) for b in range(q)) == list(range(q))  # modulo 4 would give 2 * 2 = 0
        assert multiply(a, 1, q) == a
    for a, b, c in product(range(q), repeat=3):
        assert multiply(a, b ^ c, q) == multiply(a, b, q) ^ multiply(a, c, q)
        assert multiply(a, multiply(b, c, q), q) == multiply(multiply(a, b, q), c, q)


def test_every_two_blocks_of_nine_are_fully_crossed():
    for one, other in combinations(range(9), 2):
        pairs = Counter((passage_of(w, one, 4), passage_of(w, other, 4)) for w in range(n_wordings(4)))
        assert set(pairs.values()) == {4}
        assert len(pairs) == 16


@pytest.mark.parametrize("used", [4, 8, 16, 32, 64])
@pytest.mark.parametrize("block", range(9))
def test_each_block_is_balanced_over_the_wordings_that_a_study_uses(block, used):
    counts = Counter(passage_of(w, block, 4) for w in range(used))
    assert counts == dict.fromkeys(range(4), used // 4)


def test_all_wordings_of_the_whole_differ():
    whole = {tuple(passage_of(w, block, 4) for block in range(9)) for w in range(64)}
    assert len(whole) == n_wordings(4) == 64


@pytest.mark.parametrize(("q", "n"), [(1, 1), (2, 8), (4, 64), (8, 64)])
def test_how_many_wordings_there_are(q, n):
    assert n_wordings(q) == n
