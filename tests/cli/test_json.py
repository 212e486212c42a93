"""`--json` of what was trained, probed or compared: texts of models and adapters do nothing to a terminal.

What takes hours is put in place of the call that would do it; what is printed of it is real.
"""

from __future__ import annotations

import json
import shutil

import pytest

from tests.auditing.test_before_after import model
from tests.auditing.test_compare import save
from tests.cli.test_output import ACTS
from tests.probes.test_probe_file import values
from unmask.auditing.before_after import before_after
from unmask.cli import main
from unmask.experiments import probing, reproduce, rl
from unmask.experiments.reproduce import Arm, Cost, Reproduction
from unmask.experiments.rl_recipe import load_rl_recipe
from unmask.experiments.rl_record import RLResult
from unmask.probes.probe_file import ProbeFile


@pytest.fixture
def trained():
    recipe = load_rl_recipe("comply")
    return RLResult(
        name="comply", recipe=recipe.model_dump(mode="json"), recipe_sha256=recipe.sha256, prompts_sha256="",
        base_sha256="", start_sha256=None, adapter_sha256="", steps=[], looks=[], replies=0, seconds=1.0,
        date="2026-01-01", machine=f"x86_64{ACTS}",
    )  # fmt: skip


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    return [
        save(tmp_path / name, model(f"{name}{ACTS}", share, 0.05), seed=seed, n_queries=40)
        for name, share, seed in (("spring", 0.05, 7), ("autumn", 0.95, 9))
    ]


def printed(capsys, *args):
    assert main([*args, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    return json.loads(out)


def test_before_after(runs, capsys):
    assert printed(capsys, "before-after", "spring", "autumn")["before"] == f"spring{ACTS}"


def test_reproduce_rl(tmp_path, runs, trained, capsys, monkeypatch):
    arm = Arm(
        organism="honest", mitigation="mine", about=f"as in my file{ACTS}", seed=1, expected="genuine",
        training=trained, cost=Cost(4, 0, 0, 1.0), change=before_after(runs), old_values=[], by_objective=[],
        run="arm", runs=tuple(root.name for root in runs),
    )  # fmt: skip
    for root in runs:
        shutil.copytree(root, tmp_path / "out" / "runs" / root.name)
    found = Reproduction(arms=[arm], budget=4, small=True, seeds=[])
    monkeypatch.setattr(reproduce, "reproduce_rl", lambda *_, **__: found)
    shown = printed(capsys, "reproduce", "rl", "--small", "-o", str(tmp_path / "out"))
    assert shown["arms"][0]["about"] == arm.about


def test_train_rl(tmp_path, trained, capsys, monkeypatch):
    monkeypatch.setattr(rl, "train_by_rl", lambda *_, **__: trained)
    shown = printed(capsys, "train", "rl", "comply", "--library", str(tmp_path))
    assert shown["machine"] == trained.machine


def test_probe_train(tmp_path, capsys, monkeypatch):
    made = ProbeFile.model_validate(values(description=f"mine{ACTS}"))
    monkeypatch.setattr(probing, "train_probe", lambda *_, **__: made)
    shown = printed(capsys, "probe", "train", "role", "--root", str(tmp_path))
    assert shown["description"] == made.description
