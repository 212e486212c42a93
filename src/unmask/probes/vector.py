"""A direction as a control vector for llama.cpp, and as a base model that carries it.

A control vector adds a constant to what a block hands on. xllamacpp (2026.10) has the layers' range among
its parameters and no way to name the file, so inside this process the same constant is added as the bias of
that block's last projection, `blk.N.ffn_down.bias`, which llama.cpp adds at the same place. The exported
file is for llama.cpp itself: `llama-cli --control-vector-scaled FILE:STRENGTH`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from unmask.errors import ModelError
from unmask.probes.linear import Floats, ProbeError

ARCHITECTURE = "controlvector"


def write_vector(path: Path, direction_D: Floats, *, layer: int, n_layers: int) -> Path:
    """Write a unit direction as a control vector, whole or not at all.

    Args:
        path: the GGUF; its folder is made.
        direction_D: added to what block `layer` hands on, times the strength.
        layer: from 0; llama.cpp applies none to block 0.
        n_layers: blocks of the model.
    Raises:
        ProbeError: layer 0, or a direction without length.
    """
    check_steerable(direction_D, layer)
    gguf = require_gguf()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".vector.") as folder:
        making = Path(folder) / path.name
        writer = gguf.GGUFWriter(making, ARCHITECTURE)
        writer.add_string(f"{ARCHITECTURE}.model_hint", "llama")
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", n_layers)
        writer.add_tensor(f"direction.{layer}", direction_D.astype(np.float32))
        _finish(writer)
        making.replace(path)
    return path


def steered_base(base: Path, path: Path, added_D: Floats, *, layer: int) -> Path:
    """A copy of the base's GGUF whose block `layer` hands on `added_D` more; 98 MB, a second.

    Raises:
        ProbeError: layer 0, another width, or nothing to add.
        ModelError: the base has such a bias already, or gguf is not installed.
    """
    check_steerable(added_D, layer)
    gguf = require_gguf()
    reader = gguf.GGUFReader(base)
    bias = f"blk.{layer}.ffn_down.bias"
    names = {tensor.name for tensor in reader.tensors}
    if bias in names or f"blk.{layer}.ffn_down.weight" not in names:
        raise ModelError(f"block {layer} cannot be given a bias", where=str(base))
    architecture = reader.fields["general.architecture"].contents()
    width = int(reader.fields[f"{architecture}.embedding_length"].contents())
    if added_D.shape != (width,):
        raise ProbeError(f"a direction of width {added_D.size} for a base of {width}", where=str(base))
    writer = gguf.GGUFWriter(path, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind, inner = field.types[0], field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.add_tensor(bias, added_D.astype(np.float32))
    _finish(writer)
    return path


def check_steerable(direction_D: Floats, layer: int) -> None:
    """Refuse what cannot be added.

    Raises:
        ProbeError: layer 0, which control vectors never touch, or a direction that is none.
    """
    if layer < 1:
        raise ProbeError(
            "a probe of layer 0 cannot steer: llama.cpp's control vectors begin at layer 1",
            hint="train it at another position",
        )
    if not np.isfinite(direction_D).all() or not np.linalg.norm(direction_D) > 0:
        raise ProbeError("the direction has no length")


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def require_gguf() -> Any:
    """The library that writes llama.cpp's files.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import gguf
    except ImportError as e:
        raise ModelError(
            "steering needs gguf, which is not installed", hint="pip install 'unmask[probe]'"
        ) from e
    return gguf
