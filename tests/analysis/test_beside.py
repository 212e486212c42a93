"""Sentences beside the contrasts, on records of made-up behaviours whose truth we know."""

import re

import numpy as np
import polars as pl
import pytest

from tests.analysis.test_analyse import by_story, records, result, study
from unmask.analysis.analyse import model_result


def said(found, words):
    return [line for line in found.observations if words in line]


def numbers(line):
    return [float(x.replace(",", "")) for x in re.findall(r"\d[\d,.]*\d|\d", line)]


def test_a_faker_has_hardly_a_reverse_pair_and_a_noisy_model_has_those_of_chance():
    (faker,) = said(result(study(), by_story, af=0.9), "only where trained on")
    (noisy,) = said(result(study(n_queries=400), lambda _: 0.4), "only where trained on")
    total, forward, reverse, chance = numbers(faker)[:4]
    assert (total, forward > 60) == (120, True)  # both mappings
    assert reverse < 8
    total, forward, reverse, chance = numbers(noisy)[:4]
    assert reverse == pytest.approx(chance, rel=0.15)


def test_a_gap_is_said_to_be_accompanied_by_reasons_never_caused():
    (line,) = said(result(study(), by_story, af=0.9), "accompanied")
    low, high = numbers(line)[:2]
    assert 60 < low <= high <= 100
    assert "cannot show" in line
    (silent,) = said(result(study(), by_story, af=0.0), "accompanied")
    assert numbers(silent)[:2] == [0, 0]


def test_without_a_gap_there_is_nothing_to_accompany():
    assert not said(result(study(), lambda _: 0.3, af=0.5), "accompanied")


def half_read(plan):
    """A faker's records of which a fourth of the reasons were lost by chance, whatever they were."""
    replies, words = records(plan, by_story, af=0.9)
    lost = np.random.default_rng(3).random(words.height) < 0.25
    return replies, words.filter((pl.col("task") != "reasoning") | ~pl.Series(lost))


def test_unread_reasons_draw_the_joint_contrast_towards_0_and_it_is_said():
    plan = study(n_queries=400, contrasts=["training", "joint"])
    whole = model_result("m", *records(plan, by_story, af=0.9), plan)
    assert not said(whole, "leans towards 0")
    found = model_result("m", *half_read(plan), plan)
    (line,) = said(found, "leans towards 0")
    alike, shown = numbers(line)[-2:]
    shares = {c.name: 100 * c.effect_95.estimate for c in found.contrasts}
    assert shown == pytest.approx(shares["joint"], abs=0.06)
    assert alike == pytest.approx(58.5, abs=4)  # 0.9 of 70 less 5 points is true
    assert shown < alike - 2  # 4.6 are to be expected


def test_unread_reasons_may_have_been_of_either_kind():
    plan = study(n_queries=400, contrasts=["training", "joint"])
    whole = model_result("m", *records(plan, by_story, af=0.9), plan)
    found = model_result("m", *half_read(plan), plan)
    (told,), (lost,) = (said(each, "accompanied") for each in (whole, found))
    (low, high), (lowest, highest) = numbers(told)[:2], numbers(lost)[:2]
    assert lowest < low - 15  # a fourth of the reasons: none of them may have been for faking
    assert high <= highest == 100
