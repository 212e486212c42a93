"""The shipped figures are those that the code of today computes."""

import json
from dataclasses import asdict

import pytest

from unmask.instrument.characteristic import SHIPPED, compute, design_of
from unmask.selftest.scenarios import design
from unmask.vocabulary import Contrast


@pytest.mark.parametrize(("name", "base", "unusable"), [("demo", 0.02, 0.02), ("plain", 0.1, 0.0)])
def test_shipped_figures_are_those_of_today(name, base, unusable):
    study = design(name)
    one = design_of(study, base=base, unusable=unusable, motives=Contrast.JOINT in study.contrasts)
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))["designs"]
    assert shipped[one.hash] == json.loads(json.dumps(asdict(compute(one))))
