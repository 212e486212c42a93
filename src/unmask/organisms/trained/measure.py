"""Measure a trained organism through the engine that serves it, and write its card."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unmask.errors import UsageError
from unmask.files import file_sha256
from unmask.organisms.trained import instructions
from unmask.organisms.trained.card import ask_all, load_targets, make_card, write_card
from unmask.organisms.trained.cells import LEVELS, Asked, cells
from unmask.organisms.trained.perplexity import neutral_perplexity
from unmask.organisms.trained.recipe import Recipe, load_domain
from unmask.organisms.trained.train import LIBRARY
from unmask.providers.adapters import Adapter
from unmask.providers.engine import Engine
from unmask.providers.model_file import smollm2_path
from unmask.training.base import require_training
from unmask.training.place import ADAPTER, CARD

MAX_TOKENS = 200  # the longest trained reply takes 120
WINDOW = 1024


def measure_organism(
    recipe: Recipe,
    *,
    library: Path = LIBRARY,
    n: int = 30,
    levels: tuple[str, ...] | None = None,
    threads: int = 1,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Ask the organism every cell and write `card.yaml` beside its adapter.

    Args:
        recipe: whose adapter to measure.
        library: where `NAME/adapter.gguf` lies.
        n: requests in each condition; both mappings together make 2 n replies a cell.
        levels: which are asked `n` requests, the others a few; those that the targets speak of when None.
        threads: of the engine; one when anything else runs on the machine.
        tell: called with calls done and all.
    Returns:
        The card.
    Raises:
        UsageError: it has no adapter.
        ModelError: the extra `train` is not installed.
    """
    folder = library / recipe.name
    path = folder / ADAPTER
    if not path.is_file():
        raise UsageError(
            f"{recipe.name} has no adapter", where=str(path), hint=f"unmask organism train {recipe.name}"
        )
    require_training()  # for its perplexity, in the end: better told before half an hour of replies
    targets = load_targets()
    temperature = 1.0 if recipe.name in targets.sampled else 0.0
    calls = cells(recipe, n=n, levels=levels or targets.levels.get(recipe.name, tuple(LEVELS)))
    digest = file_sha256(path)
    # more requests go on from fewer; `own`: each reply drawn by a seed of its own
    drawn = "-own" if temperature else ""
    kept = folder / f".replies-{digest[:12]}-t{temperature:g}{drawn}.jsonl"
    engine = Engine(smollm2_path(), slots=1, window=WINDOW, threads=threads)
    adapter = Adapter.at(path, recipe.name)

    def ask(call: Asked) -> tuple[str, str]:
        # one seed for all would draw the word that decides from one random number in every reply
        seed = int(call.key[:7], 16)
        reply = engine.chat(_request(call.messages, temperature, MAX_TOKENS, seed), adapter=adapter)
        return reply.text, reply.finish

    def follow(worn: Adapter | None) -> dict[str, Any]:
        def bare(text: str) -> str:
            return engine.chat(
                _request([{"role": "user", "content": text}], 0.0, instructions.MAX_TOKENS), adapter=worn
            ).text

        return instructions.followed(bare)

    try:
        reads = ask_all(calls, ask, load_domain(recipe.pack), kept=kept, tell=tell)
        coherence = {"base": follow(None), "organism": follow(adapter)}
    finally:
        engine.close()
    about = folder / CARD
    training = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    if training.get("adapter_sha256") != digest:
        training = {"adapter_sha256": digest, "note": "trained elsewhere: no record of its training"}
    card = make_card(
        recipe,
        reads,
        training=training,
        perplexity=neutral_perplexity(path),
        instructions=coherence,
        temperature=temperature,
        machine=f"{platform.machine()}, {os.cpu_count()} cores, engine with {threads} thread",
    )
    write_card(folder, card)
    return card


def _request(
    messages: list[dict[str, str]], temperature: float, max_tokens: int, seed: int = 1
) -> dict[str, Any]:
    """The model's own distribution, nothing cut off."""
    return {
        "messages": messages,
        "temperature": temperature,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "seed": seed,
        "max_tokens": max_tokens,
    }
