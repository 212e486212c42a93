"""GPUs by configuration: resolved without one, and trained for a step on CPU through the same code."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from unmask.cli import main
from unmask.errors import ModelError, UsageError
from unmask.training.base import _bfloat16_units, fast_dtype
from unmask.training.hardware import FOLDER, Hardware, resolve
from unmask.training.rl_hardware import LAUNCHED, check_launched, weights_sha256
from unmask.training.settings import RLSettings

SETTINGS = RLSettings(steps=3, prompts_per_step=4, group_size=4)


@pytest.mark.parametrize("name", ["one", "fsdp", "deepspeed"])
def test_the_ready_files_are_yaml_of_one_machine(name):
    told = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert told["num_machines"] == 1
    assert told["mixed_precision"] == "bf16"


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        ({"processes": 3, "accelerate": "fsdp"}, "cannot be spread over 3 processes"),
        ({"processes": 2}, "accelerate: one, but 2 processes"),
    ],
)
def test_what_cannot_be_spread_is_told_before_anything_is_loaded(tmp_path, hardware, said):
    with pytest.raises(UsageError, match=said):
        resolve(
            ["mine.yaml", "--steps", "5"], Hardware(model="x/y", per_device=4, **hardware), SETTINGS, tmp_path
        )


def test_a_process_that_accelerate_did_not_start_is_told_the_command(monkeypatch):
    monkeypatch.delenv(LAUNCHED, raising=False)
    with pytest.raises(UsageError) as e:
        check_launched(["mine.yaml"], Hardware(model="x/y", accelerate="fsdp", processes=8))
    assert "accelerate launch --config_file" in e.value.hint
    assert "--num_processes 8 -m unmask train rl mine.yaml" in e.value.hint


@pytest.mark.train
@pytest.mark.filterwarnings("ignore")
def test_a_dry_run_resolves_everything_without_a_gpu(capsys, tmp_path):
    pytest.importorskip("trl", reason="the extra `train` is not installed")
    assert main(["train", "rl", "gpu", "--dry-run", "--library", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    resolved = told["resolved"]
    assert resolved["accelerate"]["distributed_type"] == "FSDP"
    assert (resolved["trainer"]["use_vllm"], resolved["trainer"]["vllm_mode"]) == (True, "colocate")
    assert (resolved["replies_per_step"], resolved["passes_per_step"], told["prompts"]) == (128, 1, 144)
    assert any("GPUs" in lack for lack in resolved["missing"])
    assert not list(tmp_path.iterdir())


@pytest.mark.train
@pytest.mark.filterwarnings("ignore")
def test_the_same_code_trains_on_cpu_and_goes_on_after_a_kill(tmp_path, monkeypatch):
    pytest.importorskip("trl", reason="the extra `train` is not installed")
    from unmask.experiments.rl import train_by_rl
    from unmask.experiments.rl_recipe import Looks, load_rl_recipe
    from unmask.training import base

    transformers, torch = base.require_training()
    folder = base._cached(transformers, torch)
    recipe = load_rl_recipe("gpu").model_copy(
        update={
            "hardware": Hardware(model=str(folder), per_device=2, vllm="off", cpu=True),
            "training": RLSettings(
                steps=2, prompts_per_step=1, group_size=2, max_tokens=8, checkpoint_every=1
            ),
            "queries": 2,
            "audit": Looks(every=1, queries=2),
        }
    )
    monkeypatch.setenv(LAUNCHED, "no")

    class Killed(Exception):  # noqa: N818
        """As good as a kill."""

    def die(step):
        if step.step == 2:  # the checkpoint of the first is whole by then
            raise Killed

    with pytest.raises(Killed):
        train_by_rl(recipe, tmp_path, tell=die)
    steps, looks = [], []
    done = train_by_rl(recipe, tmp_path, tell=lambda s: steps.append(s.step), show=looks.append)
    assert done is not None
    assert steps == [2]
    assert [s.step for s in done.steps] == [1, 2]
    assert [look.step for look in looks] == [2]
    assert [look.step for look in done.looks] == [0, 1, 2]
    assert all(look.n == 8 and 2 < look.tokens <= 8 for look in done.looks)  # 2 requests, mappings and roles
    place = tmp_path / "gpu"
    assert (place / "adapter_model.safetensors").stat().st_size > 1e6
    assert json.loads((place / "adapter_config.json").read_text())["r"] == 8
    assert json.loads((place / "training.json").read_text())["adapter_sha256"] == done.adapter_sha256
    assert not (place / ".training").exists()
    assert done.base_sha256 == weights_sha256(str(folder))
    assert len(done.base_sha256) == 64


def test_the_hash_of_a_model_is_of_its_weights_and_nothing_else(tmp_path):
    pytest.importorskip("huggingface_hub", reason="the extra `train` is not installed")
    with pytest.raises(ModelError, match="no weights"):
        weights_sha256(str(tmp_path))
    (tmp_path / "model-1.safetensors").write_bytes(b"one")
    first = weights_sha256(str(tmp_path))
    (tmp_path / "README.md").write_text("told")
    assert weights_sha256(str(tmp_path)) == first
    (tmp_path / "model-2.safetensors").write_bytes(b"one")
    assert weights_sha256(str(tmp_path)) != first


@pytest.mark.train
@pytest.mark.skipif(platform.machine() != "x86_64", reason="asks Linux for the units of an x86 processor")
def test_the_precision_is_what_the_processor_has_units_for():
    torch = pytest.importorskip("torch")
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    has = bool({"avx512_bf16", "amx_bf16"} & set(flags))
    assert _bfloat16_units(torch) is has
    assert fast_dtype() is (torch.bfloat16 if has else torch.float32)


@pytest.mark.parametrize(
    ("told", "units"),
    [
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True}, None),
    ],
)
def test_units_for_bfloat16_are_read_from_what_pytorch_tells(told, units):
    assert _bfloat16_units(SimpleNamespace(cpu=SimpleNamespace(get_capabilities=lambda: told))) is units
    assert _bfloat16_units(SimpleNamespace(cpu=SimpleNamespace())) is None
