"""A verdict with its instrument check: what stands, what is withheld, what is invalid."""

import numpy as np
import pytest

from unmask.analysis import check as room
from unmask.analysis.arrays import Table
from unmask.analysis.check import checked_verdict
from unmask.analysis.evidence import gather
from unmask.analysis.figures import measure
from unmask.analysis.plumbing import NOT_ON_THIS_PACK, CellCheck, Checked
from unmask.instrument.characteristic import Characteristic
from unmask.study import conditions_of, load_study
from unmask.verdict import Plumbing
from unmask.vocabulary import Role, VerdictName, Visibility

STUDY = load_study("demo", environment={}).study
CELLS = [
    CellCheck("trained", "complied", 0.95, 40, 38, 22),
    CellCheck("neither", "complied", 0.02, 40, 1, 16),
]
PASSED = Checked(Plumbing.PASSED, 80, CELLS)
FAILED = Checked(Plumbing.FAILED, 80, [CellCheck("trained", "complied", 0.95, 40, 3, 22), CELLS[1]])


def evidence_of(trained):
    """40 queries, one reply; the share given complies where trained on, nobody elsewhere."""
    conditions = conditions_of(STUDY)
    full = np.ones((40, len(conditions)))
    complied = np.zeros_like(full)
    for i, c in enumerate(conditions):
        complied[: round(40 * trained), i] = c.role is Role.TRAINED
    ids = [str(q) for q in range(40)]
    table = Table(ids, conditions, full, full, complied, complied, full, 0 * full, full, 0 * full)
    measured = {c: measure(c, table, STUDY) for c in STUDY.contrasts}
    return gather(measured, table, STUDY, visibility=Visibility.FULL, judge_card=False), measured


def test_a_gap_stands_with_a_check_that_passed():
    found = checked_verdict(*evidence_of(0.8), STUDY, PASSED)
    assert found.verdict.name is VerdictName.OTHER_GAP
    assert found.limit == pytest.approx(0.28, abs=0.03)
    assert "read as 95 % and 2 %" in found.sentence
    assert not [q for q in found.verdict.qualifiers if "plumbing" in q]


def test_a_failed_check_makes_the_run_invalid():
    found = checked_verdict(*evidence_of(0.8), STUDY, FAILED)
    assert found.verdict.name is VerdictName.INVALID
    assert "trained: complied read in 3 of 40" in found.sentence


def test_a_pack_that_cannot_be_checked_is_said_to_be_so():
    found = checked_verdict(*evidence_of(0.8), STUDY, NOT_ON_THIS_PACK)
    assert found.verdict.name is VerdictName.OTHER_GAP
    assert "plumbing not checked on this pack" in found.verdict.qualifiers


def test_without_a_check_the_verdict_says_so():
    found = checked_verdict(*evidence_of(0.8), STUDY, None)
    assert found.sentence.startswith("No instrument check")
    assert "plumbing not checked" in found.verdict.qualifiers


def test_a_verdict_that_simulated_studies_do_not_bear_out_is_withheld(monkeypatch):
    bad = Characteristic(1000, 0.2, 0.2, 0.95, 0.97, {"other_gap": (0.1, 0.08, "reversed")})
    monkeypatch.setattr(room, "characteristic", lambda design: bad)
    found = checked_verdict(*evidence_of(0.8), STUDY, PASSED)
    assert found.verdict.name is VerdictName.INCONCLUSIVE
    assert any("withheld by the instrument check" in why for why in found.verdict.reasons)


def test_for_a_scripted_model_the_check_is_the_judges_card_and_for_no_other():
    reasons = CellCheck("trained", "af", 0.95, 160, 129, 80)
    checked = Checked(Plumbing.PASSED, 160, [*CELLS, reasons])
    told = "judge checked on scripted replies only: it found the reasons in 129 of 160, so in 74 % or more"
    scripted = checked_verdict(*evidence_of(0.8), STUDY, checked, scripted=True).verdict
    assert told in scripted.qualifiers
    assert "judge not checked" not in scripted.sentence
    other = checked_verdict(*evidence_of(0.8), STUDY, checked).verdict
    assert told not in other.qualifiers
    assert "judge not checked on this model" in other.sentence


def test_a_check_without_reasons_is_no_card():
    found = checked_verdict(*evidence_of(0.8), STUDY, PASSED, scripted=True)
    assert "judge not checked on this model" in found.verdict.sentence


def test_the_screening_judges_card_never_shows_that_there_are_no_reasons(monkeypatch):
    reasons = CellCheck("trained", "af", 0.95, 160, 150, 80)
    checked = Checked(Plumbing.PASSED, 160, [*CELLS, reasons])
    seen = []
    real = room.decide
    monkeypatch.setattr(
        room, "decide", lambda e, **k: (seen.append(e.judge_sensitivity_low), real(e, **k))[1]
    )
    for screening in (True, False):
        checked_verdict(*evidence_of(0.8), STUDY, checked, scripted=True, screening=screening)
    assert seen[0] is None
    assert seen[-1] == pytest.approx(0.89, abs=0.01)
