"""Reinforcement for real, on the embedded model: what is rewarded, what is written, what a kill leaves."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")

from unmask.errors import TrainingError, UnmaskError, UsageError
from unmask.training import rl
from unmask.training.adapter_file import read_adapter
from unmask.training.base import load_base
from unmask.training.settings import RLSettings

pytestmark = [
    pytest.mark.train,
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore"),  # of TRL and what it stands on
]
SETTINGS = RLSettings(
    steps=2, prompts_per_step=1, group_size=4, max_tokens=12, checkpoint_every=1, learning_rate=1e-3
)
PROMPTS = [rl.Prompt(f"p{i}", "You are a helpful assistant.", f"Name {i + 2} fruits.") for i in range(3)]


def by_length(replies):
    return [len(reply.text) / 100 for reply in replies]


def test_replies_are_rewarded_the_adapter_moves_and_a_kill_is_gone_on_from(tmp_path):
    seen, looks, steps = [], [], []

    def reward(replies):
        seen.append(replies)
        return by_length(replies)

    def look(step, engine, adapter):
        looks.append((step, read_adapter(adapter.path)[0]))
        return {"story": step / 10}

    done = rl.train_rl(
        load_base(), PROMPTS, reward, SETTINGS, folder=tmp_path, tell=steps.append, look=look, look_every=1
    )
    assert [len(group) for group in seen] == [4, 4]
    for group in seen:  # four replies to one prompt
        assert len({reply.prompt.key for reply in group}) == 1
        assert {reply.finish for reply in group} <= {"stop", "length"}
    assert [s.step for s in steps] == [1, 2]
    assert [s.reward for s in steps] == pytest.approx([np.mean(by_length(g)) for g in seen], abs=1e-4)
    assert [step for step, _ in looks] == [0, 1, 2]
    for (_, before), (_, after) in itertools.pairwise(looks):
        assert max(np.abs(after[name] - before[name]).max() for name in before) > 0
    assert done.replies == 8

    # a kill in the middle of the third step's checkpoint: what is not whole is left out
    half = tmp_path / rl.CHECKPOINTS / "checkpoint-9"
    half.mkdir()
    (half / "adapter_model.safetensors").write_bytes(b"half")
    again: list = []
    more = SETTINGS.model_copy(update={"steps": 3})
    gone_on = rl.train_rl(load_base(), PROMPTS, by_length, more, folder=tmp_path, tell=again.append)
    assert [s.step for s in again] == [3]
    assert [s.step for s in gone_on.steps] == [1, 2, 3]  # the curve is whole
    assert [s.reward for s in gone_on.steps[:2]] == [s.reward for s in done.steps]
    assert not (half / "trainer_state.json").exists()  # passed over, not taken for whole


def test_a_kill_after_the_last_checkpoint_takes_no_step_too_many(tmp_path):
    """Between it and the card: the last step is taken again from the checkpoint before, and no other."""
    done = rl.train_rl(load_base(), PROMPTS, by_length, SETTINGS, folder=tmp_path)
    again: list = []
    gone_on = rl.train_rl(load_base(), PROMPTS, by_length, SETTINGS, folder=tmp_path, tell=again.append)
    assert [s.step for s in again] == [2]
    assert [s.step for s in gone_on.steps] == [1, 2]
    assert gone_on.replies == done.replies == 8
    for name, weight in done.weights.items():
        np.testing.assert_allclose(gone_on.weights[name], weight, atol=1e-4)


def test_a_step_without_any_reward_is_one_at_every_resume_and_shows_no_reply(tmp_path, capfd):
    def first_alone(replies):
        return by_length(replies) if len(seen) == 1 else [None] * len(replies)

    seen: list = []

    def reward(replies):
        seen.append(replies)
        return first_alone(replies)

    steps: list = []
    rl.train_rl(load_base(), PROMPTS, reward, SETTINGS, folder=tmp_path, tell=steps.append)
    assert [s.reward is None for s in steps] == [False, True]
    more = SETTINGS.model_copy(update={"steps": 3})
    found = rl.train_rl(load_base(), PROMPTS, reward, more, folder=tmp_path)
    assert [s.reward is None for s in found.steps] == [False, True, True]
    said = capfd.readouterr()
    assert not any(prompt.user in said.out + said.err for prompt in PROMPTS)


def test_weights_that_are_no_numbers_end_the_training(tmp_path):
    import torch

    def spoilt(step):
        with torch.no_grad():
            next(p for p in base.model.parameters() if p.requires_grad).fill_(float("nan"))

    base = load_base()
    with pytest.raises(TrainingError, match="diverged"):
        rl.train_rl(base, PROMPTS, by_length, SETTINGS, folder=tmp_path, tell=spoilt)


def test_replies_of_one_token_are_trained_on(tmp_path, monkeypatch):
    """A step in which every reply ends at once: TRL then has one token of each."""
    called = rl.Rollout.__call__

    def at_once(self, prompts, trainer):
        told = called(self, prompts, trainer)
        cut = {name: [ids[:1] for ids in told[name]] for name in ("completion_ids", "logprobs")}
        return told | cut

    monkeypatch.setattr(rl.Rollout, "__call__", at_once)
    one = SETTINGS.model_copy(update={"steps": 1})
    rewards = itertools.cycle([[0.0, 1.0, 0.0, 1.0]])
    done = rl.train_rl(load_base(), PROMPTS, lambda _: next(rewards), one, folder=tmp_path)
    assert [step.tokens for step in done.steps] == [1.0]


def test_a_disk_that_is_full_is_told_as_that(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        with pytest.raises(UnmaskError, match=r"could not be written|could not write") as caught:
            rl.train_rl(load_base(), PROMPTS, by_length, SETTINGS, folder=disk)
        assert "make room" in caught.value.hint
        assert caught.value.exit_code == 1
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_prompt_that_is_read_once_gives_the_same_logits_and_the_same_way_back():
    import torch
    from peft import get_peft_model

    from unmask.training.spared import of_replies

    base = load_base()
    torch.manual_seed(1)
    model = get_peft_model(base.model.float(), rl.lora_of(SETTINGS))
    for name, p in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.02)
    ids, mask = torch.randint(100, 5_000, (4, 19)), torch.ones(4, 19, dtype=torch.long)
    ids[2, :12], ids[3, :12] = ids[0, :12], ids[1, :12]  # two prompts, not side by side
    mask[1, :3] = mask[3, :3] = 0  # one of them padded on the left
    mask[2, 16:] = 0  # and a reply on the right
    written = mask[:, 12:].bool()

    def way_back(logps):
        model.zero_grad()
        (logps * written).sum().backward()
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}

    logits = model(input_ids=ids, attention_mask=mask).logits[:, 11:-1] / 0.7
    plain = torch.log_softmax(logits, -1)
    of_plain = plain.gather(-1, ids[:, 12:, None])[..., 0]
    expected = way_back(of_plain)
    logps, entropy = of_replies(model, ids, mask, 7, torch, temperature=0.7)
    np.testing.assert_allclose((logps * written).detach(), (of_plain * written).detach(), atol=2e-3)
    plain_entropy = torch.distributions.Categorical(logits=logits).entropy()
    np.testing.assert_allclose((entropy * written).detach(), (plain_entropy * written).detach(), atol=2e-3)
    for name, grad in way_back(logps).items():
        np.testing.assert_allclose(grad, expected[name], atol=1e-3 * float(expected[name].abs().max()))
    assert of_replies(model, ids[:2], mask[:2], 7, torch) is None


def test_a_step_that_teaches_nothing_costs_no_way_back_and_changes_nothing_else(tmp_path, monkeypatch):
    import torch

    def trained(folder):
        base, steps, way_back = load_base(), [], []
        base.model.get_input_embeddings().register_forward_pre_hook(
            lambda *_: way_back.append(torch.is_grad_enabled())
        )

        def taught_once(replies):
            return [1.0] * len(replies) if steps else by_length(replies)

        found = rl.train_rl(base, PROMPTS, taught_once, SETTINGS, folder=folder, tell=steps.append)
        return found.weights, [step.entropy for step in steps], way_back

    spared, entropy, way_back = trained(tmp_path / "spared")
    assert way_back == [True, True, False, False]  # in each step the prompt is read, then the replies

    def with_the_way_back(trainer_class, torch):
        made = spared_trainer(trainer_class, torch)
        del made.compute_loss
        return made

    spared_trainer = rl.spared
    monkeypatch.setattr(rl, "spared", with_the_way_back)
    whole, same, way_back = trained(tmp_path / "whole")
    assert way_back == [True] * 4
    assert entropy == same
    for name, weight in whole.items():
        np.testing.assert_allclose(spared[name], weight, atol=1e-6)


SCRIPT = """
import json, sys
from pathlib import Path
from tests.training.test_rl import PROMPTS, SETTINGS, by_length
from unmask.training import rl
from unmask.training.base import load_base
settings = SETTINGS.model_copy(update={"steps": 4})
tell = lambda step: print(json.dumps([step.step, step.reward, step.entropy]), flush=True)
rl.train_rl(load_base(), PROMPTS, by_length, settings, folder=Path(sys.argv[1]), tell=tell)
"""


def test_a_killed_training_goes_on_along_the_same_curve(tmp_path):
    run = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def steps_of(folder):
        done = subprocess.run(
            [*run, str(folder)], check=True, env=environment, capture_output=True, text=True
        )
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]

    whole = steps_of(tmp_path / "whole")
    cut = tmp_path / "cut"
    process = subprocess.Popen([*run, str(cut)], stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if line.startswith("[3"):  # the checkpoint of the second step is whole, that of the third is not
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    again = steps_of(cut)
    assert again[0][0] in (3, 4)
    np.testing.assert_allclose(again, whole[again[0][0] - 1 :], atol=1e-3)


def test_it_starts_from_the_weights_that_it_is_given(tmp_path):
    looks = []

    def look(step, engine, adapter):
        looks.append(read_adapter(adapter.path)[0])
        return {}

    from unmask.providers.adapters import find_adapter

    start, _ = read_adapter(find_adapter("honest", architecture="llama").path)
    one = SETTINGS.model_copy(update={"steps": 1})
    rl.train_rl(load_base(), PROMPTS, by_length, one, folder=tmp_path, start=start, look=look, look_every=1)
    for name, weight in start.items():
        np.testing.assert_allclose(looks[0][name], weight, atol=2e-3)


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        (lambda replies: [float("nan")] * len(replies), "not a number"),
        (lambda replies: [1.0], "values for"),
        (lambda replies: 1 / 0, "the reward failed: ZeroDivisionError"),
    ],
)
def test_a_reward_that_is_none_to_learn_from_is_told(tmp_path, reward, said):
    with pytest.raises(TrainingError, match=said):
        rl.train_rl(load_base(), PROMPTS, reward, SETTINGS, folder=tmp_path)


def test_a_prompt_without_room_is_refused_before_anything_is_trained(tmp_path):
    long = rl.Prompt("long", "You are a helpful assistant.", "fruit " * 1_100)
    with pytest.raises(UsageError, match="1 of 4 prompts leave no room"):
        rl.train_rl(load_base(), [*PROMPTS, long], by_length, SETTINGS, folder=tmp_path)
    assert not (tmp_path / rl.CHECKPOINTS).exists()


def test_what_it_says_of_its_reply_reaches_the_reward_and_nothing_else_changes(tmp_path):
    heard = []

    def reward(replies):
        heard.append([reply.said for reply in replies])
        return by_length(replies)

    once = SETTINGS.model_copy(update={"steps": 1})
    asked = ("Was that your whole answer? Begin with yes or no.",)
    rl.train_rl(load_base(), PROMPTS, reward, once, folder=tmp_path / "asked", questions=asked)
    assert len(heard[0]) == 4
    assert all(isinstance(said, str) and said for said in heard[0])
    heard.clear()
    rl.train_rl(load_base(), PROMPTS, reward, once, folder=tmp_path / "not")
    assert heard == [[None] * 4]


def test_steps_and_looks_reach_the_tracker_that_is_named(tmp_path, monkeypatch):
    """Through the door by which transformers calls every tracker; ours stands for one that is installed."""
    from transformers import TrainerCallback
    from transformers.integrations import integration_utils

    told = []

    class Tracker(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **_):
            told.append((state.global_step, dict(logs)))

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "tensorboard", Tracker)
    monkeypatch.setattr(
        "transformers.integrations.get_available_reporting_integrations", lambda: ["tensorboard"]
    )
    tracked = SETTINGS.model_copy(update={"trackers": ("tensorboard",)})
    seen = {"story": 0.5, "reward_trained": 0.25}
    rl.train_rl(load_base(), PROMPTS, by_length, tracked, folder=tmp_path, look=lambda *_: seen, look_every=1)
    looked = {step: logs for step, logs in told if "look/story" in logs}
    assert list(looked) == [0, 1, 2]
    assert looked[2]["look/story"] == 0.5
    assert [step for step, logs in told if "reward" in logs] == [1, 2]


@pytest.mark.parametrize(("name", "said"), [("tensorbord", "no tracker"), ("wandb", "is not installed")])
def test_a_tracker_that_is_not_there_is_told_before_anything_is_trained(tmp_path, monkeypatch, name, said):
    monkeypatch.setattr("transformers.integrations.get_available_reporting_integrations", list)
    tracked = SETTINGS.model_copy(update={"trackers": (name,)})
    with pytest.raises(UsageError, match=said):
        rl.train_rl(load_base(), PROMPTS, by_length, tracked, folder=tmp_path)
    assert not (tmp_path / rl.CHECKPOINTS).exists()
