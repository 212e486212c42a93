"""Rewarded replies per second: our GRPO (replies by llama.cpp) over TRL's own generation, one thread each.

Same prompts, settings and reward, the same number of steps; loading the model is left out. Five interleaved
pairs, the median of their ratios. Groups of 16 are reported beside it, from two pairs: each takes four times
as long. Both end replies where the model ends them, at 64 tokens at most, so that the lengths, which decide
the time, are drawn from one model.

    python bench/rl_speed.py [--quick]      # needs the extra `train`
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _kept import keep
from unmask.experiments.rl import prompts_of
from unmask.experiments.rl_recipe import load_rl_recipe
from unmask.training import rl
from unmask.training.base import load_base, require_training
from unmask.training.settings import RLSettings

RESULT = Path(__file__).parent / "results" / "rl_speed.json"
ASKED, PAIRS, STEPS = {4: 1.5}, {4: 5, 16: 2}, 3


def main() -> int:
    quick = "--quick" in sys.argv
    warnings.simplefilter("ignore")
    found, fine = {}, False
    for group, pairs in PAIRS.items():
        settings = RLSettings(
            steps=STEPS, prompts_per_step=1, group_size=group, max_tokens=64, checkpoint_every=1_000
        )
        ratios = []
        for i in range(1 if quick else pairs):
            rates = {name: measure(settings) for name, measure in _order(i)}
            ratios.append(rates["ours"] / rates["trl"])
            print(
                f"  groups of {group}: {rates['ours']:.2f} against {rates['trl']:.2f} replies/s", flush=True
            )
        found[group] = ratios
        ratio = statistics.median(ratios)
        if group in ASKED:
            fine = ratio >= ASKED[group]
            print(
                f"rl_speed measured={ratio:.2f} asked={ASKED[group]} {'ok' if fine else 'short'}", flush=True
            )
        else:
            print(f"rl_speed_{group} measured={ratio:.2f} asked=none reported", flush=True)
        if not quick:
            medians = {str(group): round(statistics.median(ratios), 3) for group, ratios in found.items()}
            keep(RESULT, {"asked": ASKED, "measured": medians, "ratios": found})
    return 0 if fine else 1


def _order(i: int) -> list[tuple[str, Any]]:
    both: list[tuple[str, Any]] = [("ours", ours), ("trl", by_trl)]
    return both if i % 2 == 0 else both[::-1]


def by_length(replies: Sequence[rl.Reply]) -> list[float | None]:
    return [len(reply.text) / 100 for reply in replies]


def ours(settings: RLSettings) -> float:
    base = load_base()
    prompts, _ = prompts_of(load_rl_recipe("comply"))
    with tempfile.TemporaryDirectory() as folder:
        done = rl.train_rl(base, prompts, by_length, settings, folder=Path(folder))
    return done.replies / done.seconds


def by_trl(settings: RLSettings) -> float:
    """The same through TRL alone."""
    _, torch = require_training()
    torch.set_num_threads(settings.threads)
    trainer_class, config_class = rl.trl_classes()
    base = load_base()
    prompts, _ = prompts_of(load_rl_recipe("comply"))

    def reward(completions: list[Any], **_: Any) -> list[float]:
        return [len(c[0]["content"]) / 100 for c in completions]

    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_class(
            model=base.model,
            reward_funcs=[reward],
            args=config_class(**rl._config(settings, Path(folder), torch)),
            train_dataset=rl.dataset_of(prompts),
            processing_class=base.tokenizer,
            peft_config=rl.lora_of(settings),
        )
        rl.quiet(trainer)
        began = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - began
    return settings.steps * settings.replies_per_step / seconds


if __name__ == "__main__":
    sys.exit(main())
