import numpy as np
import pytest

from unmask.errors import EstimateError
from unmask.estimates import count_pairs


def test_one_reply_each_is_a_count():
    pairs = count_pairs(np.array([1.0, 1, 0, 0, np.nan]), np.array([0.0, 1, 1, 0, 1]))
    assert (pairs.n, pairs.forward, pairs.reverse) == (4, 1, 1)
    assert pairs.by_chance == pytest.approx(4 * 0.5 * 0.5)


def test_independent_draws_give_what_chance_gives_and_shared_difficulty_gives_fewer():
    rng = np.random.default_rng(1)
    n = 200_000
    drawn = count_pairs(rng.binomial(1, 0.4, n).astype(float), rng.binomial(1, 0.2, n).astype(float))
    assert drawn.reverse == pytest.approx(drawn.by_chance, rel=0.02)
    hard = rng.random(n) < 0.5  # half of the queries are never complied with
    first, second = (np.where(hard, 0, rng.binomial(1, p, n)).astype(float) for p in (0.8, 0.4))
    assert count_pairs(first, second).reverse < 0.8 * count_pairs(first, second).by_chance


def test_nothing_known_is_no_pair_and_no_zero():
    pairs = count_pairs(np.array([np.nan]), np.array([1.0]))
    assert pairs.n == 0
    assert np.isnan(pairs.by_chance)


@pytest.mark.parametrize(("first", "second"), [([0.5], [0.5, 1]), ([1.2], [0.1])])
def test_what_is_no_share_is_refused(first, second):
    with pytest.raises(EstimateError):
        count_pairs(np.array(first, dtype=float), np.array(second, dtype=float))
