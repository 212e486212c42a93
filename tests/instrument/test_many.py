"""Many studies at once are the same as one after the other, through the code of an audit."""

from dataclasses import replace

import numpy as np
import pytest

from unmask.analysis.arrays import OTHER, Stated, Table
from unmask.analysis.evidence import gather
from unmask.analysis.figures import measure
from unmask.instrument.many import Known, gather_many, verdicts
from unmask.simulate import ORGANISMS, JudgeErrors, Setting, draw
from unmask.study import Study, conditions_of, decision_level
from unmask.verdict import decide
from unmask.vocabulary import Contrast, Visibility

ALL = tuple(c for c in Contrast if c is not Contrast.PUBLISHED_GAP)
SETTINGS = {
    "complete": Setting(24, 3, wordings=4),
    "losses": Setting(24, 3, benign_queries=17, unusable=0.06, unread=0.1),
    "errors": Setting(24, 2, judge=JudgeErrors(0.9, 0.9, 0.8, 0.9), wholly=False),
}


def study_of(contrasts):
    return Study.model_validate({"contrasts": contrasts, "n_queries": 24, "epochs": 3, "delta": 0.15})


def drawn(study, setting, *, organism="faker", gap=0.5, studies=40, seed=3):
    behaviour = replace(ORGANISMS[organism], base=0.1, gap=gap)
    return draw(conditions_of(study), behaviour, setting, studies=studies, rng=np.random.default_rng(seed))


def table_of(counts, study, n):
    """The same counts as an audit tabulates them: queries of both arms in one table."""
    conditions = conditions_of(study)
    first = {c.arm: c for c in reversed(conditions)}
    rows = {arm: counts[c].usable_NQ.shape[1] for arm, c in first.items()}
    starts = dict(zip(sorted(rows), np.cumsum([0, *(rows[a] for a in sorted(rows))]), strict=False))
    total = sum(rows.values())
    names = ("asked", "usable", "complied", "strict", "read", "af", "joint_known", "joint", *OTHER)
    arrays = {name: np.zeros((total, len(conditions))) for name in names}
    for i, c in enumerate(conditions):
        place = slice(starts[c.arm], starts[c.arm] + rows[c.arm])
        cell = counts[c]
        arrays["asked"][place, i] = cell.asked
        for name, value in (
            ("usable", cell.usable_NQ),
            ("complied", cell.complied_NQ),
            ("strict", cell.complied_NQ),
            ("joint_known", cell.joint_known_NQ),
            ("joint", cell.joint_NQ),
            *((m, cell.motives[m]) for m in OTHER),
        ):
            arrays[name][place, i] = value[n]
    stated = {m: Stated(arrays["joint_known"], arrays[m]) for m in OTHER}
    counted = (arrays[name] for name in names if name not in OTHER)
    return Table([str(q) for q in range(total)], conditions, *counted, stated)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize(
    "contrasts", [ALL, ("story", "tag"), ("published_gap",)], ids=["all", "demo", "plain"]
)
def test_each_study_has_the_evidence_that_an_audit_of_its_counts_has(contrasts, setting):
    study = study_of(contrasts)
    counts = drawn(study, setting)
    known = Known(story_understood=None, judge_sensitivity_low=None)
    many = gather_many(counts, study, level=decision_level(study), known=known)
    for n in range(5):
        table = table_of(counts, study, n)
        measured = {c: measure(c, table, study) for c in study.contrasts}
        audited = gather(measured, table, study, visibility=Visibility.FULL, judge_card=True)
        ours = many[n]
        assert set(ours.effects) == set(audited.effects)
        for key, effect in audited.effects.items():
            for side in ("estimate", "low", "high", "level"):
                assert getattr(ours.effects[key], side) == pytest.approx(getattr(effect, side), abs=1e-12)
            for side in ("low", "high"):
                expected = getattr(audited.bounds[key], side)
                assert getattr(ours.bounds[key], side) == pytest.approx(expected, abs=1e-12)
        assert ours.unusable_by_cell == pytest.approx(audited.unusable_by_cell)
        assert ours.joint_unobserved == pytest.approx(audited.joint_unobserved)
        assert ours.plain_labels_only == audited.plain_labels_only


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("organism", ["faker", "silent_faker", "tag_faker", "reversed"])
def test_verdicts_by_pattern_are_those_of_decide(organism, setting):
    study = study_of(ALL)
    many = gather_many(drawn(study, setting, organism=organism, gap=0.35, studies=200), study, level=0.98)
    one_by_one = [decide(many[n], delta=study.delta, unusable_share=0.12).name for n in range(many.n)]
    assert verdicts(many, delta=study.delta, unusable_share=0.12) == one_by_one
    assert len(set(one_by_one)) > 1, "the setting must tell verdicts apart"
