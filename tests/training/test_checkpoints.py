"""Which checkpoint a training goes on from: whole ones only, of one process or of many."""

from __future__ import annotations

import pytest

from unmask.errors import TrainingError
from unmask.training.checkpoint import last_whole, room_to_write

ONE = ("adapter_model.safetensors", "optimizer.pt", "rng_state.pth")
MANY = ("adapter_model.safetensors", "optimizer.bin", "rng_state_0.pth", "rng_state_1.pth")
DEEPSPEED = ("adapter_model.safetensors", "global_step2", "rng_state_0.pth")


def checkpoint(folder, step, names, state='{"global_step": 1}'):
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    for name in names:
        (path / name).touch()
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


@pytest.mark.parametrize("names", [ONE, MANY, DEEPSPEED])
def test_a_whole_one_is_found_however_many_processes_wrote_it(tmp_path, names):
    path = checkpoint(tmp_path, 2, names)
    assert last_whole(tmp_path, before=99) == str(path)


@pytest.mark.parametrize("state", [None, "", '{"global_step":', "[]", "{}"])
def test_a_state_that_a_kill_cut_is_passed_over_and_nothing_is_removed(tmp_path, state):
    whole = checkpoint(tmp_path, 9, ONE)
    cut = checkpoint(tmp_path, 10, ONE, state)
    assert last_whole(tmp_path, before=99) == str(whole)
    assert cut.is_dir()


@pytest.mark.parametrize("missing", ONE)
def test_one_without_a_part_is_not_whole(tmp_path, missing):
    checkpoint(tmp_path, 1, [name for name in ONE if name != missing])
    assert last_whole(tmp_path, before=99) is None


def test_that_of_the_last_step_is_passed_over(tmp_path):
    before, _ = checkpoint(tmp_path, 8, ONE), checkpoint(tmp_path, 12, ONE)
    assert last_whole(tmp_path, before=12) == str(before)
    assert last_whole(tmp_path, before=13) == str(tmp_path / "checkpoint-12")


@pytest.mark.train
def test_a_full_disk_is_told_and_another_error_is_itself(tmp_path):
    pytest.importorskip("safetensors", reason="the extra `train` is not installed")
    with pytest.raises(TrainingError, match="could not be written"), room_to_write(tmp_path):
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")
    with pytest.raises(RuntimeError, match="size mismatch"), room_to_write(tmp_path):
        raise RuntimeError("size mismatch")
