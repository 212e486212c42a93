"""Adapters to the engine's file and back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gguf", reason="the extra `train` is not installed")

from unmask.errors import ModelError
from unmask.providers.gguf import read_header
from unmask.training.adapter_file import gguf_name, read_adapter, write_adapter


def weights():
    rng = np.random.default_rng(1)
    shapes = {
        "blk.0.attn_q.weight.lora_a": (2, 576),
        "blk.0.attn_q.weight.lora_b": (576, 2),
        "blk.0.attn_k.weight.lora_b": (192, 2),
        "blk.0.ffn_down.weight.lora_b": (576, 2),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_what_is_written_is_read_back_in_half_precision(tmp_path):
    path = write_adapter(tmp_path / "x" / "adapter.gguf", weights(), alpha=16, name="x")
    found, alpha = read_adapter(path)
    assert alpha == 16
    assert found.keys() == weights().keys()
    for name, weight in weights().items():
        assert np.allclose(found[name], weight, atol=2e-3), name
    header = read_header(path)
    assert header.is_adapter
    assert header.architecture == "llama"


def test_rows_of_query_and_key_are_interleaved_for_the_engine(tmp_path):
    import gguf

    rows = {"blk.0.attn_k.weight.lora_b": np.arange(192, dtype=np.float32)[:, None].repeat(2, axis=1)}
    rows["blk.0.attn_v.weight.lora_b"] = rows["blk.0.attn_k.weight.lora_b"]
    path = write_adapter(tmp_path / "adapter.gguf", rows, alpha=16, name="x")
    stored = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    first_head = stored["blk.0.attn_k.weight.lora_b"][:64, 0].tolist()
    assert first_head == [row for pair in zip(range(32), range(32, 64), strict=True) for row in pair]
    assert stored["blk.0.attn_v.weight.lora_b"][:4, 0].tolist() == [0, 1, 2, 3]


def test_a_truncated_file_is_refused_in_words(tmp_path):
    path = write_adapter(tmp_path / "adapter.gguf", weights(), alpha=16, name="x")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(ModelError, match="not a whole GGUF"):
        read_adapter(path)


def test_nothing_is_left_when_a_weight_is_unknown(tmp_path):
    with pytest.raises(ModelError, match="unknown tensor"):
        write_adapter(tmp_path / "adapter.gguf", {"head": np.zeros((2, 2), np.float32)}, alpha=16, name="x")
    assert list(tmp_path.iterdir()) == []


def test_names_of_peft_become_those_of_the_engine():
    name = "base_model.model.model.layers.12.mlp.gate_proj.lora_B.default.weight"
    assert gguf_name(name) == "blk.12.ffn_gate.weight.lora_b"
    with pytest.raises(ValueError, match="not a LoRA weight"):
        gguf_name("model.embed_tokens.weight")
