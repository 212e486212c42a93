"""Sentences beside the contrasts, on records of made-up behaviours whose truth we know."""

import re

import pytest

from tests.auditing.test_analyse import by_story, result, study


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
