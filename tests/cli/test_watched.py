"""A training that is watched: lines, and a page that a kill does not set back."""

import json
import pickle
from dataclasses import asdict

from unmask.cli._watched import Watched
from unmask.experiments.look import Point
from unmask.experiments.rl_recipe import load_rl_recipe
from unmask.experiments.rl_record import LOOKS
from unmask.training.checkpoint import PARTS, STATE
from unmask.training.place import WORK
from unmask.training.rl import CHECKPOINTS, Step


def a_look(step):
    return Point(step, None, None, None, None, well_formed=1.0, tokens=9.0, n=4, unread=0)


def logged(step):
    return {"step": step, "reward": step / 10, "entropy": 0.5, "completions/mean_length": 20.0}


def test_the_page_goes_on_where_a_killed_training_was(tmp_path, monkeypatch, capsys):
    recipe = load_rl_recipe("comply")
    work = tmp_path / recipe.name / WORK
    checkpoint = work / CHECKPOINTS / "checkpoint-2"
    checkpoint.mkdir(parents=True)
    for part in PARTS:
        (checkpoint / part[0].replace("*", "_1")).write_bytes(b"")
    state = {"global_step": 2, "log_history": [logged(1), {"step": 1, "look/story": 0.1}, logged(2)]}
    (checkpoint / STATE).write_text(json.dumps(state))
    (work / LOOKS).write_text("".join("\n" + json.dumps(asdict(a_look(step))) for step in (0, 2)))
    drawn = []
    monkeypatch.setattr(
        "unmask.report.training.write_progress",
        lambda recipe, steps, looks, path: drawn.append(([s.reward for s in steps], [p.step for p in looks])),
    )
    watched = pickle.loads(pickle.dumps(Watched(tmp_path)))
    watched.step(recipe, Step(3, 40, 0.9, 20.0, 0.5, 60.0))
    watched.look(recipe, a_look(3))
    assert drawn == [([0.1, 0.2, 0.9], [0, 2, 3])]
    assert f"{recipe.name}: step 3 of 40" in capsys.readouterr().err


def test_a_training_that_begins_has_been_through_nothing(tmp_path):
    recipe = load_rl_recipe("comply")
    (tmp_path / recipe.name / WORK).mkdir(parents=True)
    watched = Watched(tmp_path)
    watched.look(recipe, a_look(0))
    watched.step(recipe, Step(1, 40, None, 20.0, None, 60.0))
    watched.look(recipe, a_look(1))
    assert watched.page(recipe).is_file()
