"""GRPO by TRL on a model by name, on whatever hardware `accelerate launch` gave this process.

The same objective, prompts and reward as on the embedded model; replies come from TRL's own generation or
from vLLM. Every process runs this; the first one writes. Resolved and tried on CPU; never run on a GPU by us.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.errors import ModelError, UsageError
from unmask.files import file_sha256
from unmask.training.checkpoint import last_whole, room_to_write
from unmask.training.hardware import Hardware, command, trainer_config
from unmask.training.rl import (
    Prompt,
    Reward,
    Step,
    Tell,
    check_room,
    check_trackers,
    dataset_of,
    lora_of,
    note,
    quiet,
    rewarder,
    steps_of,
    trl_classes,
    watch,
)
from unmask.training.settings import RLSettings

WEIGHTS = ("*.safetensors", "*.bin")  # of the model's folder itself
LAUNCHED = "ACCELERATE_MIXED_PRECISION"  # set by `accelerate launch` in every process that it starts


@dataclass(frozen=True)
class TrainedOnHardware:
    """Where the adapter lies (in PEFT's form), the sha256 of the model's weights, and every step."""

    adapter: Path
    base_sha256: str
    steps: tuple[Step, ...]
    seconds: float


@dataclass(frozen=True)
class Written:
    """A reply to a prompt of a look, how it ended (`stop` or `length`), and its length in tokens."""

    text: str
    finish: str
    output_tokens: int


@dataclass(frozen=True)
class Looking:
    """What the model is asked between steps, and who reads it: before the first, every so many, at the last.

    read: called in the first process with the step and the replies by key; what it returns goes to trackers.
    """

    prompts: Sequence[Prompt]
    every: int
    read: Callable[[int, Mapping[str, Written]], dict[str, float]]


def check_launched(asked: Sequence[str], hardware: Hardware) -> None:
    """Refuse to train in a process that `accelerate launch` did not start.

    Raises:
        UsageError: with the command that does.
    """
    if LAUNCHED not in os.environ:
        raise UsageError(
            "this recipe trains on the hardware that accelerate gives it",
            hint=f"{command(asked, hardware)}; --dry-run resolves it first",
        )


def train_on_hardware(
    prompts: Sequence[Prompt],
    reward: Reward,
    settings: RLSettings,
    hardware: Hardware,
    *,
    folder: Path,
    looking: Looking,
    tell: Tell = lambda _: None,
) -> TrainedOnHardware | None:
    """Train an adapter of `hardware.model`; killed, it goes on from the last whole checkpoint in `folder`.

    Args:
        prompts: each at most as long as the model's window allows beside a reply; checked here.
        reward: as on the embedded model; the same in every process.
        settings: the budget and how replies are drawn.
        hardware: the model and how it is spread.
        folder: for checkpoints and the adapter.
        looking: how the model is looked at; its prompts are asked by whatever asks those of the training.
        tell: called after each step, in the first process.
    Raises:
        UsageError: a prompt leaves no room for a reply.
        ModelError: TRL is not installed.
        TrainingError: the reward failed or is no number, or the disk is full.
    """
    from transformers import AutoTokenizer

    trainer_class, config_class = trl_classes()
    check_trackers(settings)
    tokenizer = AutoTokenizer.from_pretrained(hardware.model)
    check_room(
        [*prompts, *looking.prompts],
        tokenizer,
        window=_window(hardware.model, tokenizer),
        reply=settings.max_tokens,
    )
    heard: dict[str, Written] = {}
    trainer = trainer_class(
        model=hardware.model,
        reward_funcs=[_with_finish(rewarder(prompts, reward), tokenizer, settings, looking, heard)],
        args=config_class(**trainer_config(hardware, settings, folder), **_evaluation(hardware, looking)),
        train_dataset=dataset_of(prompts),
        eval_dataset=dataset_of(looking.prompts),
        processing_class=tokenizer,
        peft_config=lora_of(settings),
        callbacks=[
            watch(settings, tell),
            _looks(settings, looking, heard, lambda found: note(trainer, found)),
        ],
    )
    quiet(trainer)
    trainer.accelerator.wait_for_everyone()  # the first process has cleared what is not gone on from
    last = last_whole(folder, before=settings.steps)
    trainer.args.eval_on_start = last is None
    main = trainer.accelerator.is_main_process
    base_sha256 = weights_sha256(hardware.model) if main else ""  # a failure costs no training
    began = time.monotonic()
    with room_to_write(folder):
        trainer.train(resume_from_checkpoint=last)
        trainer.save_model(str(folder / "adapter"))  # every process: sharded weights are gathered for it
    if not main:
        return None
    return TrainedOnHardware(
        folder / "adapter" / "adapter_model.safetensors",
        base_sha256,
        steps_of(trainer.state.log_history, settings),
        time.monotonic() - began,
    )


def check_fits(prompts: Sequence[Prompt], settings: RLSettings, hardware: Hardware) -> bool:
    """`check_room` for the model of a dry run; False where its tokenizer is not on this machine yet.

    Raises:
        UsageError: a prompt leaves no room for a reply.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(hardware.model, local_files_only=True)
        window = _window(hardware.model, tokenizer, local_files_only=True)
    except (ImportError, OSError, ValueError):
        return False
    check_room(prompts, tokenizer, window=window, reply=settings.max_tokens)
    return True


def weights_sha256(model: str) -> str:
    """Over the names and bytes of all weight files of a model that is in a folder, or in the cache by now.

    Raises:
        ModelError: there are none.
    """
    from huggingface_hub import snapshot_download

    local = Path(model)
    folder = local if local.is_dir() else Path(snapshot_download(model, local_files_only=True))
    files = sorted(path for pattern in WEIGHTS for path in folder.glob(pattern))
    if not files:
        raise ModelError(
            f"no weights of {model}", where=str(folder), hint=f"looked for {' and '.join(WEIGHTS)}"
        )
    told = hashlib.sha256()
    for path in files:
        told.update(f"{path.name} {file_sha256(path)}\n".encode())
    return told.hexdigest()


def _window(model: str, tokenizer: Any, **how: Any) -> int:
    """Tokens of prompt and reply: many tokenizers name no limit (1e30), and some models none."""
    from transformers import AutoConfig

    most = getattr(AutoConfig.from_pretrained(model, **how), "max_position_embeddings", None)
    return int(min(tokenizer.model_max_length, most or tokenizer.model_max_length))


def _evaluation(hardware: Hardware, looking: Looking) -> dict[str, int]:
    """One reply to each prompt, in batches that are filled up with repeated prompts as little as may be."""
    each = math.ceil(len(looking.prompts) / hardware.processes)
    return {"num_generations_eval": 1, "per_device_eval_batch_size": min(hardware.per_device, each)}


def _with_finish(
    rewards: Any, tokenizer: Any, settings: RLSettings, looking: Looking, heard: dict[str, Written]
) -> Any:
    """Tells how a reply ended, which TRL does not: one as long as it may be, without the end token, was cut.

    Replies of a look are `heard`, for this is where TRL hands them out; they earn nothing.
    """
    looked = {prompt.key for prompt in looking.prompts}

    def told(completions: list[Any], completion_ids: list[list[int]], key: list[str], **more: Any) -> Any:
        cut = [
            len(ids) >= settings.max_tokens and ids[-1] != tokenizer.eos_token_id for ids in completion_ids
        ]
        finish = ["length" if was else "stop" for was in cut]
        if looked.issuperset(key):
            for k, c, f, ids in zip(key, completions, finish, completion_ids, strict=True):
                heard[k] = Written(c[0]["content"], f, len(ids))
            return [None] * len(key)
        log_metric = more.get("log_metric")
        return rewards(completions, key, finish, [None] * len(key), log_metric=log_metric)

    return told


def _looks(
    settings: RLSettings,
    looking: Looking,
    heard: dict[str, Written],
    pass_on: Callable[[dict[str, float]], None],
) -> Any:
    """A callback of TRL's trainer: its evaluation is our look, and every process has heard a part of it."""
    from accelerate.utils import gather_object
    from transformers import TrainerCallback

    class Look(TrainerCallback):  # type: ignore[misc]
        """Asks for an evaluation when it is due, and reads it."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            done = int(state.global_step)
            control.should_evaluate = done % looking.every == 0 or done == settings.steps

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            everything = dict(gather_object(list(heard.items())))
            heard.clear()
            if state.is_world_process_zero:
                pass_on(looking.read(int(state.global_step), everything))

    return Look()
