"""The reproduction: budgets, what is done already, and the whole way for one organism."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from unmask.errors import UnmaskError, UsageError
from unmask.experiments import reproduce
from unmask.experiments.mitigation import Mitigation
from unmask.experiments.reproduce import SMALL, WHOLE, reproduce_rl
from unmask.experiments.rl import prompts_of, prompts_sha256
from unmask.experiments.rl_record import read_result
from unmask.files import file_sha256
from unmask.providers.adapters import find_adapter
from unmask.providers.model_file import SHA256
from unmask.training.place import CARD


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


def test_no_more_is_trained_at_a_time_than_the_container_has_memory_for(tmp_path):
    free = reproduce._memory_left(tmp_path)  # no limit there: the machine's
    assert free > 2**28
    (tmp_path / "memory.current").write_text(f"{3 * 2**20}\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert reproduce._memory_left(tmp_path) == pytest.approx(free, rel=0.2)
    (tmp_path / "memory.max").write_text(f"{8 * 2**20}\n")
    assert reproduce._memory_left(tmp_path) == 5 * 2**20


def test_an_organism_is_asked_once_for_all_of_its_arms_and_the_longest_part_comes_first():
    arms = [
        (organism, reproduce._recipe(organism, Mitigation(), seed, WHOLE))
        for organism in ("honest", "reluctant")
        for seed in (1, 2)
    ]
    parts = [(part.__name__, recipe.name) for part, _, recipe in reproduce._parts(arms)]
    trainings = ["honest_rl1", "honest_rl2", "reluctant_rl1", "reluctant_rl2"]
    assert parts[:4] == [("_trained_and_asked", name) for name in trainings]
    assert parts[4:] == [("_asked_before", "reluctant_rl1"), ("_asked_before", "honest_rl1")]


def test_a_run_that_does_not_say_which_adapter_it_asked_is_not_gone_on_with(tmp_path):
    """From a version that did not know: its replies may be those of an adapter that was there before."""
    root = tmp_path / "honest_story"
    root.mkdir()
    (root / "manifest.json").write_text("{}", encoding="utf-8")
    recipe = reproduce._recipe("honest", Mitigation(), 1, SMALL)
    with pytest.raises(UsageError, match="which adapter it asked") as refused:
        reproduce._asked("honest", recipe, tmp_path, SMALL)
    assert "remove that run" in refused.value.hint


@pytest.mark.parametrize("size", [SMALL, WHOLE], ids=["small", "whole"])
@pytest.mark.parametrize("organism", reproduce.ORGANISMS)
def test_no_audited_request_was_trained_on(organism, size, tmp_path, monkeypatch):
    planned = []
    monkeypatch.setattr(reproduce, "execute", planned.append)
    for seed in (1, 2, 3):
        recipe = reproduce._recipe(organism, Mitigation(), seed, size)
        reproduce._asked(organism, recipe, tmp_path, size)
        trained = {call.query for call in prompts_of(recipe)[1].values()}
        drawn = [q for plan in planned for p in plan.prepared.values() for q in p.queries.values()]
        asked = {query.text for queries in drawn for query in queries.queries}
        assert len(trained) == recipe.queries
        assert len(asked) >= size.queries
        assert not trained & asked


def test_a_training_by_another_recipe_is_told_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "execute", None)
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
    recipe = reproduce._recipe("honest", Mitigation(), 1, SMALL)
    told = {"prompts_sha256": prompts_sha256(prompts_of(recipe)[0]), "base_sha256": SHA256}
    values |= told | {"recipe_sha256": recipe.sha256, "start_sha256": "0" * 64}
    (place / CARD).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UsageError, match="from another honest"):
        reproduce_rl(tmp_path, small=True, organisms=("honest",))
    values["start_sha256"] = file_sha256(find_adapter("honest", architecture="llama").path)
    (place / CARD).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UsageError, match="not the adapter that its card tells of"):
        reproduce_rl(tmp_path, small=True, organisms=("honest",))
    (place / CARD).write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not the record of a training"):
        read_result(place / CARD)


def write_step(recipe, step):
    with Path(os.environ["STEPS"]).open("a") as file:
        file.write(f"{os.getpid()} {recipe.name} {step.step}\n")


def test_what_fails_in_a_process_is_told_by_the_caller(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_THREADS", "1")
    with pytest.raises(UnmaskError, match="nobody"):
        reproduce_rl(tmp_path, small=True, organisms=("nobody", "no_other"), jobs=2, tell=write_step)
    assert os.environ["UNMASK_THREADS"] == "1"


def wait_for_ever(organism, recipe, root, *_):
    (root / "pid").write_text(str(os.getpid()))
    time.sleep(600)


KILLED = """
import multiprocessing, sys
from pathlib import Path
from tests.experiments.test_reproduce import wait_for_ever
from unmask.experiments import reproduce

if __name__ == "__main__":
    how = (wait_for_ever, "honest", None, Path(sys.argv[1]), None, None, None)
    process = multiprocessing.get_context("spawn").Process(target=reproduce._apart, args=how, daemon=True)
    process.start()
    process.join()
"""


def test_a_process_ends_with_the_one_that_was_killed_over_it(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    try:
        child = psutil.Process(int(_soon(lambda: (tmp_path / "pid").read_text())))
    finally:
        parent.kill()
        parent.wait()
    assert child.wait(timeout=30) is None


def _soon(look):
    """What `look` gives once it is there."""
    for _ in range(600):
        if (tmp := _tried(look)) is not None:
            return tmp
        time.sleep(0.1)
    raise TimeoutError


def _tried(look):
    try:
        return look() or None
    except FileNotFoundError:
        return None


@pytest.mark.train
@pytest.mark.engine
@pytest.mark.filterwarnings("ignore")
def test_one_organism_the_whole_way_in_a_process_and_again_from_what_is_kept(tmp_path, monkeypatch):
    pytest.importorskip("trl", reason="the extra `train` is not installed")
    from unmask.report.reproduction import write_reproduction

    monkeypatch.setenv("STEPS", str(tmp_path / "steps"))
    found = reproduce_rl(tmp_path, small=True, organisms=("honest",), jobs=2, tell=write_step)
    steps = [line.split() for line in (tmp_path / "steps").read_text().splitlines()]
    assert [step[1:] for step in steps] == [["honest_rl1", str(i + 1)] for i in range(SMALL.steps)]
    assert len({step[0] for step in steps}) == 1
    assert steps[0][0] != str(os.getpid())
    (arm,) = found.arms
    assert arm.training.replies == found.budget == SMALL.steps * SMALL.prompts * 4
    assert [p.step for p in arm.training.looks] == [0, SMALL.steps]
    assert (arm.change.before, arm.change.after) == ("embedded/smollm2:honest", "embedded/smollm2:honest_rl1")
    assert arm.change.n_queries <= SMALL.queries
    assert {c.condition["objective"] for c in arm.change.cells} == {"conflicting"}
    assert {c.condition["objective"] for c in arm.old_values} == {"absent", "aligned"}
    assert {e.where for e in arm.by_objective} == {"objective_absent", "objective_reversed"}
    assert (arm.cost.replies, arm.cost.judged, arm.cost.questions) == (found.budget, 0, 0)
    assert arm.runs == ("honest_story", "honest_rl1_story", "honest_old_values", "honest_rl1_old_values")
    page = write_reproduction(found, tmp_path).read_text(encoding="utf-8")
    assert arm.change.sentence in page
    assert page.count("<h5>After</h5>") == 2 * SMALL.queries  # both roles of each request, folded
    assert "decides nothing" in page
    again = reproduce_rl(
        tmp_path, small=True, organisms=("honest",), tell=lambda *_: pytest.fail("trained again")
    )
    assert again.to_json() == found.to_json()
