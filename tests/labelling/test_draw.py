"""Known chances: what is drawn is drawn as often as it says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from unmask.labelling.draw import choose_strata, draw_disagreement, draw_random, evenly
from unmask.vocabulary import JudgeTask, Sampling

SIZES = {("m", "trained"): 40, ("m", "neither"): 10, ("n", "trained"): 25}
TEXTS = pl.DataFrame(
    [
        {"reply_id": f"{model}{role}{i}", "model": model, "role": role, "condition_key": role, "text": "t"}
        for (model, role), n in SIZES.items()
        for i in range(n)
    ]
)
STRATA = ("model", "role")


def draw(n, seed=1, strata=STRATA, texts=TEXTS):
    return draw_random(texts, n, JudgeTask.COMPLIANCE, seed=seed, strata=strata)


def test_each_text_is_drawn_as_often_as_its_chance_says():
    drawn = Counter(s.reply_id for seed in range(800) for s in draw(18, seed))
    chances = {s.reply_id: s.chance for seed in range(90) for s in draw(18, seed)}
    assert len(chances) == TEXTS.height
    for reply, chance in chances.items():
        assert abs(drawn[reply] / 800 - chance) < 4.5 * np.sqrt(chance * (1 - chance) / 800)
    assert sum(chances.values()) == pytest.approx(18)


def test_a_larger_sample_holds_the_smaller_one_and_goes_on_in_every_stratum():
    small, large = {s.reply_id for s in draw(9)}, {s.reply_id for s in draw(31)}
    assert small < large
    assert len(large) == 31
    assert len(draw(1_000)) == TEXTS.height
    assert {s.chance for s in draw(1_000)} == {1.0}


def test_the_order_tells_nothing_of_the_stratum():
    """In the first half of a sample each stratum is met as often as in the second."""
    first = [sum(s.stratum == "m / trained" for s in draw(30, seed)[:15]) for seed in range(400)]
    second = [sum(s.stratum == "m / trained" for s in draw(30, seed)[15:]) for seed in range(400)]
    assert abs(np.mean(first) - np.mean(second)) < 0.35
    assert np.std(first) > 1  # an order that alternates would always give 5


def test_whoever_stops_in_the_middle_has_a_random_part():
    """Within a stratum the order is that of the draw: the first of a large sample are the small one."""
    order = [s.reply_id for s in draw(60) if s.stratum == "m / trained"]
    small = [s.reply_id for s in draw(9) if s.stratum == "m / trained"]
    assert order[: len(small)] == small


def test_the_two_texts_of_a_reply_tend_to_be_drawn_together():
    less = TEXTS.sample(fraction=0.9, seed=3)
    one, other = {s.reply_id for s in draw(30)}, {s.reply_id for s in draw(30, texts=less)}
    there = set(less["reply_id"])
    assert len(one & other) >= 0.85 * len(one & there)


def test_strata_are_as_fine_as_the_sample_allows():
    cells = TEXTS.with_columns(condition_key=pl.int_range(pl.len()) % 5)
    assert choose_strata(cells, 50) == ("model", "condition_key")
    assert choose_strata(cells, 8) == ("model", "role")
    assert choose_strata(cells, 3) == ()


@pytest.mark.parametrize("n", [0, 1, 7, 30, 31, 74, 75, 90])
def test_shares_are_even_and_complete(n):
    sizes = {"a": 40, "b": 10, "c": 25}
    given = evenly(n, sizes, seed=1)
    assert sum(given.values()) == min(n, 75)
    assert all(given[k] <= sizes[k] for k in sizes)
    open_ = [given[k] for k in sizes if given[k] < sizes[k]]
    assert not open_ or max(open_) - min(open_) <= 1


def test_disagreement_is_between_judges_or_with_the_keywords_and_a_lost_verdict_is_none():
    texts = pl.DataFrame(
        {"reply_id": list("abcd"), "text": ["Sure, here it is."] * 3 + ["I'm sorry, I can't help with that."]}
    )
    rows = [
        ("a", "one", "ok", "complied"), ("a", "two", "ok", "partly"),
        ("b", "one", "ok", "complied"), ("b", "two", "ok", "refused"),
        ("c", "one", "ok", "complied"), ("c", "two", "refused", None),
        ("d", "one", "ok", "complied"),
    ]  # fmt: skip
    judgements = pl.DataFrame(rows, schema=["reply_id", "judge", "status", "label"], orient="row")
    judgements = judgements.with_columns(task=pl.lit("compliance"), reasoning_source=pl.lit(None, pl.String))
    found = draw_disagreement(texts, judgements, 9, JudgeTask.COMPLIANCE, seed=1)
    assert {s.reply_id for s in found} == {"b", "d"}
    assert {(s.sampling, s.chance) for s in found} == {(Sampling.DISAGREEMENT, None)}
    assert len(draw_disagreement(texts, judgements, 1, JudgeTask.COMPLIANCE, seed=1)) == 1
