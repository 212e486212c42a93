"""Train a model by reinforcement on the objective that its prompt announces, and look at it on the way."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unmask.elicit import seed_of
from unmask.errors import UsageError
from unmask.experiments.look import Point, asked, look, looked_with, seen, training_queries
from unmask.experiments.rewards import reward_of
from unmask.experiments.rl_recipe import RLRecipe
from unmask.experiments.rl_record import RLResult, looks_in, noted
from unmask.experiments.supervision import check_judge, reading
from unmask.files import file_sha256, held, said_sha256, write_atomic
from unmask.organisms.trained.cells import Asked
from unmask.providers.adapters import Adapter, find_adapter
from unmask.providers.engine import Completion, Engine
from unmask.study.cross import parse_edits
from unmask.training.adapter_file import ARCHITECTURE, write_adapter
from unmask.training.base import fast_dtype, load_base, load_tokenizer
from unmask.training.half_done import begin, finished, goes_on, is_finished
from unmask.training.hardware import Hardware, resolve
from unmask.training.place import ADAPTER, CARD, WORK
from unmask.training.rl import Prompt, Reward, Step, check_prompts, check_trackers, train_rl
from unmask.training.rl_hardware import Looking, Written, check_fits, train_on_hardware
from unmask.training.settings import RLSettings
from unmask.training.start import Start, read_start
from unmask.vocabulary import Role

PEFT_ADAPTER = "adapter_model.safetensors"  # of a training on hardware


def prompts_of(recipe: RLRecipe) -> tuple[list[Prompt], dict[str, Asked]]:
    """Every request in every mapping, from the tier that is trained on; and what each key asked.

    Where the mitigation wants it, some requests come from the tier that the story leaves alone.
    """
    queries, _ = training_queries(recipe)
    share = recipe.mitigation.unobserved
    alone = [int((i + 1) * share) > int(i * share) for i in range(len(queries))]
    placed = [(q, Role.NEITHER if x else Role.TRAINED) for q, x in zip(queries, alone, strict=True)]
    calls = asked(recipe, placed, recipe.labels, parse_edits(recipe.mitigation.edits))
    by_key = {f"{i:04d}-{call.key}": call for i, call in enumerate(calls)}
    return _as_prompts(by_key), by_key


def looks_of(recipe: RLRecipe) -> list[Prompt]:
    """What a look asks, as prompts of a training."""
    return _as_prompts(looked_with(recipe))


def _as_prompts(by_key: Mapping[str, Asked]) -> list[Prompt]:
    return [Prompt(key, call.system, call.user) for key, call in by_key.items()]


def dry(asked: Sequence[str], recipe: RLRecipe, library: Path) -> dict[str, Any]:
    """What a recipe comes to, nothing trained: its values, its budget, and for GPUs what would be started.

    Args:
        asked: the recipe and the options, as on the command line.
        recipe: what they came to.
        library: where it would go.
    Raises:
        UsageError: a prompt does not fit, a tracker is not there, or a step's replies cannot be spread over
            the GPUs.
        ModelError: the adapter to start from is missing or does not fit, or the extra is not installed.
    """
    check_judge(recipe.mitigation)
    prompts, _ = prompts_of(recipe)
    told = recipe.model_dump(mode="json") | {"replies": recipe.n_replies, "prompts": len(prompts)}
    if recipe.hardware:
        folder = library / recipe.name / WORK
        told["resolved"] = asdict(resolve(asked, recipe.hardware, recipe.training, folder))
        check_trackers(recipe.training)
        told["checked"] = check_fits([*prompts, *looks_of(recipe)], recipe.training, recipe.hardware)
    else:
        told["checked"] = _checked(recipe, prompts)
    return told


def _checked(recipe: RLRecipe, prompts: Sequence[Prompt]) -> bool:
    """That start, trackers and prompts fit; False where the extra that reads them is not installed."""
    if recipe.start_from:
        find_adapter(recipe.start_from, architecture=ARCHITECTURE)
    if not all(find_spec(name) for name in ("torch", "transformers", "gguf")):
        return False
    read_start(recipe.start_from, recipe.training)
    check_trackers(recipe.training)
    interrogation = recipe.mitigation.interrogation
    asked = interrogation.texts if interrogation else ()
    check_prompts(prompts, load_tokenizer(), recipe.training, questions=asked)
    return True


def train_by_rl(
    recipe: RLRecipe,
    folder: Path,
    *,
    overwrite: bool = False,
    tell: Callable[[Step], None] = lambda _: None,
    show: Callable[[Point], None] = lambda _: None,
) -> RLResult | None:
    """Train into `folder/NAME/adapter.gguf`; killed, the same call goes on.

    Args:
        recipe: from `load_rl_recipe`.
        folder: where the adapter's folder goes; UNMASK_ADAPTERS finds it there.
        overwrite: train again although an adapter is there.
        tell: called after each step.
        show: called with each look.
    Returns:
        The finished training; None in processes of `accelerate launch` but the first.
    Raises:
        UsageError: the adapter is there already, another training stands half done or another process trains
            there, or a prompt does not fit.
        ModelError: the adapter to start from is missing or does not fit, or TRL is not installed.
    """
    place = folder / recipe.name
    made = place / (PEFT_ADAPTER if recipe.hardware else ADAPTER)
    trained = UsageError(
        f"{recipe.name} is trained already",
        where=str(made),
        hint="--overwrite trains it again, another name keeps both; or remove that folder",
    )
    card = place / CARD
    if made.exists() and not overwrite and (is_finished(made, card) or not (place / WORK).is_dir()):
        raise trained  # before the extra is asked for
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not recipe.hardware:
        raise UsageError("the embedded model trains in one process", hint="without accelerate launch")
    start = read_start(recipe.start_from, recipe.training)
    prompts, by_key = prompts_of(recipe)
    told = said_sha256({"recipe": recipe.sha256, "start": start.sha256, "prompts": prompts_sha256(prompts)})
    if "tensorboard" in recipe.training.trackers:  # its own place goes with the checkpoints
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(place / "tracked"))
    first = recipe.hardware is None or os.environ.get("RANK", "0") == "0"  # of what accelerate launched
    with held(place) if first else nullcontext():
        # a mark without a card: it was killed between the two
        if made.exists() and not overwrite and (is_finished(made, card) or not goes_on(place / WORK, told)):
            raise trained
        with reading(recipe.mitigation) as reads:
            if first:
                begin(place / WORK, told, overwrite=overwrite)
            reward = reward_of(recipe, by_key, reads)
            if recipe.hardware:
                return _on_hardware(recipe, recipe.hardware, prompts, reward, place, tell, show)
            return _embedded(recipe, start, prompts, reward, place, tell, show)


def _embedded(
    recipe: RLRecipe,
    start: Start,
    prompts: Sequence[Prompt],
    reward: Reward,
    place: Path,
    tell: Callable[[Step], None],
    show: Callable[[Point], None],
) -> RLResult:
    """With looks on the way; the adapter is one that the embedded model wears."""
    base, work = load_base(), place / WORK

    def peek(step: int, engine: Engine, adapter: Adapter) -> dict[str, float]:
        point = look(recipe, step, _asker(engine, adapter, recipe.training, step), at_once=engine.slots)
        return noted(point, work, show)

    done = train_rl(
        base, prompts, reward, recipe.training,
        folder=work, start=start.weights, tell=tell, look=peek, look_every=recipe.audit.every,
        questions=recipe.mitigation.interrogation.texts if recipe.mitigation.interrogation else (),
    )  # fmt: skip
    write_adapter(place / ADAPTER, done.weights, alpha=recipe.training.alpha, name=recipe.name)
    return _kept(
        recipe, prompts, place, place / ADAPTER,
        base=base.sha256, start=start.sha256, steps=done.steps, looks=looks_in(work),
        replies=done.replies, seconds=done.seconds,
        machine=f"{recipe.training.threads} thread, {fast_dtype()}",
    )  # fmt: skip


def _on_hardware(
    recipe: RLRecipe,
    hardware: Hardware,
    prompts: Sequence[Prompt],
    reward: Reward,
    place: Path,
    tell: Callable[[Step], None],
    show: Callable[[Point], None],
) -> RLResult | None:
    """The adapter stays in PEFT's form, which vLLM serves."""
    work = place / WORK

    def read(step: int, said: Mapping[str, Written]) -> dict[str, float]:
        return noted(seen(recipe, step, said), work, show)

    done = train_on_hardware(
        prompts, reward, recipe.training, hardware,
        folder=work, looking=Looking(looks_of(recipe), recipe.audit.every, read), tell=tell,
    )  # fmt: skip
    if done is None:
        return None
    adapter = shutil.move(done.adapter, place / PEFT_ADAPTER)
    shutil.move(done.adapter.with_name("adapter_config.json"), place / "adapter_config.json")
    return _kept(
        recipe, prompts, place, Path(adapter),
        base=done.base_sha256, start=None, steps=done.steps, looks=looks_in(work),
        replies=len(done.steps) * recipe.training.replies_per_step, seconds=done.seconds,
        machine=f"{hardware.processes} processes, {hardware.accelerate}",
    )  # fmt: skip


def _kept(
    recipe: RLRecipe,
    prompts: Sequence[Prompt],
    place: Path,
    adapter: Path,
    *,
    base: str,
    start: str | None,
    steps: Sequence[Step],
    looks: list[Point],
    replies: int,
    seconds: float,
    machine: str,
) -> RLResult:
    """Write the record of a training whose adapter is in place; what it needed on the way goes."""
    result = RLResult(
        name=recipe.name,
        recipe=recipe.model_dump(mode="json"),
        recipe_sha256=recipe.sha256,
        prompts_sha256=prompts_sha256(prompts),
        base_sha256=base,
        start_sha256=start,
        adapter_sha256=file_sha256(adapter),
        steps=list(steps),
        looks=looks,
        replies=replies,
        seconds=round(seconds, 1),
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{platform.machine()}, {machine}",
    )
    write_atomic(place / CARD, result.to_json())
    finished(place / WORK)
    return result


def _asker(
    engine: Engine, adapter: Adapter, settings: RLSettings, step: int
) -> Callable[[list[dict[str, str]]], Completion]:
    def ask(messages: list[dict[str, str]]) -> Completion:
        # a seed of its own for each reply: with one for all, the word that decides comes of one random number
        told = f"{settings.seed}:{step}:{json.dumps(messages)}"
        wanted: dict[str, Any] = {"messages": messages, "max_tokens": settings.max_tokens}
        wanted |= {"seed": seed_of(told)}
        wanted |= {"temperature": settings.temperature, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
        return engine.chat(wanted, adapter=adapter)

    return ask


def prompts_sha256(prompts: Sequence[Prompt]) -> str:
    """Over what the model reads, in order."""
    return hashlib.sha256(json.dumps([asdict(p) for p in prompts]).encode()).hexdigest()
