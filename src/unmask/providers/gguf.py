"""Reads the header of a GGUF file and checks that the file is whole.

The engine says no more of a broken file than that it failed; this says what is wrong, before it is asked.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.errors import ModelError

FLOAT32, STRING, ARRAY = 6, 8, 9
SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
SIZES = {kind: struct.calcsize(code) for kind, code in SCALARS.items()}
MAX_ENTRIES = 1_000_000  # the largest published models have some thousands; more is a broken count

BLOCK_BYTES = {  # ggml type: (weights in a block, bytes of a block); types not listed are not measured
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    30: (1, 2),
}


@dataclass(frozen=True)
class Header:
    """What a GGUF says of itself. Arrays (the vocabulary) are walked over, not kept.

    kinds: of each value, as numbered in the format.
    """

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, tuple[int, ...]]
    kinds: dict[str, int]

    @property
    def architecture(self) -> str:
        """Such as `llama`; empty when the file does not say."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def is_adapter(self) -> bool:
        """Whether it is a LoRA to be laid over a model."""
        return self.metadata.get("general.type") == "adapter"

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained to read; None when the file does not say."""
        length = self.metadata.get(f"{self.architecture}.context_length")
        return int(length) if length is not None else None


class _Cursor:
    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def scalar(self, kind: int) -> Any:
        (value,) = struct.unpack_from(SCALARS[kind], self.data, self.at)
        self.at += SIZES[kind]
        return value

    def string(self) -> str:
        length = self.scalar(10)
        if length > len(self.data) - self.at:
            raise ValueError("a text runs past the end")
        text = self.data[self.at : self.at + length].decode("utf-8", errors="replace")
        self.at += length
        return text

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        return self._skip_array() if kind == ARRAY else self.scalar(kind)

    def _skip_array(self) -> None:
        kind, count = self.scalar(4), self.scalar(10)
        if count > len(self.data) - self.at:
            raise ValueError("a list runs past the end")
        if kind == STRING:
            for _ in range(count):
                self.at += 8 + int.from_bytes(self.data[self.at : self.at + 8], "little")
        else:
            self.at += SIZES[kind] * count
        if self.at > len(self.data):
            raise ValueError("a list runs past the end")


def read_header(path: Path) -> Header:
    """Read and check a GGUF file's header.

    Raises:
        ModelError: missing, not a GGUF, broken, or shorter than its own tensors say.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parse(path, data)
    except OSError as e:
        raise ModelError(f"cannot read {path}: {e.strerror or e}", hint="check the path") from e
    except (ValueError, KeyError, struct.error) as e:  # mmap of an empty file is a ValueError
        raise ModelError(
            f"{path.name} is not a whole GGUF file: {e}", where=str(path), hint="download or convert it again"
        ) from e


def _parse(path: Path, data: mmap.mmap) -> Header:
    if data[:4] != b"GGUF":
        raise ValueError("it does not start with GGUF")
    cursor = _Cursor(data)
    cursor.at = 4
    version, n_tensors, n_entries = cursor.scalar(4), cursor.scalar(10), cursor.scalar(10)
    if version not in (2, 3):
        raise ValueError(f"version {version}, 2 or 3 can be read")
    if max(n_tensors, n_entries) > MAX_ENTRIES:
        raise ValueError("its counts make no sense")
    metadata: dict[str, Any] = {}
    kinds: dict[str, int] = {}
    for _ in range(n_entries):
        key = cursor.string()
        kinds[key] = cursor.scalar(4)
        metadata[key] = cursor.value(kinds[key])
    tensors: dict[str, tuple[int, ...]] = {}
    needed = 0
    for _ in range(n_tensors):
        name = cursor.string()
        shape = tuple(cursor.scalar(10) for _ in range(min(cursor.scalar(4), 8)))
        kind, offset = cursor.scalar(4), cursor.scalar(10)
        tensors[name] = shape
        needed = max(needed, offset + _n_bytes(kind, shape))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"an alignment of {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    if start + needed > len(data):
        raise ValueError(f"cut off: {len(data):,} bytes of {start + needed:,}")
    return Header(path, metadata, tensors, kinds)


def _n_bytes(kind: int, shape: tuple[int, ...]) -> int:
    weights, size = BLOCK_BYTES.get(kind, (1, 0))
    count = 1
    for axis in shape:
        count *= axis
    return count // weights * size
