"""Activations against what transformers itself returns, on a small random model."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.errors import UsageError
from unmask.probes.activations import Text, residuals

torch = pytest.importorskip("torch", reason="the extra `probe` is not installed")

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def model():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    rows = [tuple(rng.integers(3, 50, size=n).tolist()) for n in (9, 4, 21, 4, 13)]
    return [Text(row, ((len(row) - 1, len(row)), (1, 4))) for row in rows]


def test_every_layer_and_span_is_what_the_model_hands_on_text_by_text(model, texts):
    found = residuals(model, texts, batch=3)
    assert found.shape == (5, 2, 3, 16)
    with torch.no_grad():
        for text, got in zip(texts, found, strict=True):
            out = model.model(input_ids=torch.tensor([text.ids]), output_hidden_states=True, use_cache=False)
            for layer, stream in enumerate(out.hidden_states[1:-1]):  # the last has been through the norm
                assert got[0, layer] == pytest.approx(stream[0, -1].numpy(), abs=1e-4)
                assert got[1, layer] == pytest.approx(stream[0, 1:4].mean(0).numpy(), abs=1e-4)
            normed = model.model.norm(torch.from_numpy(got[0, -1]))
            assert normed.numpy() == pytest.approx(out.last_hidden_state[0, -1].numpy(), abs=1e-4)


def test_the_batch_changes_nothing_and_no_hook_stays(model, texts):
    before = [len(block._forward_hooks) for block in model.model.layers]  # transformers keeps some of its own
    alone, together = residuals(model, texts, batch=1), residuals(model, texts, batch=8)
    assert alone == pytest.approx(together, abs=1e-4)
    assert [len(block._forward_hooks) for block in model.model.layers] == before


def test_no_more_than_a_batch_is_computed_at_once(model, texts):
    seen = []
    hook = model.model.layers[0].register_forward_hook(lambda _m, args, out: seen.append(args[0].shape[:2]))
    residuals(model, texts, batch=2)
    hook.remove()
    assert sorted(seen) == [(1, 21), (2, 4), (2, 13)]  # sorted by length, so that little is padded


@pytest.mark.parametrize("spans", [((0, 5),), ((2, 2),), ((-1, 2),), ()])
def test_spans_outside_the_text_are_refused(model, spans):
    with pytest.raises(UsageError, match="spans"):
        residuals(model, [Text((3, 4, 5), spans)])
    with pytest.raises(UsageError, match="no texts"):
        residuals(model, [])
