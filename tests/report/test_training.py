"""The page of a training: its curves, from looks and steps alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unmask.analysis.results import Interval
from unmask.auditing.before_after import ElsewhereChange
from unmask.experiments.look import Point
from unmask.experiments.rl_recipe import load_rl_recipe
from unmask.experiments.rl_record import RLResult
from unmask.report.reproduction import old_values
from unmask.report.training import pictures, render, step_line
from unmask.training.rl import Step


def about(estimate):
    return Interval(estimate, estimate - 0.1, estimate + 0.1, 0.95)


@pytest.fixture
def done():
    looks = [
        Point(
            step, about(0.5), about(0.2), about(0.3), about(0.1), 1.0, 30.0, 8, 0, about(tag), (0.5, earned)
        )
        for step, tag, earned in ((0, 0.1, None), (2, 0.4, 0.25))
    ]
    steps = [Step(1, 2, None, 30.0, None, 9.0), Step(2, 2, 0.5, 31.0, 0.2, 0.0)]
    recipe = load_rl_recipe("comply")
    return RLResult(
        "comply", recipe.model_dump(mode="json"), recipe.sha256, "p", "b", None, "a", steps, looks, 16, 9.0,
        "2026-01-01", "a machine",
    )  # fmt: skip


def test_every_curve_is_drawn_and_what_is_unknown_has_no_dot(done):
    page = render([done])
    for name in ("shares", "story", "reward", "length", "entropy"):
        assert page.count(f'data-name="{name}-1"') == 1
    assert "tag effect" in page
    drawn = pictures(done)
    without = pictures(replace(done, looks=[replace(p, tag=None, rewards=(None, None)) for p in done.looks]))
    for name in ("story", "reward"):  # the tag effect, and what the answers would earn by role
        assert drawn[name]["wide"] != without[name]["wide"]
    assert "entropy none" in step_line("comply", done.steps[0])


def test_the_old_values_are_told_in_a_sentence():
    absent = ElsewhereChange("objective_absent", about(0.25), about(0.75), None)
    unread = ElsewhereChange("objective_reversed", None, about(0.5), None)
    told = old_values([absent, unread])
    assert "with the objective absent it complied with 25.0\u202f% (" in told
    assert "before and 75.0\u202f% (" in told
    assert "reversed" not in told
    assert "cannot be known" in old_values([unread])
