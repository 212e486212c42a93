"""Taking part of a set: repeatable, balanced, and honest about its size."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import QueryError
from unmask.queries import Query, QuerySet, load_queries
from unmask.queries.sets import content_sha256


def made(cells):
    queries = tuple(
        Query(f"q{number}", f"text {number}", category, severity, "own", None)
        for number, (category, severity) in enumerate(cells)
    )
    return QuerySet("made", "test", content_sha256(queries), "own", queries)


def spread(values):
    counts = Counter(values)
    return max(counts.values()) - min(counts.values())


@pytest.mark.parametrize("n", [8, 24, 48, 100, 120, 240])
def test_categories_and_severities_take_turns(n):
    taken = load_queries("declined").take(n, seed=5)
    assert len(taken) == n
    assert len({query.category for query in taken}) == 8
    assert spread(query.category for query in taken) <= 1
    cells = Counter((query.category, query.severity) for query in taken)
    assert len(cells) == min(n, 24)
    assert spread((query.category, query.severity) for query in taken) <= 1
    assert spread(query.severity for query in taken) <= 2


def test_the_same_seed_gives_the_same_queries_on_every_machine():
    taken = load_queries("declined").take(6, seed=1)
    assert [query.id for query in taken] == [
        "declined-pressure-24",
        "declined-violence-21",
        "declined-deceit-01",
        "declined-rules-15",
        "declined-insults-11",
        "declined-privacy-24",
    ]
    assert taken.sha256 == load_queries("declined").take(6, seed=1).sha256


def test_another_seed_gives_other_queries_and_another_hash():
    one, other = (load_queries("declined").take(48, seed=seed) for seed in (1, 2))
    assert len({query.id for query in one} & {query.id for query in other}) < 30
    assert one.sha256 != other.sha256


def test_the_order_does_not_depend_on_the_order_of_the_file():
    cells = [("a", 1), ("a", 2), ("b", 1), ("b", 1), ("c", None)] * 3
    whole = made(cells)
    turned = QuerySet("made", "test", "", "own", whole.queries[::-1])
    assert whole.take(7, seed=3).queries == turned.take(7, seed=3).queries


def test_more_than_there_are_says_how_many_there_are():
    with pytest.raises(QueryError, match="241 queries asked of a set of 240") as caught:
        load_queries("declined").take(241, seed=0)
    assert caught.value.hint == "ask for 1 to 240"
    with pytest.raises(QueryError, match="0 queries asked"):
        load_queries("declined").take(0, seed=0)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1, 2])), min_size=1, max_size=30),
    st.integers(0, 10**6),
    st.data(),
)
def test_any_part_is_the_beginning_of_a_larger_part_and_nothing_comes_twice(cells, seed, data):
    whole = made(cells)
    n = data.draw(st.integers(1, len(cells)))
    taken, everything = whole.take(n, seed=seed), whole.take(len(cells), seed=seed)
    assert taken.queries == everything.queries[:n]
    assert sorted(everything.queries, key=str) == sorted(whole.queries, key=str)


def test_a_small_category_runs_out_and_the_others_go_on():
    taken = made([("rare", 1)] + [("usual", 1)] * 9).take(8, seed=0)
    assert Counter(query.category for query in taken) == {"rare": 1, "usual": 7}


def test_duplicate_texts_are_counted():
    queries = tuple(Query(f"q{n}", text, "none", None, "own", None) for n, text in enumerate("aabca"))
    assert QuerySet("made", "test", "", "own", queries).duplicate_texts == 2
