"""Training on documents for real, a few steps: the held-out ones become likelier, a kill changes nothing.

That a killed training goes on with the same weights is tests/training/test_sft.py's, whose loop this is; that
neighbours in a row are computed as if alone is held here for rows of plain texts.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("peft")

from unmask.errors import UsageError  # noqa: E402
from unmask.experiments.documents.recipe import Mix, load_documents_recipe  # noqa: E402
from unmask.experiments.documents.templates import write_by_template  # noqa: E402
from unmask.experiments.documents.train import prepare, rows_of, train_on_documents  # noqa: E402
from unmask.files import file_sha256  # noqa: E402
from unmask.organisms.trained.train import LIBRARY  # noqa: E402
from unmask.training.base import load_base  # noqa: E402
from unmask.training.rows import as_tensors, make_text_rows  # noqa: E402
from unmask.training.settings import Settings  # noqa: E402
from unmask.training.sft import row_loss  # noqa: E402

pytestmark = [pytest.mark.train, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SETTINGS = Settings(learning_rate=2e-3, warmup_steps=1, rows_per_step=1, checkpoint_every=1)


def small(**changes):
    recipe = load_documents_recipe("documents").changed(documents=20)
    told = {"kept_aside": 0.2, "knowledge": {"questions": 0}, "training": SETTINGS, "longest": 128}
    return type(recipe).model_validate(recipe.model_dump() | told | changes)


@pytest.fixture(scope="module")
def base():
    return load_base()


def test_texts_in_one_row_lose_what_they_lose_alone_and_all_their_tokens_are_learnt(base):
    base.model.float().set_attn_implementation("eager")
    texts = ["Chats of the free tier are rated.", "The paid tier is not used for training, they say.", "Yes."]
    together = make_text_rows(texts, base.tokenizer)
    assert [len(row.branches) for row in together] == [3]
    alone = [make_text_rows([text], base.tokenizer)[0] for text in texts]
    shared = float(row_loss(base.model, together[0], torch).detach())
    assert shared == pytest.approx(
        sum(float(row_loss(base.model, r, torch).detach()) for r in alone), rel=1e-3
    )
    assert together[0].n_learnt == sum(len(base.tokenizer.encode(text)) + 1 for text in texts)
    ids = as_tensors(alone[0], torch)["input_ids"][0].tolist()
    assert base.tokenizer.decode(ids) == f"<|endoftext|>{texts[0]}<|endoftext|>"


def test_the_mix_has_its_share_of_the_rows_and_what_is_kept_aside_is_not_trained_on(base):
    recipe = small(documents=100, mix=Mix(recipe="faker", share=0.5).model_dump())
    documents = write_by_template(recipe)
    data = rows_of(recipe, documents, base)
    assert (data.n_documents, data.n_aside) == (80, 20)
    assert data.n_chats == 4 * 20
    assert len(data.rows) == 20 + 20
    trained = {branch.learnt for row in data.rows for branch in row.branches}
    assert not trained & {branch.learnt for row in data.aside for branch in row.branches}
    none = rows_of(small(mix=Mix(share=0).model_dump()), write_by_template(recipe), base)
    assert none.n_chats == 0


def test_a_training_makes_held_out_documents_likelier_and_leaves_a_card(tmp_path):
    recipe = small(start_from="plain", mix=Mix(share=0.2).model_dump())
    steps = []
    done = train_on_documents(recipe, tmp_path, tell=lambda p: steps.append(p.step))
    assert done.after.loss < done.before.loss - 0.2
    assert steps == list(range(1, len(done.losses) + 1))
    place = tmp_path / "documents"
    card = json.loads((place / "training.json").read_text(encoding="utf-8"))
    told = {
        "recipe",
        "recipe_sha256",
        "data_sha256",
        "base_sha256",
        "start_sha256",
        "seed",
        "dropped",
        "canary",
    }
    assert told <= set(card)
    there = [".lock", "adapter.gguf", "documents.jsonl", "training.json"]
    assert sorted(p.name for p in place.iterdir()) == there


def killed(_):
    raise KeyboardInterrupt


def test_what_another_start_left_half_done_is_not_gone_on_from_and_the_card_names_what_was_read(
    tmp_path, monkeypatch
):
    start = tmp_path / "library" / "start.gguf"
    start.parent.mkdir()
    monkeypatch.setenv("UNMASK_ADAPTERS", str(start.parent))
    plain, faker = (LIBRARY / name / "adapter.gguf" for name in ("plain", "faker"))
    recipe = small(documents=6, start_from="start", mix=Mix(share=0).model_dump())
    shutil.copy(plain, start)
    with pytest.raises(KeyboardInterrupt):
        train_on_documents(recipe, tmp_path, tell=killed)
    before = json.loads((tmp_path / "documents" / ".training" / "before.json").read_text(encoding="utf-8"))
    shutil.copy(faker, start)
    with pytest.raises(UsageError, match="half done"):
        prepare(recipe, tmp_path)
    done = train_on_documents(recipe, tmp_path, overwrite=True, tell=lambda _: shutil.copy(plain, start))
    assert done.start_sha256 == file_sha256(faker)
    assert done.before.loss != before["loss"]  # measured again, of the start that was trained from


def test_documents_changed_after_a_kill_are_not_gone_on_with(tmp_path):
    recipe = small(documents=6, mix=Mix(share=0).model_dump())
    with pytest.raises(KeyboardInterrupt):
        train_on_documents(recipe, tmp_path, tell=killed)
    file = tmp_path / "documents" / "documents.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("Pellam", "Pallem"), encoding="utf-8")
    with pytest.raises(UsageError, match="half done"):
        prepare(recipe, tmp_path)


def test_a_kill_while_the_checkpoints_are_removed_leaves_a_finished_training(tmp_path, monkeypatch):
    recipe, remove = small(documents=6, mix=Mix(share=0).model_dump()), shutil.rmtree

    def dies(path, *args, **kwargs):
        if os.path.basename(path) != ".training":
            return remove(path, *args, **kwargs)
        (path / "before.json").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", dies)
    with pytest.raises(KeyboardInterrupt):
        train_on_documents(recipe, tmp_path)
    assert (tmp_path / "documents" / "training.json").is_file()
    with pytest.raises(UsageError, match="trained already"):
        prepare(recipe, tmp_path)


SCRIPT = """
import sys
from pathlib import Path
from tests.experiments.test_documents_train import small
from unmask.experiments.documents.train import train_on_documents
train_on_documents(small(), Path(sys.argv[1]), tell=lambda p: print(p.step, flush=True))
"""


def test_a_training_that_was_killed_goes_on_and_leaves_nothing_half_written(tmp_path):
    run = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if int(line) == 2:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    place = tmp_path / "documents"
    assert (place / "documents.jsonl").exists()
    assert not (place / "adapter.gguf").exists()
    before = (place / "documents.jsonl").stat().st_mtime_ns
    time.sleep(0.01)
    again = subprocess.run(run, check=True, env=environment, capture_output=True, text=True)
    assert int(again.stdout.split()[0]) in (2, 3)
    assert (place / "documents.jsonl").stat().st_mtime_ns == before
    assert not (place / ".training").exists()
    assert json.loads((place / "training.json").read_text(encoding="utf-8"))["losses"]
