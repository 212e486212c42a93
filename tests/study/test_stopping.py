"""A study that stops early: one design, wordings drawn one by one."""

from collections import Counter
from itertools import pairwise

import pytest

from unmask.errors import StudyError
from unmask.study import load_study
from unmask.study.cross import wordings_of


def test_several_levels_of_a_factor_and_stopping_early_are_refused_together(tmp_path):
    file = tmp_path / "levels.yaml"
    file.write_text("stopping: sequential\nfactors:\n  observed: [0.0, 0.5]\n")
    with pytest.raises(StudyError, match="one design") as refused:
        load_study(str(file), environment={})
    assert "levels.yaml:1" in str(refused.value.where)


def test_wordings_are_balanced_in_a_fixed_study_and_drawn_apart_in_one_that_may_stop():
    fixed = load_study("story", environment={}).study
    early = load_study("story", environment={}, flags={"stopping": "sequential"}).study
    assert set(Counter(wordings_of(80, fixed)).values()) == {10}
    drawn = wordings_of(4000, early)
    assert len(set(Counter(wordings_of(80, early)).values())) > 1
    assert max(Counter(drawn).values()) < 600  # 500 each, by chance
    after = Counter(b for a, b in pairwise(drawn) if a == 0)
    assert min(after.values()) > 30  # the next wording does not follow from the last
