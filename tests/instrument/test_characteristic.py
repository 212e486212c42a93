"""The shipped figures are those that the code of today computes."""

import json
from dataclasses import asdict

import pytest

from unmask.instrument.characteristic import SHIPPED, compute, design_of
from unmask.selftest.scenarios import design


@pytest.mark.parametrize(("name", "base", "unusable"), [("demo", 0.02, 0.02), ("plain", 0.1, 0.0)])
def test_shipped_figures_are_those_of_today(name, base, unusable):
    one = design_of(design(name), base=base, unusable=unusable)
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))["designs"]
    assert shipped[one.hash] == json.loads(json.dumps(asdict(compute(one))))
