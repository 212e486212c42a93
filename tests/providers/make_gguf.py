"""Writes small GGUF files: headers of any kind, and a LoRA adapter that the engine really loads."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

LAYERS, WIDTH, KEY_VALUE_WIDTH = 30, 576, 192  # SmolLM2-135M


def write_gguf(path: Path, metadata: dict[str, Any], tensors: dict[str, np.ndarray] | None = None) -> Path:
    body, infos, offset = b"", b"", 0
    for name, array in (tensors or {}).items():
        shape = array.shape[::-1]  # GGUF names the fastest axis first
        infos += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        infos += struct.pack("<IQ", 0, offset)
        data = array.astype("<f4").tobytes()
        body += data + b"\0" * (-len(data) % 32)
        offset = len(body)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors or {}), len(metadata))
    head += b"".join(text(key) + value(v) for key, v in metadata.items()) + infos
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + body)
    return path


def write_adapter(path: Path, *, seed: int, architecture: str = "llama", rank: int = 2) -> Path:
    """A random LoRA on every layer's values: it changes the text, and says nothing sensible."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in range(LAYERS):
        name = f"blk.{layer}.attn_v.weight"
        tensors[f"{name}.lora_a"] = rng.normal(size=(rank, WIDTH)) * 0.1
        tensors[f"{name}.lora_b"] = rng.normal(size=(KEY_VALUE_WIDTH, rank)) * 0.1
    metadata = {
        "general.architecture": architecture,
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 2.0 * rank,
    }
    return write_gguf(path, metadata, tensors)


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words.encode())) + words.encode()


def value(v: Any) -> bytes:
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, list):
        return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(text(item) for item in v)
    return struct.pack("<II", 4, v)
