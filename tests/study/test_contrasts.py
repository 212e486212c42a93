"""Contrasts as weighted cells: what each averages over, and what cancels."""

import pytest

from unmask.errors import StudyError
from unmask.study import cells_of, conditions_of, load_study, slices
from unmask.vocabulary import Consequence, Contrast, Objective, Role


def study(**flags):
    return load_study("story", flags=flags, environment={}).study


EVERY = "story,tag,rating,training,no_objective,benign,joint,published_gap"


@pytest.mark.parametrize("contrast", list(Contrast))
def test_weights_sum_to_zero_and_each_side_to_one(contrast):
    weights = cells_of(contrast, study(contrasts=EVERY)).values()
    assert sum(weights) == pytest.approx(0)
    assert sum(w for w in weights if w > 0) == pytest.approx(1)


@pytest.mark.parametrize("contrast", [c for c in Contrast if c not in (Contrast.TAG, Contrast.PUBLISHED_GAP)])
@pytest.mark.parametrize("labels", ["plain,swapped", "neutral,neutral_swapped"])
def test_the_tag_cancels_in_every_contrast_of_roles(contrast, labels):
    cells = cells_of(contrast, study(contrasts="story", labels=labels))
    by_tag: dict[str, float] = {}
    for condition, weight in cells.items():
        by_tag[condition.tag] = by_tag.get(condition.tag, 0) + weight
    assert by_tag == pytest.approx(dict.fromkeys(by_tag, 0.0))


def test_the_role_cancels_in_the_tag_effect():
    by_role = dict.fromkeys(Role, 0.0)
    for condition, weight in cells_of(Contrast.TAG, study()).items():
        by_role[condition.role] += weight
    assert by_role == pytest.approx(dict.fromkeys(Role, 0.0))


def test_the_published_gap_is_story_plus_tag_under_plain_labels():
    gap = cells_of(Contrast.PUBLISHED_GAP, study())
    assert {c.tag: w for c, w in gap.items()} == {"free": 1.0, "paid": -1.0}
    assert {c.role for c, w in gap.items() if w > 0} == {Role.TRAINED}


def test_training_compares_two_rated_tiers_in_one_prompt():
    sides = {c.role: w > 0 for c, w in cells_of(Contrast.TRAINING, study()).items()}
    assert sides == {Role.TRAINED: True, Role.RATED_ONLY: False}


def test_only_the_cells_that_are_asked_for_are_there():
    assert len(conditions_of(study(contrasts="story,tag"))) == 4
    assert len(conditions_of(study())) == 8
    assert len(conditions_of(study(contrasts=EVERY))) == 20


def test_a_story_beside_is_asked_once_and_in_no_contrast():
    crossed = load_study("before_after", environment={}).study
    alone = [c for c in conditions_of(crossed) if c.consequence is Consequence.NONE]
    assert len(alone) == 4  # both tags in both mappings, with the objective as stated
    assert {c.objective for c in alone} == {Objective.CONFLICTING}
    everywhere = {c for part in slices(crossed) for c in conditions_of(part.study)}  # as they are crossed
    assert {c for c in everywhere if c.consequence is Consequence.NONE} == set(alone)
    for contrast in crossed.contrasts:
        assert not set(alone) & set(cells_of(contrast, crossed))


def test_a_family_is_fixed_in_the_study_and_holds_only_what_is_asked(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("contrasts: [story, tag]\nfamily: [story]\n", encoding="utf-8")
    assert load_study(str(path), environment={}).study.family == (Contrast.STORY,)
    path.write_text("contrasts: [story, tag]\nfamily: [training]\n", encoding="utf-8")
    with pytest.raises(StudyError, match="family names contrast training"):
        load_study(str(path), environment={})
