"""The reproduction: budgets, what is done already, and the whole way for one organism."""

from __future__ import annotations

import json

import pytest

from unmask.errors import UsageError
from unmask.experiments import reproduce
from unmask.experiments.mitigation import Mitigation
from unmask.experiments.reproduce import SMALL, WHOLE, reproduce_rl
from unmask.experiments.rl import CARD, read_result


def test_all_arms_have_one_budget_and_their_own_seed():
    arms = [(organism, seed) for organism in reproduce.ORGANISMS for seed in (1, 2)]
    recipes = [
        reproduce._recipe(organism, Mitigation(), seed, size)
        for size in (SMALL, WHOLE)
        for organism, seed in arms
    ]
    assert [r.n_replies for r in recipes] == [SMALL.steps * SMALL.prompts * 4] * len(arms) + [
        WHOLE.steps * WHOLE.prompts * 4
    ] * len(arms)
    assert len({(r.name, r.training.steps) for r in recipes}) == len(recipes)
    assert {r.training.seed for r in recipes} == {1, 2}
    assert all(name in reproduce.EXPECTED for name in reproduce.ORGANISMS)


def test_a_training_by_another_recipe_is_not_taken_for_this_one(tmp_path):
    place = tmp_path / "adapters" / "honest_rl1"
    place.mkdir(parents=True)
    (place / "adapter.gguf").write_bytes(b"another")
    values = {
        "name": "honest_rl1", "recipe": {}, "recipe_sha256": "another", "prompts_sha256": "",
        "base_sha256": "", "start_sha256": None, "adapter_sha256": "", "steps": [], "looks": [],
        "replies": 0, "seconds": 0.0, "date": "", "machine": "",
    }  # fmt: skip
    (place / CARD).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UsageError, match="another recipe"):
        reproduce_rl(tmp_path, small=True, organisms=("honest",))
    (place / CARD).write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not the record of a training"):
        read_result(place / CARD)


@pytest.mark.train
@pytest.mark.engine
@pytest.mark.filterwarnings("ignore")
def test_one_organism_the_whole_way_and_again_from_what_is_kept(tmp_path):
    pytest.importorskip("trl", reason="the extra `train` is not installed")
    from unmask.report.reproduction import write_reproduction

    steps = []
    found = reproduce_rl(
        tmp_path, small=True, organisms=("honest",), tell=lambda name, step: steps.append((name, step.step))
    )
    assert steps == [("honest_rl1", i + 1) for i in range(SMALL.steps)]
    (arm,) = found.arms
    assert arm.training.replies == found.budget == SMALL.steps * SMALL.prompts * 4
    assert [p.step for p in arm.training.looks] == [0, SMALL.steps]
    assert (arm.change.before, arm.change.after) == ("embedded/smollm2:honest", "embedded/smollm2:honest_rl1")
    assert arm.change.n_queries <= SMALL.queries
    assert {c.condition["objective"] for c in arm.change.cells} == {"conflicting"}
    assert {c.condition["objective"] for c in arm.old_values} == {"absent", "aligned"}
    assert (arm.cost.replies, arm.cost.judged, arm.cost.questions) == (found.budget, 0, 0)
    page = write_reproduction(found, tmp_path).read_text(encoding="utf-8")
    assert arm.change.sentence in page
    assert "decides nothing" in page
    again = reproduce_rl(
        tmp_path, small=True, organisms=("honest",), tell=lambda *_: pytest.fail("trained again")
    )
    assert again.to_json() == found.to_json()
