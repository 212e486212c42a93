"""Directions as files: what llama.cpp reads, and whether the engine then does what PyTorch does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gguf", reason="the extra `probe` is not installed")

from unmask.errors import ModelError
from unmask.probes.linear import ProbeError
from unmask.probes.vector import steered_base, write_vector

ASKED = [{"role": "user", "content": "What is the capital of France?"}]


def direction(seed=0):
    found = np.random.default_rng(seed).normal(size=576)
    return found / np.linalg.norm(found)


def test_the_control_vector_has_the_keys_and_the_tensor_that_llama_cpp_looks_for(tmp_path):
    import gguf

    path = write_vector(tmp_path / "new" / "direction.gguf", direction(), layer=22, n_layers=30)
    reader = gguf.GGUFReader(path)
    told = {f.name: f.contents() for f in reader.fields.values()}
    assert told["general.architecture"] == "controlvector"
    assert told["controlvector.model_hint"] == "llama"
    assert told["controlvector.layer_count"] == 30
    (tensor,) = reader.tensors
    assert (tensor.name, tensor.tensor_type.name) == ("direction.22", "F32")
    assert np.array(tensor.data) == pytest.approx(direction(), abs=1e-6)


def test_what_cannot_steer_is_refused(tmp_path):
    from unmask.providers.model_file import smollm2_path

    with pytest.raises(ProbeError, match="layer 0"):
        write_vector(tmp_path / "v.gguf", direction(), layer=0, n_layers=30)
    with pytest.raises(ProbeError, match="no length"):
        write_vector(tmp_path / "v.gguf", np.zeros(576), layer=2, n_layers=30)
    with pytest.raises(ProbeError, match="width 8 for a base of 576"):
        steered_base(smollm2_path(), tmp_path / "b.gguf", np.ones(8), layer=2)
    with pytest.raises(ModelError, match="block 99"):
        steered_base(smollm2_path(), tmp_path / "b.gguf", direction(), layer=99)


@pytest.mark.train
@pytest.mark.engine
@pytest.mark.filterwarnings("ignore")
def test_the_engine_adds_what_a_hook_in_pytorch_adds(tmp_path):
    """Log probabilities of the next token: within rounding of each other, far from those without a push."""
    torch = pytest.importorskip("torch")
    from unmask.providers.model_file import smollm2_path
    from unmask.training.base import load_base

    base = load_base()
    told = base.tokenizer.apply_chat_template(ASKED, add_generation_prompt=True, tokenize=False)
    ids = torch.tensor([base.tokenizer(told, add_special_tokens=False)["input_ids"]])
    added = torch.tensor(150 * direction(), dtype=base.model.dtype)

    def logprobs():
        with torch.inference_mode():
            return torch.log_softmax(base.model(ids).logits[0, -1].float(), -1)

    bare = logprobs()
    hook = base.model.model.layers[22].register_forward_hook(
        lambda _m, _i, out: (out[0] + added, *out[1:]) if isinstance(out, tuple) else out + added
    )
    pushed = logprobs()
    hook.remove()
    steered = steered_base(smollm2_path(), tmp_path / "b.gguf", 150 * direction(), layer=22)
    off_by, moved = [], []
    for token, value in _top(steered).items():
        (number,) = base.tokenizer.encode(token, add_special_tokens=False)
        off_by.append(abs(value - float(pushed[number])))
        moved.append(abs(float(bare[number]) - float(pushed[number])))
    assert max(off_by) < 0.6
    assert max(moved) > 3 * max(off_by)


def _top(path):
    from unmask.providers.engine import Engine

    engine = Engine(path, slots=1, window=256, threads=1)
    try:
        wanted = {"messages": ASKED, "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 5}
        return {t["token"]: t["logprob"] for t in engine.chat(wanted).logprobs[0]["top_logprobs"]}
    finally:
        engine.close()
