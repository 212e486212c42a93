"""LoRA weights to and from the adapter file that llama.cpp reads (GGUF, f16).

llama.cpp keeps the rows of the query and key projections in another order than transformers (pairs of a
rotation interleaved), so the rows of their B matrices move. Without that the adapter half works.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unmask.errors import ModelError, TrainingError, UnmaskError
from unmask.providers.adapters import ALPHA
from unmask.providers.gguf import FLOAT32, Header, read_header
from unmask.providers.model_file import SHA256
from unmask.training.place import CARD

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
# of SmolLM2-135M: (rows out, columns in) of each layer's weights
LAYERS = 30
SHAPES = {
    "attn_q": (576, 576),
    "attn_k": (192, 576),
    "attn_v": (192, 576),
    "attn_output": (576, 576),
    "ffn_gate": (1536, 576),
    "ffn_up": (1536, 576),
    "ffn_down": (576, 1536),
}
HEADS = {"attn_q": 9, "attn_k": 3}
ARCHITECTURE = "llama"
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
        writer = gguf.GGUFWriter(making, ARCHITECTURE)
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32(ALPHA, float(alpha))
        for key in sorted(weights):
            stored = _to_engine(key, weights[key]).astype(np.float16)
            if not np.isfinite(stored).all():
                raise TrainingError(
                    f"{key} is too large for half precision, or no number", hint="a smaller learning_rate"
                )
            writer.add_tensor(key, stored)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        making.replace(path)
    return path


def read_adapter(path: Path) -> tuple[Arrays, float]:
    """Weights by `gguf_name` in PEFT's order of rows, and alpha: what `write_adapter` was given, in f16.

    Files come from anywhere: what the embedded model could not wear is refused here.

    Raises:
        ModelError: not a whole LoRA adapter, or not of the embedded model.
    """
    header = read_header(path)
    if not header.is_adapter or header.metadata.get("adapter.type") != "lora":
        raise ModelError(f"{path.name} is not a LoRA adapter", where=str(path))
    if header.architecture != ARCHITECTURE:
        raise _unfit(path, f"trained for {header.architecture or 'an unnamed architecture'}")
    reader = _opened(path)
    alpha = _alpha(header)
    stored = _stored(reader, path)
    _check_fits(stored, path)
    return {name: _from_engine(name, weight) for name, weight in stored.items()}, alpha


def check_base(path: Path, name: str) -> None:
    """Refuse an adapter whose own record names another base; without a record nobody can tell.

    Raises:
        ModelError: it was trained on another base.
    """
    record = path.parent / CARD
    try:
        of = json.loads(record.read_text(encoding="utf-8")).get("base_sha256")
    except (OSError, ValueError, AttributeError, RecursionError):
        return
    if of not in (None, SHA256):
        raise ModelError(
            f"{name} was trained on another base model ({str(of)[:12]}…, here {SHA256[:12]}…)",
            where=str(record),
            hint="name an adapter of this base",
        )


def _opened(path: Path) -> Any:
    gguf = _gguf()
    try:
        return gguf.GGUFReader(path)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as e:  # the header was whole
        raise _unfit(path, str(e)) from e


def _alpha(header: Header) -> float:
    """Refuses what the engine takes otherwise: another type ends the process, and 0 scales by 1."""
    if header.kinds.get(ALPHA) != FLOAT32:
        raise _unfit(header.path, f"{ALPHA} is missing or no FLOAT32")
    alpha = float(header.metadata[ALPHA])
    if not 0 < alpha < math.inf:  # NaN is not above 0
        raise _unfit(header.path, f"{ALPHA} is {alpha:g}")
    return alpha


def _stored(reader: Any, path: Path) -> Arrays:
    for tensor in reader.tensors:
        if tensor.tensor_type.name not in ("F16", "F32"):
            raise _unfit(path, f"{tensor.name} is {tensor.tensor_type.name}, not F16 or F32")
    return {tensor.name: np.array(tensor.data, dtype=np.float32) for tensor in reader.tensors}


def _check_fits(weights: Arrays, path: Path) -> None:
    """Each A has its B, of one rank, and their product has the shape of the weight that it is added to."""
    if not weights:
        raise _unfit(path, "no weights")
    known = {f"blk.{i}.{module}.weight": shape for i in range(LAYERS) for module, shape in SHAPES.items()}
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise _unfit(path, f"{name} holds what is no number")
        of, _, side = name.rpartition(".lora_")
        if of not in known or side not in ("a", "b"):
            raise _unfit(path, f"unknown tensor {name!r}")
        a, b = weights.get(f"{of}.lora_a"), weights.get(f"{of}.lora_b")
        if a is None or b is None:
            raise _unfit(path, f"{name} stands alone, without its {'B' if b is None else 'A'}")
        rows, columns = known[of]
        if a.ndim != 2 or len(a) < 1 or a.shape[1] != columns or b.shape != (rows, len(a)):
            raise _unfit(path, f"{of}: A of {a.shape} and B of {b.shape} for {rows} rows of {columns}")


def _unfit(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path.name} is no LoRA adapter of the embedded model: {why[:200]}",  # names there may be long
        where=str(path),
        hint="name an adapter that was trained on it",
    )


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
            "adapters are read and written with gguf, which is not installed",
            hint="pip install 'unmask[train]'",
        ) from e
    return gguf
