"""The embedded model as PyTorch weights: read from its GGUF once, kept in the user's cache as bfloat16.

transformers undoes the quantisation on every load (27 s), and cannot save a model that was loaded that way
until its weights are copied into one made from the configuration without the quantisation entry.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.errors import ModelError
from unmask.providers.model_file import SHA256, smollm2_path

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

INSTALL = "pip install 'unmask[train]'"


@dataclass(frozen=True)
class Base:
    """Model and tokenizer, and the sha256 of the GGUF that both were read from."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    sha256: str


def load_base() -> Base:
    """The embedded model in bfloat16, ready for an adapter.

    Raises:
        ModelError: the extra `train` or the embedded model is not installed.
    """
    transformers, torch = require_training()
    folder = _cached(transformers, torch)
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return Base(model, tokenizer, SHA256)


def load_tokenizer() -> PreTrainedTokenizerBase:
    """The tokenizer alone."""
    transformers, torch = require_training()
    tokenizer: PreTrainedTokenizerBase = transformers.AutoTokenizer.from_pretrained(
        _cached(transformers, torch)
    )
    return tokenizer


def require_training() -> tuple[Any, Any]:
    """PyTorch and transformers, quiet and offline.

    Raises:
        ModelError: the extra `train` is not installed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import torch
        import transformers
    except ImportError as e:
        raise ModelError(f"training needs {e.name}, which is not installed", hint=INSTALL) from e
    transformers.utils.logging.set_verbosity_error()
    return transformers, torch


def cache_folder() -> Path:
    """Where the unpacked model is kept: under XDG_CACHE_HOME, 270 MB."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "unmask" / f"smollm2-{SHA256[:12]}-bf16"


def _cached(transformers: Any, torch: Any) -> Path:
    folder = cache_folder()
    if (folder / "config.json").is_file():
        return folder
    gguf = smollm2_path()
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    loaded = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    config = transformers.AutoConfig.from_pretrained(**where)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    plain.load_state_dict(loaded.state_dict())
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        plain.save_pretrained(making)
        transformers.AutoTokenizer.from_pretrained(**where).save_pretrained(making)
        making.rename(folder)
    except OSError as e:
        shutil.rmtree(making, ignore_errors=True)
        if not (folder / "config.json").is_file():  # another process may have been first
            raise ModelError(f"cannot keep the unpacked model: {e.strerror or e}", where=str(folder)) from e
    return folder
