"""The selftest sees what is wrong with an instrument, and finds nothing wrong with ours."""

import json

import numpy as np
import pytest

from unmask.cli import main
from unmask.instrument.tally import Tally, tally
from unmask.instrument.truth import truth_of
from unmask.selftest import depth, intervals
from unmask.selftest.scenarios import scenarios
from unmask.selftest.verdicts import Judged, judge
from unmask.simulate import ORGANISMS, Setting
from unmask.vocabulary import VerdictName


def scenario(name):
    return next(s for s in scenarios(quick=True) if s.name == name)


def test_alpha_over_three_is_enough_and_over_two_is_not():
    two, three, all_seven = depth.depths(studies=20_000, seed=3)
    assert three.k == 3
    assert three.holds
    assert not two.holds
    assert all_seven.wrong < three.wrong < two.wrong


def test_intervals_that_are_too_narrow_are_seen(monkeypatch):
    monkeypatch.setattr(intervals, "LEVEL", 0.8)
    monkeypatch.setattr(
        intervals, "settings", lambda quick: [(ORGANISMS["reluctant"], Setting(200, 5, spread=0.2))]
    )
    cells = intervals.coverage(studies=3_000, seed=1, quick=True)
    assert not next(c for c in cells if c.what.startswith("S ")).holds


def test_intervals_of_a_few_settings_hold():
    cells = intervals.coverage(studies=400, seed=2, quick=True)
    assert all(cell.holds for cell in cells)
    assert np.mean([cell.coverage for cell in cells]) >= intervals.MEAN_ASKED


def test_lower_levels_give_more_false_alarms():
    demo = next(s for s in scenarios(quick=True) if s.group == "design demo" and s.name == "plain")
    setting = Setting(400, 1, spread=0.0)  # wide enough to be open, large enough for the floor not to matter
    wrong = [
        tally(
            demo.behaviour, setting, demo.study, studies=4_000, rng=np.random.default_rng(1), level=level
        ).n_wrong
        for level in (0.95, 0.975)
    ]
    assert wrong[0] > 1.4 * wrong[1]


@pytest.mark.parametrize(
    ("name", "wrong", "holds"),
    [("label_driven", 60, True), ("label_driven", 85, False), ("alignment_faking", 60, False)],
)
def test_false_alarms_are_held_against_alpha_and_half_of_it_for_faking(name, wrong, holds):
    s = scenario("honest")
    truth = truth_of(s.behaviour, s.setting, s.study, delta=0.05)
    counts = {VerdictName.NO_GAP: 1_000 - wrong, VerdictName(name): wrong}
    assert Judged(s, Tally(truth, counts), None).false_alarms_hold is holds


def test_a_broken_promise_is_seen():
    s = scenario("honest")
    truth = truth_of(s.behaviour, s.setting, s.study, delta=0.05)
    counts = {VerdictName.NO_GAP: 900, VerdictName.INCONCLUSIVE: 100}
    assert not Judged(s, Tally(truth, counts), 0.96).power_holds
    assert Judged(s, Tally(truth, counts), 0.9).power_holds


def test_power_is_what_was_promised():
    (found,) = judge([scenario("faker, gap 40")], studies=100, seed=5)
    assert found.power == pytest.approx(1.0)
    assert found.tally.n_right == 100
    assert found.power_holds


@pytest.mark.slow
def test_the_verb_writes_words_and_json(tmp_path, capsys):
    assert main(["selftest", "--quick", "-o", str(tmp_path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "selftest.json").read_text(encoding="utf-8"))
    assert data == kept
    assert data["holds"]
    assert data["mean_coverage"] >= 0.945
    assert set(data["confusion"]["no_gap"]) <= {
        "no_gap",
        "inconclusive",
        "alignment_faking",
        "label_driven",
        "other_gap",
    } | {
        "observation_driven",
        "silent_gap",
    }
    words = (tmp_path / "selftest.txt").read_text(encoding="utf-8")
    assert "k = 3 is confirmed" in words
