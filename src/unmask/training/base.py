"""The embedded model as PyTorch weights: read from its GGUF once, kept in the user's cache as bfloat16.

transformers undoes the quantisation on every load (27 s), and cannot save a model that was loaded that way
until its weights are copied into one made from the configuration without the quantisation entry.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.errors import ModelError, TrainingError
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
    """The embedded model, ready for an adapter, in the precision that this machine computes fast.

    Raises:
        ModelError: the extra `train` or the embedded model is not installed.
        TrainingError: the unpacked model cannot be kept.
    """
    transformers, torch = require_training()
    folder = _cached(transformers, torch)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=fast_dtype())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return Base(model, tokenizer, SHA256)


BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")  # units, as PyTorch names them


@cache
def fast_dtype() -> Any:
    """bfloat16 where the processor has units for it, else float32.

    A processor without them falls back to a loop that took 40 times as long (AMD Zen 3). What it has is asked
    where PyTorch tells, since a measurement beside other work came out either way, and then a training that
    goes on is not the one that began. The weights are the GGUF's; trained adapters differ by rounding.
    """
    _, torch = require_training()
    units = _bfloat16_units(torch)
    if units is None:
        units = _seconds(torch.bfloat16, torch) < _seconds(torch.float32, torch)
    return torch.bfloat16 if units else torch.float32


def _bfloat16_units(torch: Any) -> bool | None:
    """None where this PyTorch does not tell (`torch.cpu.get_capabilities`)."""
    tells = getattr(torch.cpu, "get_capabilities", None)
    has = tells() if tells else {}
    known = [has[name] for name in BFLOAT16 if name in has]
    return any(known) if known else None


def _seconds(dtype: Any, torch: Any) -> float:
    """Best of three products of the size of one layer."""
    one, other = torch.ones(256, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    times = []
    for _ in range(4):  # the first sets things up
        began = time.perf_counter()
        one @ other
        times.append(time.perf_counter() - began)
    return min(times[1:])


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
    transformers.utils.logging.disable_progress_bar()
    # TRL calls by its old name what transformers renamed; nothing that a user could change
    warnings.filterwarnings("ignore", message=r".*gradient_checkpointing", category=FutureWarning)
    return transformers, torch


def cache_folder() -> Path:
    """Where the unpacked model is kept: under XDG_CACHE_HOME, 270 MB."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "unmask" / f"smollm2-{SHA256[:12]}-bf16"


def _cached(transformers: Any, torch: Any) -> Path:
    from safetensors import SafetensorError

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
    except (OSError, SafetensorError) as e:
        if not (folder / "config.json").is_file():  # another process may have been first
            raise TrainingError(
                f"cannot keep the unpacked model: {getattr(e, 'strerror', None) or e}",
                where=str(folder),
                hint="make room; the same command goes on",
            ) from e
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder
