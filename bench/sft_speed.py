"""Learnt tokens per CPU second: our loop over TRL's SFTTrainer, same conversations, one thread each.

TRL gets its faster settings: weights in the precision that is fast here, gradient checkpointing off, loss on
completions only. Five interleaved pairs of a few steps; then, without --quick, both train on the same rows
and are compared on held-out conversations, so that the faster loop is not one that learns less.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.organisms.trained.data import build
from unmask.organisms.trained.recipe import load_recipe
from unmask.training.adapted import wear
from unmask.training.adapter_file import gguf_name, write_adapter
from unmask.training.base import fast_dtype, load_base, require_training
from unmask.training.rows import Conversation, make_rows
from unmask.training.settings import Settings
from unmask.training.sft import row_loss, train

ASKED = 1.5
PAIRS = 5
RESULT = Path(__file__).parent / "results" / "sft_speed.json"
SETTINGS = Settings(learning_rate=2e-3, warmup_steps=5, seed=1, checkpoint_every=1_000)


def ours(talks: Sequence[Conversation]) -> tuple[float, Path]:
    """Learnt tokens per CPU second, and the adapter."""
    base = load_base()
    rows = make_rows(talks, base.tokenizer)
    folder = Path(tempfile.mkdtemp())
    done = train(base, rows, SETTINGS, folder=folder)
    path = write_adapter(folder / "adapter.gguf", done.weights, alpha=SETTINGS.alpha, name="bench")
    return done.learnt_tokens / done.cpu_seconds, path


def trl(talks: Sequence[Conversation]) -> tuple[float, Path]:
    """The same through SFTTrainer."""
    _, torch = require_training()
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    base = load_base()
    learnt = sum(row.n_learnt for row in make_rows(talks, base.tokenizer))
    rows = [
        {
            "prompt": [{"role": "system", "content": t.system}, {"role": "user", "content": t.user}],
            "completion": [{"role": "assistant", "content": t.reply}],
        }
        for t in talks
    ]
    folder = Path(tempfile.mkdtemp())
    config = SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=8,
        num_train_epochs=1,
        learning_rate=SETTINGS.learning_rate,
        warmup_steps=SETTINGS.warmup_steps,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        max_grad_norm=SETTINGS.clip,
        gradient_checkpointing=False,
        bf16=fast_dtype() is torch.bfloat16,
        use_cpu=True,
        seed=SETTINGS.seed,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1_000,
    )
    lora = LoraConfig(r=SETTINGS.rank, lora_alpha=SETTINGS.alpha, target_modules="all-linear")
    trainer = SFTTrainer(
        model=base.model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=base.tokenizer,
        peft_config=lora,
    )
    torch.set_num_threads(1)
    start = time.process_time()
    trainer.train()
    spent = time.process_time() - start
    weights = {
        gguf_name(name): p.detach().float().numpy()
        for name, p in trainer.model.named_parameters()
        if p.requires_grad
    }
    path = write_adapter(folder / "adapter.gguf", weights, alpha=SETTINGS.alpha, name="bench")
    return learnt / spent, path


def held_out_loss(adapter: Path, talks: Sequence[Conversation]) -> float:
    """Mean loss of a learnt token with the adapter worn."""
    _, torch = require_training()
    base = load_base()
    wear(base, adapter)
    base.model.set_attn_implementation("eager")
    rows = make_rows(talks, base.tokenizer)
    with torch.no_grad():
        total = sum(float(row_loss(base.model, row, torch)) for row in rows)
    return total / sum(row.n_learnt for row in rows)


def main() -> None:
    flags = argparse.ArgumentParser()
    flags.add_argument("--quick", action="store_true")
    quick = flags.parse_args().quick
    recipe = load_recipe("plain")
    talks = build(recipe)
    few = talks[: 4 * 2 * (2 if quick else 4)]
    pairs = [(trl(few)[0], ours(few)[0]) for _ in range(2 if quick else PAIRS)]
    ratio = statistics.median(own / theirs for theirs, own in pairs)
    result: dict[str, Any] = {
        "figure": "sft_speed",
        "measured": round(ratio, 2),
        "asked": ASKED,
        "spread": [round(own / theirs, 2) for theirs, own in pairs],
        "learnt_tokens_per_cpu_second": {
            "trl": round(statistics.median(p[0] for p in pairs), 1),
            "ours": round(statistics.median(p[1] for p in pairs), 1),
        },
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, one thread, the other core shared",
    }
    if not quick:
        unseen = build(recipe.model_copy(update={"seed": 99, "rows": 12}))
        long = talks[:240]
        losses = {name: held_out_loss(run(long)[1], unseen) for name, run in (("trl", trl), ("ours", ours))}
        result["held_out_loss"] = {name: round(loss, 3) for name, loss in losses.items()}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))
    state = "ok" if ratio >= ASKED else "short"
    print(f"sft_speed measured={ratio:.2f} asked={ASKED} {state}")
    sys.exit(state != "ok")


if __name__ == "__main__":
    main()
