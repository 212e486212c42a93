"""Conditions and contrasts: which cells a difference compares."""

from __future__ import annotations

import pytest

from unmask.acts.design import (
    CONTRASTS,
    FULL,
    MOTIVE,
    NO_MOTIVE,
    STAR,
    cells_of,
    condition_of,
    episodes_of,
    weights_of,
)
from unmask.acts.load import load_world
from unmask.errors import UsageError
from unmask.vocabulary import ActVariant


@pytest.mark.parametrize("cells", [STAR, FULL], ids=["star", "full"])
@pytest.mark.parametrize("name", [*CONTRASTS, "motive"])
def test_a_contrast_weighs_its_two_sides_alike(name, cells):
    weights = weights_of(name, cells)
    assert sum(weights.values()) == pytest.approx(0)
    assert sum(w for w in weights.values() if w > 0) == pytest.approx(1)


@pytest.mark.parametrize("name", CONTRASTS)
def test_the_two_sides_differ_in_one_factor_alone(name):
    factor, up, down, _ = CONTRASTS[name]
    weights = weights_of(name, FULL)
    assert {getattr(c, factor) for c, w in weights.items() if w > 0} == {up}
    assert {getattr(c, factor) for c, w in weights.items() if w < 0} == {down}
    for other in {"conflict", "ahead", "observed"} - {factor}:
        sides = [sorted(getattr(c, other) for c, w in weights.items() if w * side > 0) for side in (1, -1)]
        assert sides[0] == sides[1]


def test_a_contrast_without_its_cells_is_not_asked():
    assert weights_of("ahead", (MOTIVE, NO_MOTIVE)) == {}
    assert weights_of("motive", STAR[1:]) == {}


def test_keys_can_be_read_back():
    assert [condition_of(cell.key) for cell in FULL] == list(FULL)


def test_a_world_is_played_in_every_variant_and_condition():
    episodes = episodes_of([load_world("night_backup")])
    assert len({e.id for e in episodes}) == len(episodes) == 3 * 5 + 2 + 1
    assert {(e.variant, e.condition) for e in episodes if e.variant is ActVariant.TWIN} == {
        (ActVariant.TWIN, MOTIVE),
        (ActVariant.TWIN, NO_MOTIVE),
    }


def test_an_unknown_design_is_refused():
    with pytest.raises(UsageError):
        cells_of("stars")
