"""LoRA adapters by name: where they lie, and whether a file is one."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from unmask.errors import ModelError
from unmask.providers.gguf import FLOAT32, read_header

ENVIRONMENT = "UNMASK_ADAPTERS"
FILE = "adapter.gguf"
ALPHA = "adapter.lora.alpha"


@dataclass(frozen=True)
class Adapter:
    """One adapter as it lay on disk when it was found. A file written anew is another adapter."""

    name: str
    path: Path
    changed_ns: int
    size: int

    @classmethod
    def at(cls, path: Path, name: str) -> Adapter:
        """The file as it lies there now, unchecked."""
        status = path.stat()
        return cls(name, path, status.st_mtime_ns, status.st_size)


def find_adapter(name: str, *, architecture: str) -> Adapter:
    """The adapter NAME, checked against the architecture of the model that is to wear it.

    Raises:
        ModelError: unknown name (tells those that are there), broken file, not an adapter, another base.
    """
    path = _found().get(name)
    if path is None:
        raise _unknown(name)
    header = read_header(path)
    if not header.is_adapter or header.metadata.get("adapter.type") != "lora":
        raise ModelError(f"{path.name} of {name!r} is a model, not a LoRA adapter", where=str(path))
    if header.architecture != architecture:
        raise ModelError(
            f"adapter {name!r} was trained for {header.architecture or 'an unnamed architecture'}, "
            f"this model is {architecture}",
            where=str(path),
            hint="name the model that it was trained on",
        )
    if header.kinds.get(ALPHA) != FLOAT32:  # the engine would end the whole process
        raise ModelError(f"{path.name} of {name!r}: {ALPHA} is missing or no FLOAT32", where=str(path))
    return Adapter.at(path, name)


def list_adapters() -> list[str]:
    """Names of the adapters that can be found, in alphabetical order."""
    return sorted(_found())


def _found() -> dict[str, Path]:
    """Earlier folders win: a user's own adapter may bear the name of one that we ship."""
    found: dict[str, Path] = {}
    for folder in _folders():
        if not folder.is_dir():
            continue
        for path in sorted(folder.glob(f"*/{FILE}")):
            found.setdefault(path.parent.name, path)
        for path in sorted(folder.glob("*.gguf")):
            found.setdefault(path.stem, path)
    return found


def _folders() -> list[Path]:
    own = [Path(part).expanduser() for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    return [*own, Path(str(resources.files("unmask"))) / "organisms" / "library"]


def _unknown(name: str) -> ModelError:
    names = list_adapters()
    near = difflib.get_close_matches(name, names, n=1)
    there = ", ".join(names) if names else "none"
    guess = f"did you mean {near[0]}? " if near else ""
    return ModelError(
        f"no adapter {name!r}; there are: {there}",
        hint=f"{guess}{ENVIRONMENT} takes folders that hold NAME/{FILE} or NAME.gguf",
    )
