"""LoRA weights to and from the adapter file that llama.cpp reads (GGUF, f16).

llama.cpp keeps the rows of the query and key projections in another order than transformers (pairs of a
rotation interleaved), so the rows of their B matrices move. Without that the adapter half works.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unmask.errors import ModelError, UnmaskError

Arrays = dict[str, npt.NDArray[np.float32]]

NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
HEADS = {"attn_q": 9, "attn_k": 3}  # of SmolLM2-135M
PEFT = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])")
GGUF = re.compile(r"blk\.(\d+)\.(\w+)\.weight\.lora_([ab])")


def gguf_name(peft_name: str) -> str:
    """`…layers.3.self_attn.q_proj.lora_A…` to `blk.3.attn_q.weight.lora_a`."""
    match = PEFT.search(peft_name)
    if match is None:
        raise ValueError(f"not a LoRA weight: {peft_name}")
    return f"blk.{match[1]}.{NAMES[match[2]]}.weight.lora_{match[3].lower()}"


def write_adapter(
    path: Path, weights: Mapping[str, npt.NDArray[np.float32]], *, alpha: float, name: str
) -> Path:
    """Write an adapter whole, or not at all.

    Args:
        path: ends as the file; its folder must exist or can be made.
        weights: by the names of `gguf_name`, shapes (r, in) for A and (out, r) for B, as PEFT has them.
        alpha: LoRA's alpha; the scale is alpha over the rank.
        name: written into the file.
    Raises:
        UnmaskError: the disk is full or not writable.
    """
    gguf = _gguf()
    try:
        return _write(path, weights, gguf, alpha=alpha, name=name)
    except OSError as e:
        raise UnmaskError(
            f"could not write {path.name}: {e.strerror or e}",
            where=str(path.parent),
            hint="make room there; the checkpoint is kept, and the same command goes on from it",
        ) from e


def _write(
    path: Path, weights: Mapping[str, npt.NDArray[np.float32]], gguf: Any, *, alpha: float, name: str
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".adapter.") as folder:
        making = Path(folder) / path.name
        writer = gguf.GGUFWriter(making, "llama")
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", float(alpha))
        for key in sorted(weights):
            writer.add_tensor(key, _to_engine(key, weights[key]).astype(np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        making.replace(path)
    return path


def read_adapter(path: Path) -> tuple[Arrays, float]:
    """Weights by `gguf_name` in PEFT's order of rows, and alpha: what `write_adapter` was given, in f16.

    Raises:
        ModelError: not a whole LoRA adapter.
    """
    from unmask.providers.gguf import read_header

    header = read_header(path)
    if header.metadata.get("adapter.type") != "lora":
        raise ModelError(f"{path.name} is not a LoRA adapter", where=str(path))
    reader = _gguf().GGUFReader(path)
    weights = {
        tensor.name: _from_engine(tensor.name, np.array(tensor.data, dtype=np.float32))
        for tensor in reader.tensors
    }
    return weights, float(header.metadata["adapter.lora.alpha"])


def _to_engine(name: str, weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    heads = _heads(name)
    if heads is None:
        return np.ascontiguousarray(weight)
    out, rank = weight.shape
    moved = weight.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2)
    return np.ascontiguousarray(moved.reshape(out, rank))


def _from_engine(name: str, weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    heads = _heads(name)
    if heads is None:
        return weight
    out, rank = weight.shape
    if out % (heads * 2):
        raise ModelError(f"{name}: {out} rows do not part into {heads} heads: an adapter of another base")
    return np.ascontiguousarray(
        weight.reshape(heads, out // heads // 2, 2, rank).swapaxes(1, 2).reshape(out, rank)
    )


def _heads(name: str) -> int | None:
    """Heads whose rows move, for B of the query and key projections only."""
    match = GGUF.fullmatch(name)
    if match is None:
        raise ModelError(f"unknown tensor {name!r} in an adapter")
    return HEADS.get(match[2]) if match[3] == "b" else None


def _gguf() -> Any:
    try:
        import gguf
    except ImportError as e:
        raise ModelError(
            "writing adapters needs gguf, which is not installed", hint="pip install 'unmask[train]'"
        ) from e
    return gguf
