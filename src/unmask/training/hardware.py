"""Training on GPUs by configuration: what is asked for, and what it comes to before anything is started.

We have no GPU: these paths are resolved against TRL's and Accelerate's own readers and trained for a step on
CPU by the tests; with vLLM, FSDP or DeepSpeed they were never run.
"""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unmask.errors import ModelError, UsageError
from unmask.training.settings import RLSettings

FOLDER = Path(str(files("unmask.training"))) / "accelerate"


class Hardware(BaseModel):
    """A model by name or folder, and how it is spread.

    processes: one for each GPU. per_device: replies that a GPU learns from at once; a step's replies must be
    a multiple of processes × per_device. vllm: who replies: vLLM on the same GPUs (`colocate`), on others
    (`server`, started with `trl vllm-serve`), or the model itself (`off`). cpu: for trying it without a GPU.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, Field(min_length=1)]
    accelerate: Literal["one", "fsdp", "deepspeed"] = "one"
    processes: Annotated[int, Field(ge=1, le=1_024)] = 1
    per_device: Annotated[int, Field(ge=1, le=1_024)] = 8
    vllm: Literal["colocate", "server", "off"] = "colocate"
    vllm_memory: Annotated[float, Field(gt=0, lt=1)] = 0.3
    cpu: bool = False


@dataclass(frozen=True)
class Resolved:
    """What a training on this hardware comes to. missing: what this machine lacks, in words."""

    command: str
    accelerate: dict[str, Any]
    trainer: dict[str, Any]
    replies_per_step: int
    passes_per_step: int
    missing: tuple[str, ...]


def resolve(asked: Sequence[str], hardware: Hardware, settings: RLSettings, folder: Path) -> Resolved:
    """Read the configuration as Accelerate and TRL will, without a GPU and without loading a model.

    Args:
        asked: the recipe and the options, as on the command line of `unmask train rl`.
        hardware: from the recipe.
        settings: from the recipe.
        folder: where checkpoints go.
    Raises:
        UsageError: the replies of a step cannot be spread evenly, or TRL refuses the configuration.
        ModelError: the extra `train` is not installed.
    """
    replies = settings.replies_per_step
    at_once = hardware.processes * hardware.per_device
    if replies % at_once:
        raise UsageError(
            f"{replies} replies a step cannot be spread over {hardware.processes} processes of "
            f"{hardware.per_device}",
            hint="prompts_per_step × group_size must be a multiple of processes × per_device",
        )
    if hardware.accelerate == "one" and hardware.processes != 1:
        raise UsageError(f"accelerate: one, but {hardware.processes} processes", hint="fsdp or deepspeed")
    trainer = trainer_config(hardware, settings, folder)
    _refused_by_trl(trainer)
    return Resolved(
        command=command(asked, hardware),
        accelerate=_accelerate_config(hardware),
        trainer=trainer,
        replies_per_step=replies,
        passes_per_step=replies // at_once,
        missing=tuple(_missing(hardware)),
    )


def command(asked: Sequence[str], hardware: Hardware) -> str:
    """What starts the training: `asked` is the recipe with its options."""
    config = FOLDER / f"{hardware.accelerate}.yaml"
    words = ["accelerate", "launch", "--config_file", str(config), "--num_processes", str(hardware.processes)]
    words += ["--cpu"] if hardware.cpu else []
    return shlex.join([*words, "-m", "unmask", "train", "rl", *asked])


def trainer_config(hardware: Hardware, settings: RLSettings, folder: Path) -> dict[str, Any]:
    """Arguments of TRL's GRPOConfig."""
    told = settings.trl(folder) | {
        "per_device_train_batch_size": hardware.per_device,
        "gradient_accumulation_steps": settings.replies_per_step
        // (hardware.processes * hardware.per_device),
        "bf16": not hardware.cpu,
        "use_cpu": hardware.cpu,
        "gradient_checkpointing": not hardware.cpu,
    }
    if hardware.vllm != "off":
        told |= {
            "use_vllm": True,
            "vllm_mode": hardware.vllm,
            "vllm_gpu_memory_utilization": hardware.vllm_memory,
        }
    return told


def _refused_by_trl(trainer: dict[str, Any]) -> None:
    """Build TRL's own configuration; what needs a GPU to be built is left out here."""
    from unmask.training.rl import trl_classes

    _, config_class = trl_classes()
    try:
        config_class(**{**trainer, "use_cpu": True, "bf16": False})
    except (TypeError, ValueError) as e:
        raise UsageError(f"TRL refuses the configuration: {e}") from e


def _accelerate_config(hardware: Hardware) -> dict[str, Any]:
    """As Accelerate's own reader has it."""
    try:
        from accelerate.commands.config.config_args import load_config_from_file
    except ImportError as e:
        raise ModelError("accelerate is not installed", hint="pip install 'unmask[train]'") from e
    read = load_config_from_file(str(FOLDER / f"{hardware.accelerate}.yaml")).to_dict()
    return {key: value for key, value in read.items() if value not in (None, {}, "")} | {
        "num_processes": hardware.processes
    }


def _missing(hardware: Hardware) -> list[str]:
    import torch

    found = []
    if not hardware.cpu and torch.cuda.device_count() < hardware.processes:
        found.append(f"{hardware.processes} GPUs: this machine has {torch.cuda.device_count()}")
    if hardware.vllm != "off" and importlib.util.find_spec("vllm") is None:
        found.append("vllm is not installed")
    if hardware.accelerate == "deepspeed" and importlib.util.find_spec("deepspeed") is None:
        found.append("deepspeed is not installed")
    return found
