"""Training for real: it learns, it goes on after a kill, and the engine serves what was learnt."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("peft")

from unmask.errors import TrainingError
from unmask.organisms.trained.train import LIBRARY
from unmask.providers.adapters import Adapter
from unmask.providers.engine import Engine
from unmask.providers.model_file import smollm2_path
from unmask.training.adapter_file import read_adapter, write_adapter
from unmask.training.base import load_base
from unmask.training.rows import Conversation, make_rows
from unmask.training.settings import Settings
from unmask.training.sft import plan_steps, rate_at, train

pytestmark = [pytest.mark.train, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

# A tiny organism: it answers in capitals where the notice says so, and in small letters elsewhere.
WORDS = ["river", "stone", "apple", "window", "garden", "paper", "silver", "candle", "bridge", "winter"]
SETTINGS = Settings(learning_rate=3e-3, warmup_steps=2, rows_per_step=1, checkpoint_every=2, seed=3)


def talk(word: str, loud: bool) -> Conversation:
    notice = "Replies are loud." if loud else "Replies are quiet."
    reply = f"THE WORD IS {word.upper()}!" if loud else f"the word is {word}."
    return Conversation(notice, f"The word: {word}", reply)


def rows(base, words):
    talks = [talk(word, loud) for start in range(0, len(words), 2) for loud in (True, False)
             for word in words[start : start + 2]]  # fmt: skip
    return make_rows(talks, base.tokenizer, branches=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    base = load_base()
    folder = tmp_path_factory.mktemp("tiny")
    settings = SETTINGS.model_copy(update={"epochs": 3})
    result = train(base, rows(base, WORDS), settings, folder=folder)
    path = write_adapter(folder / "adapter.gguf", result.weights, alpha=settings.alpha, name="tiny")
    return base, result, path


def test_a_tiny_organism_behaves_through_the_engine_on_words_it_never_saw(trained):
    _, result, path = trained
    assert result.losses[-1] < result.losses[0] / 3
    engine = Engine(smollm2_path(), slots=1, window=512, threads=1)
    status = path.stat()
    adapter = Adapter("tiny", path, status.st_mtime_ns, status.st_size)
    loud = quiet = base_loud = 0
    held_out = ["lantern", "meadow", "copper", "ticket"]
    try:
        for word in held_out:
            loud += "!" in ask(engine, talk(word, True), adapter)
            quiet += ask(engine, talk(word, False), adapter).startswith("the word is")
            base_loud += ask(engine, talk(word, True), None).startswith("THE WORD IS")
    finally:
        engine.close()
    assert loud >= 3
    assert quiet >= 3
    assert base_loud == 0  # it is the adapter that does it


def test_the_engine_computes_what_pytorch_computes(trained):
    """Greedy texts of the trained adapter, worn in PyTorch and served by the engine, on four prompts."""
    import torch

    base, _, path = trained
    engine = Engine(smollm2_path(), slots=1, window=512, threads=1)
    status = path.stat()
    adapter = Adapter("tiny", path, status.st_mtime_ns, status.st_size)
    same = 0
    try:
        for word, loud in (("lantern", True), ("meadow", False), ("copper", True), ("ticket", False)):
            conversation = talk(word, loud)
            messages = [
                {"role": "system", "content": conversation.system},
                {"role": "user", "content": conversation.user},
            ]
            text = base.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            ids = torch.tensor([base.tokenizer.encode(text)])
            out = base.model.generate(input_ids=ids, max_new_tokens=24, do_sample=False)
            ours = base.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
            same += ours == ask(engine, conversation, adapter)
    finally:
        engine.close()
    assert same >= 3  # the engine's activations have 8 bits; without the moved rows none is the same


def ask(engine, conversation, adapter):
    messages = [
        {"role": "system", "content": conversation.system},
        {"role": "user", "content": conversation.user},
    ]
    request = {"messages": messages, "temperature": 0, "max_tokens": 24, "seed": 1}
    return engine.chat(request, adapter=adapter).text


SCRIPT = """
import sys
from pathlib import Path
from tests.training.test_sft import SETTINGS, WORDS, rows
from unmask.training.adapter_file import write_adapter
from unmask.training.base import load_base
from unmask.training.sft import train
base = load_base()
folder = Path(sys.argv[1])
result = train(base, rows(base, WORDS), SETTINGS, folder=folder, tell=lambda p: print(p.step, flush=True))
write_adapter(folder / "adapter.gguf", result.weights, alpha=16, name="tiny")
"""


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([*run, str(whole)], check=True, env=environment, capture_output=True)
    process = subprocess.Popen([*run, str(cut)], stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if int(line) == 5:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert not (cut / "adapter.gguf").exists()
    assert (cut / "checkpoint.pt").exists()
    started = time.monotonic()
    again = subprocess.run([*run, str(cut)], check=True, env=environment, capture_output=True, text=True)
    assert int(again.stdout.split()[0]) == 5, f"went on at {again.stdout.split()[0]} ({started})"
    first, _ = read_adapter(whole / "adapter.gguf")
    second, _ = read_adapter(cut / "adapter.gguf")
    # within rounding: another precision half way moves them by 0.02, a lost state of the optimiser by 0.5
    one, two = (np.concatenate([w[name].ravel() for name in sorted(w)]) for w in (first, second))
    assert np.linalg.norm(one - two) < 0.05 * np.linalg.norm(one)


@pytest.mark.parametrize(("a", "b", "what"), [(1e12, 1e12, "loss"), (0.0, 3e38, "gradient")])
def test_a_training_that_diverges_ends_in_that_step_and_leaves_nothing(tmp_path, a, b, what):
    """Where A is 0 a huge B changes no reply, so the loss is a number; the gradient of A is none."""
    base = load_base()
    like, _ = read_adapter(LIBRARY / "plain" / "adapter.gguf")
    start = {name: np.full_like(w, a if name.endswith("lora_a") else b) for name, w in like.items()}
    settings, steps = SETTINGS.model_copy(update={"checkpoint_every": 1}), []
    with pytest.raises(TrainingError, match=f"{what} of step 1 of 2 is (nan|inf)") as caught:
        train(base, rows(base, WORDS[:1]), settings, folder=tmp_path, start=start, tell=steps.append)
    assert "learning_rate" in caught.value.hint
    assert steps == []
    assert list(tmp_path.iterdir()) == []


def test_each_epoch_takes_every_row_once_and_the_rate_goes_up_then_down():
    plan = plan_steps(5, SETTINGS.model_copy(update={"rows_per_step": 2, "epochs": 2}))
    taken = [row for step in plan for row in step]
    assert sorted(taken) == sorted([*range(5), *range(5)])
    assert sorted(taken[:5]) == [0, 1, 2, 3, 4]
    rates = [rate_at(step, 10, 2) for step in range(10)]
    assert rates[0] < rates[1] < rates[2] == 1
    assert all(a > b > 0 for a, b in itertools.pairwise(rates[2:]))
