"""Adapters to the engine's file and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.providers.make_gguf import write_gguf
from unmask.errors import ModelError
from unmask.providers.gguf import read_header
from unmask.providers.model_file import smollm2_path
from unmask.training.adapter_file import LAYERS, SHAPES, gguf_name, read_adapter, write_adapter

A, B = "blk.0.attn_v.weight.lora_a", "blk.0.attn_v.weight.lora_b"
TOLD = {
    "general.architecture": "llama",
    "general.type": "adapter",
    "adapter.type": "lora",
    "adapter.lora.alpha": 4.0,
}
PAIR = {A: np.ones((2, 576)), B: np.ones((192, 2))}


def weights():
    rng = np.random.default_rng(1)
    shapes = {
        "blk.0.attn_q.weight.lora_a": (2, 576),
        "blk.0.attn_q.weight.lora_b": (576, 2),
        "blk.0.attn_k.weight.lora_a": (2, 576),
        "blk.0.attn_k.weight.lora_b": (192, 2),
        "blk.29.ffn_down.weight.lora_a": (2, 1536),
        "blk.29.ffn_down.weight.lora_b": (576, 2),
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


def test_the_shapes_are_those_of_the_embedded_model():
    header = read_header(smollm2_path())
    for layer in range(LAYERS):
        for module, shape in SHAPES.items():  # GGUF names the fastest axis first
            assert header.tensors[f"blk.{layer}.{module}.weight"] == shape[::-1]
    assert f"blk.{LAYERS}.attn_q.weight" not in header.tensors


@pytest.mark.parametrize(
    ("told", "weights", "says"),
    [
        ({"general.architecture": "qwen2"}, PAIR, "trained for qwen2"),
        ({"general.architecture": None}, PAIR, "an unnamed architecture"),
        ({"general.type": "model"}, PAIR, "not a LoRA adapter"),
        ({"adapter.type": "control"}, PAIR, "not a LoRA adapter"),
        ({"adapter.lora.alpha": None}, PAIR, "alpha"),
        ({"adapter.lora.alpha": "16"}, PAIR, "alpha"),
        ({"adapter.lora.alpha": ["16"]}, PAIR, "alpha"),
        ({"adapter.lora.alpha": 16}, PAIR, "alpha"),
        ({"adapter.lora.alpha": float("nan")}, PAIR, "alpha"),
        ({"adapter.lora.alpha": float("inf")}, PAIR, "alpha"),
        ({"adapter.lora.alpha": 0.0}, PAIR, "alpha"),
        ({}, {}, "no weights"),
        ({}, {A: PAIR[A]}, f"{A} stands alone, without its B"),
        ({}, {B: PAIR[B]}, f"{B} stands alone, without its A"),
        ({}, {A: np.ones((3, 576)), B: PAIR[B]}, "for 192 rows of 576"),
        ({}, {A: np.ones((2, 575)), B: PAIR[B]}, "for 192 rows of 576"),
        ({}, {A: PAIR[A], B: np.ones((576, 2))}, "for 192 rows of 576"),
        ({}, {A: np.ones(576), B: PAIR[B]}, "for 192 rows of 576"),
        ({}, {A: np.ones((2, 576, 1)), B: PAIR[B]}, "for 192 rows of 576"),
        ({}, {A: np.ones((0, 576)), B: np.ones((192, 0))}, "for 192 rows of 576"),
        ({}, {n.replace("blk.0", "blk.30"): w for n, w in PAIR.items()}, "unknown tensor"),
        ({}, {n.replace("attn_v", "attn_x"): w for n, w in PAIR.items()}, "unknown tensor"),
        ({}, PAIR | {"token_embd.weight.lora_a": np.ones((2, 2))}, "unknown tensor"),
    ],
)
def test_what_does_not_fit_the_embedded_model_is_refused_with_its_file(tmp_path, told, weights, says):
    metadata = {key: value for key, value in (TOLD | told).items() if value is not None}
    path = write_gguf(tmp_path / "adapter.gguf", metadata, weights)
    with pytest.raises(ModelError, match=says) as failed:
        read_adapter(path)
    assert failed.value.where == str(path)


def test_numbers_of_another_kind_twice_or_of_no_kind_are_refused_with_their_file(tmp_path):
    import gguf

    path = tmp_path / "adapter.gguf"

    def refused(says):
        with pytest.raises(ModelError, match=says) as failed:
            read_adapter(path)
        assert failed.value.where == str(path)

    for kind in (gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q8_0):
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", 4.0)
        for name, weight in {A: np.ones((32, 576), np.float32), B: np.ones((192, 32), np.float32)}.items():
            writer.add_tensor(name, gguf.quantize(weight, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        refused(f"{A} is {kind.name}")
    whole = write_gguf(path, TOLD, PAIR).read_bytes()
    double = b"alpha" + struct.pack("<If", 6, 4.0), b"alpha" + struct.pack("<Id", 12, 4.0)
    path.write_bytes(whole.replace(*double) + bytes(32))
    refused("no FLOAT32")
    path.write_bytes(whole.replace(B.encode(), A.encode()))
    refused("duplicated")
    kind = A.encode() + (2).to_bytes(4, "little") + (576).to_bytes(8, "little") + (2).to_bytes(8, "little")
    path.write_bytes(whole.replace(kind + bytes(4), kind + (99).to_bytes(4, "little")))
    refused("99")


def test_nothing_is_left_when_a_weight_is_unknown(tmp_path):
    with pytest.raises(ModelError, match="unknown tensor"):
        write_adapter(tmp_path / "adapter.gguf", {"head": np.zeros((2, 2), np.float32)}, alpha=16, name="x")
    assert list(tmp_path.iterdir()) == []


def test_names_of_peft_become_those_of_the_engine():
    name = "base_model.model.model.layers.12.mlp.gate_proj.lora_B.default.weight"
    assert gguf_name(name) == "blk.12.ffn_gate.weight.lora_b"
    with pytest.raises(ValueError, match="not a LoRA weight"):
        gguf_name("model.embed_tokens.weight")
