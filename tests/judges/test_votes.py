"""Early stopping is exact: the same verdict as all votes, and no vote that could not matter."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from unmask.judges.votes import Tally, new_tally

VOTES = st.lists(st.sampled_from([True, False]), min_size=1, max_size=25)
THRESHOLDS = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.9])


def run(votes: list[bool | None], threshold: float) -> Tally:
    tally = new_tally(len(votes), threshold)
    asked = 0
    while tally.wave:
        for vote in votes[asked : asked + tally.wave]:
            tally, asked = tally.count(vote), asked + 1
    return tally


@given(VOTES, THRESHOLDS)
def test_stopping_early_gives_the_verdict_of_all_votes(votes, threshold):
    full = sum(votes) > Fraction(str(threshold)) * len(votes)
    assert run(votes, threshold).verdict is full


@given(VOTES, THRESHOLDS)
def test_every_vote_that_is_asked_could_still_have_mattered(votes, threshold):
    tally = new_tally(len(votes), threshold)
    for vote in votes:
        if not tally.wave:
            break
        for all_alike in (True, False):
            nearly = tally
            for _ in range(tally.wave - 1):
                nearly = nearly.count(all_alike)
            assert nearly.verdict is None
        tally = tally.count(vote)


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12), THRESHOLDS)
def test_a_verdict_with_lost_votes_stands_whatever_they_were(votes, threshold):
    verdict = run(votes, threshold).verdict
    for filling in (True, False):
        filled = [filling if vote is None else vote for vote in votes]
        full = sum(filled) > Fraction(str(threshold)) * len(votes)
        assert verdict is None or verdict is full


def test_twenty_votes_at_sixty_percent_ask_eight_first():
    assert new_tally(20, 0.6).wave == 8
    assert run([False] * 20, 0.6).no == 8
    assert run([True] * 20, 0.6).yes == 13  # twelve of twenty are not more than 0.6
