"""GRPO by TRL on the embedded model: replies from the engine, weights from PyTorch, a reward from outside.

TRL does the optimisation. Its own generation is slow on a CPU, so replies come from llama.cpp: before each
step the adapter as it stands is written out and loaded there (9 to 13 seconds a step in place of 20 to 23
with four replies). Knows tokens and weights; what a prompt is about, and what is good, comes from the
caller.

Source: Shao et al. 2024, arXiv:2402.03300, sections 4.1 and 4.1.2, with the loss that TRL calls `dapo` (its
default).
"""

from __future__ import annotations

import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from unmask.errors import ModelError, TrainingError, UnmaskError, UsageError
from unmask.providers.adapters import Adapter
from unmask.providers.engine import Engine
from unmask.training.adapter_file import Arrays
from unmask.training.base import Base, fast_dtype, require_training
from unmask.training.checkpoint import last_whole, room_to_write
from unmask.training.rollout import SAID, WINDOW, Rollout
from unmask.training.settings import RLSettings
from unmask.training.spared import spared
from unmask.training.start import put

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Prompt:
    """What the model reads; `key` names it for the reward."""

    key: str
    system: str
    user: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """As chat messages."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


@dataclass(frozen=True)
class Reply:
    """One sampled reply, how it ended (`stop` or `length`), and what the model said of it if asked."""

    prompt: Prompt
    text: str
    finish: str
    said: str | None = None


@dataclass(frozen=True)
class Step:
    """After a step: mean reward of its replies (None where none had one), their length, entropy a token.

    entropy: None where no token of the step counts. unrewarded: share of its replies that had no
    reward; None in records from before it was kept.
    """

    step: int
    steps: int
    reward: float | None
    tokens: float
    entropy: float | None
    seconds_left: float
    unrewarded: float | None = None


Reward = Callable[[Sequence[Reply]], list[float | None]]
Tell = Callable[[Step], None]
Look = Callable[[int, Engine, Adapter], dict[str, float]]


@dataclass(frozen=True)
class TrainedByRL:
    """An adapter's weights by `gguf_name` in float32, every step, and the seconds since it last began."""

    weights: Arrays
    steps: tuple[Step, ...]
    replies: int
    seconds: float


def train_rl(
    base: Base,
    prompts: Sequence[Prompt],
    reward: Reward,
    settings: RLSettings,
    *,
    folder: Path,
    start: Arrays | None = None,
    tell: Tell = lambda _: None,
    look: Look = lambda step, engine, adapter: {},
    look_every: int | None = None,
    questions: Sequence[str] = (),
) -> TrainedByRL:
    """Train an adapter; one that was killed goes on from its last whole checkpoint in `folder`.

    Args:
        base: the frozen model; it bears the adapter afterwards.
        prompts: drawn from in an order that the seed decides.
        reward: replies in, rewards out; None leaves a reply out. It must not be NaN.
        settings: the budget and how replies are drawn.
        folder: for checkpoints; removed by the caller when the result is kept.
        start: weights to go on from.
        tell: called after each step.
        look: called with the model as it stands, before the first step and at the last; what it returns
            goes to the tracker that the settings name.
        look_every: and after every so many steps; None: never.
        questions: wordings of a question that is asked of each reply in its conversation, for the reward to
            hear the answer; the answer's own words are not trained on. Empty: none.
    Raises:
        UsageError: a prompt leaves no room for a reply.
        ModelError: TRL is not installed, or the adapter does not fit.
        TrainingError: the reward failed or is no number, the training diverged, or the disk is full.
    """
    check_prompts(prompts, base.tokenizer, settings, questions=questions)
    _, torch = require_training()
    check_trackers(settings)
    torch.set_num_threads(settings.threads)
    trainer_class, config_class = trl_classes()
    rollout = Rollout(base, settings, folder, questions)

    def at(done: int) -> None:
        """Look before the first step, every so many, and at the last; before it is kept, is it whole?"""
        rollout.weights()
        if look_every and (done % look_every == 0 or done == settings.steps):
            note(trainer, look(done, rollout.engine, rollout.adapter()))

    try:
        trainer = spared(trainer_class, torch)(
            model=base.model,
            reward_funcs=[rewarder(prompts, reward)],
            args=config_class(**_config(settings, folder, torch)),
            train_dataset=dataset_of(prompts),
            processing_class=base.tokenizer,
            peft_config=lora_of(settings),
            rollout_func=rollout,
            callbacks=[watch(settings, tell, at)],
        )
        if start is not None:
            put(start, {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}, torch)
        quiet(trainer)
        rollout.model = trainer.model
        began = time.monotonic()
        with room_to_write(folder):
            trainer.train(resume_from_checkpoint=last_whole(folder / CHECKPOINTS, before=settings.steps))
        steps = steps_of(trainer.state.log_history, settings)
        replies = len(steps) * settings.replies_per_step
        return TrainedByRL(rollout.weights(), steps, replies, time.monotonic() - began)
    finally:
        rollout.close()


def check_prompts(
    prompts: Sequence[Prompt], tokenizer: Any, settings: RLSettings, *, questions: Sequence[str] = ()
) -> None:
    """`check_room` in the engine's window, with what is asked of each reply."""
    asking = SAID + max(map(len, questions)) if questions else 0  # letters for tokens: rather too much room
    check_room(prompts, tokenizer, window=WINDOW, reply=settings.max_tokens + asking)


def check_room(prompts: Sequence[Prompt], tokenizer: Any, *, window: int, reply: int) -> None:
    """A prompt that is too long is refused before anything is trained, never dropped on the way.

    Raises:
        UsageError: none is there, the model has no template for them, or some leave no room in `window` for
            `reply` tokens.
    """
    if not prompts:
        raise UsageError("no prompt to train on")
    long = []
    for prompt in prompts:
        try:
            text = tokenizer.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True)
        except (ValueError, TemplateError) as e:  # a base model, or one that takes no system message
            raise UsageError(
                f"its chat template does not take these prompts: {e}",
                hint="name a model that is made for chats",
            ) from e
        n = len(tokenizer.encode(text))
        if n + reply > window:
            long.append(f"{prompt.key} ({n} tokens)")
    if long:
        raise UsageError(
            f"{len(long)} of {len(prompts)} prompts leave no room in a window of {window} for a reply of "
            f"{reply} tokens",
            where=", ".join(long[:3]),
            hint="a smaller max_tokens, under `training` in the recipe",
        )


def rewarder(prompts: Sequence[Prompt], reward: Reward) -> Any:
    """A reward function in TRL's form; one that fails or is no number ends the training with a message."""
    by_key = {p.key: p for p in prompts}

    def rewards(
        completions: list[Any],
        key: list[str],
        finish: list[str],
        said: list[str | None],
        log_metric: Any = None,
        **_: Any,
    ) -> list[float | None]:
        replies = [
            Reply(by_key[k], c[0]["content"], f, s)
            for k, c, f, s in zip(key, completions, finish, said, strict=True)
        ]
        try:
            found = reward(replies)
        except UnmaskError:
            raise
        except Exception as e:
            raise TrainingError(f"the reward failed: {type(e).__name__}: {e}") from e
        if len(found) != len(replies):
            raise TrainingError(f"the reward gave {len(found)} values for {len(replies)} replies")
        for value, reply in zip(found, replies, strict=True):
            if value is not None and not math.isfinite(value):
                raise TrainingError(
                    f"the reward of a reply to {reply.prompt.key} is {value}: not a number to learn from",
                    hint="a reply that cannot be rewarded is None, and is left out",
                )
        if log_metric is not None:
            known = [v for v in found if v is not None]
            log_metric("unrewarded", 1 - len(known) / len(found))
        return found

    return rewards


def steps_of(history: Sequence[dict[str, Any]], settings: RLSettings) -> tuple[Step, ...]:
    """Every step, those before a kill too: TRL keeps its log in each checkpoint."""
    logs = {int(log["step"]): log for log in history if "reward" in log}
    return tuple(_step(n, logs[n], settings, 0.0) for n in sorted(logs))


def _step(n: int, log: dict[str, Any], settings: RLSettings, left: float) -> Step:
    reward, entropy = (_known(log[name]) for name in ("reward", "entropy"))
    length, unrewarded = float(log["completions/mean_length"]), log.get("unrewarded")
    return Step(n, settings.steps, reward, length, entropy, left, unrewarded)


def _known(figure: float | None) -> float | None:
    """TRL logs NaN or, in its checkpoints, None where nothing went into a mean."""
    return figure if figure is not None and math.isfinite(figure) else None


def note(trainer: Any, figures: dict[str, float]) -> None:
    """Pass what a look saw on to the trackers, without the means of a step that TRL's own `log` adds."""
    from transformers import Trainer

    Trainer.log(trainer, {f"look/{name}": value for name, value in figures.items()})


def watch(settings: RLSettings, tell: Tell, at: Callable[[int], None] = lambda done: None) -> Any:
    """A callback of TRL's trainer that passes on what each step was like, in the first process."""
    from transformers import TrainerCallback

    began = time.monotonic()

    class Watch(TrainerCallback):  # type: ignore[misc]
        """Passes on what each step was like."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.first = int(state.global_step)
            if self.first == 0:
                at(0)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not logs or "reward" not in logs or not state.is_world_process_zero:
                return
            done = int(state.global_step)
            left = (time.monotonic() - began) / max(1, done - self.first) * (settings.steps - done)
            tell(_step(done, logs, settings, left))
            at(done)

    return Watch()


def _config(settings: RLSettings, folder: Path, torch: Any) -> dict[str, Any]:
    return settings.trl(folder / CHECKPOINTS) | {
        "per_device_train_batch_size": settings.replies_per_step,
        "use_cpu": True,
        "bf16": fast_dtype() is torch.bfloat16,
        "gradient_checkpointing": False,
    }


def lora_of(settings: RLSettings) -> Any:
    """LoRA on all linear modules."""
    from peft import LoraConfig

    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )


def dataset_of(prompts: Sequence[Prompt]) -> Any:
    """Prompts in TRL's form."""
    from datasets import Dataset

    return Dataset.from_list([{"prompt": p.messages, "key": p.key} for p in prompts])


def check_trackers(settings: RLSettings) -> None:
    """Refuse a tracker that is unknown or not installed, before anything is trained.

    Raises:
        UsageError: with those that are known.
    """
    from transformers.integrations import get_available_reporting_integrations
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
    for name in settings.trackers:
        if name not in INTEGRATION_TO_CALLBACK:
            raise UsageError(f"no tracker {name!r}", hint=f"known: {known}")
        if name not in get_available_reporting_integrations():
            raise UsageError(f"the tracker {name} is not installed", hint=f"pip install {name}")


def trl_classes() -> tuple[Any, Any]:
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    logging.getLogger("trl").setLevel(logging.ERROR)  # it warns of a reply without reward by showing it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from trl import GRPOConfig, GRPOTrainer
    except ImportError as e:
        raise ModelError(
            f"training by reinforcement needs {e.name}, which is not installed",
            hint="pip install 'unmask[train]'",
        ) from e
    return GRPOTrainer, GRPOConfig


def quiet(trainer: Any) -> None:
    """Without TRL's way of showing each step: ours is `tell`."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
