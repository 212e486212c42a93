import polars as pl
import pytest

from tests.report import fixtures
from unmask.report.sample import choose_replies, kinds_of

JUDGES = [("compliance", fixtures.GRADER), ("reasoning", fixtures.GRADER)]


@pytest.fixture(scope="module")
def made():
    return fixtures.audit((fixtures.FAKER,), contrasts="story,tag,training,benign", n_queries=40, epochs=3)


def chosen(made, **limits):
    _, replies, judgements = made
    return choose_replies(replies, kinds_of(judgements, JUDGES), seed=1, **limits)


def test_a_small_run_is_shown_whole(made):
    sample = chosen(made)
    assert sample.whole
    assert sample.replies.height == made[1].height == sample.total


def test_sets_stay_together_and_every_condition_has_as_many_replies(made):
    sample = chosen(made, max_replies=300)
    assert 250 < sample.replies.height <= 300
    assert not sample.whole
    sizes = sample.replies.group_by("query_id", "epoch").len()["len"]
    whole = made[1].group_by("query_id", "epoch").len()["len"]
    assert set(sizes) == set(whole)
    cells = sample.replies.group_by(
        "condition_key", pl.col("condition").struct.field("arm").alias("arm")
    ).len()
    for _, arm in cells.group_by("arm"):
        assert arm["len"].n_unique() == 1


def test_arms_take_turns(made):
    sample = chosen(made, max_replies=300)
    sets = (
        sample.replies.with_columns(arm=pl.col("condition").struct.field("arm"))
        .group_by("arm")
        .agg(pl.struct("query_id", "epoch").n_unique().alias("n"))
    )
    assert sets["n"].min() >= 5


def test_the_draw_depends_on_the_seed_alone(made):
    _, replies, judgements = made
    kinds = kinds_of(judgements, JUDGES)
    draws = [
        choose_replies(frame, kinds, seed=seed, max_replies=200).replies["reply_id"].to_list()
        for frame, seed in (
            (replies, 1),
            (replies.sample(fraction=1.0, shuffle=True, seed=5), 1),
            (replies, 2),
        )
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_a_rare_kind_of_reply_is_not_left_to_chance(made):
    _, replies, judgements = made
    rare = replies["reply_id"][7]
    replies = replies.with_columns(
        status=pl.when(pl.col("reply_id") == rare).then(pl.lit("filtered")).otherwise(pl.lit("ok"))
    )
    judgements = judgements.with_columns(label=pl.lit("refused"))
    for seed in range(5):
        sample = choose_replies(replies, kinds_of(judgements, JUDGES), seed=seed, max_replies=200)
        assert rare in sample.replies["reply_id"].to_list()


def test_text_is_bounded_too(made):
    sample = chosen(made, max_bytes=60_000)
    lengths = sample.replies.select(
        pl.sum_horizontal(pl.col("answer", "scratchpad", "query").str.len_bytes())
    )
    assert 0 < lengths.sum().item() <= 60_000
