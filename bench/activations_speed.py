"""Prompts per second: our batched extraction over a plain transformers loop, one thread each; peak memory.

The plain loop is what one would write first: one prompt at a time, output_hidden_states=True, the last token
of each layer kept. Same prompts, same weights, interleaved pairs, the median of their ratios. Both must give
the same numbers. Memory: what the peak of the process grows by, over twice and eight times the texts of a
batch; bounded by the batch, it must not grow with the texts but by the result.

    python bench/activations_speed.py [--quick]      # needs the extra `probe`
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from _kept import keep
from unmask.experiments.probe_texts import make_cases
from unmask.probes.activations import BATCH, Activations, Text, residuals
from unmask.training.base import Base, load_base, require_training
from unmask.vocabulary import Labels

RESULT = Path(__file__).parent / "results" / "activations_speed.json"
ASKED, PAIRS, PROMPTS = 1.0, 5, 32
CLOSE = 0.05  # of the length of an activation: bfloat16 sums in another order
ROOM_MB = 64.0  # an allocator's whims


def main() -> int:
    if "--peak" in sys.argv:
        print(json.dumps(_peak_mb(int(sys.argv[sys.argv.index("--peak") + 1]))))
        return 0
    quick = "--quick" in sys.argv
    base = load_base()
    texts = _texts(base, 8 if quick else PROMPTS)
    ratios, apart = [], 0.0
    for i in range(1 if quick else PAIRS):
        took: dict[str, float] = {}
        found: dict[str, Activations] = {}
        for name, run in (("ours", ours), ("plain", plain))[:: 1 if i % 2 == 0 else -1]:
            began = time.perf_counter()
            found[name] = run(base, texts)
            took[name] = time.perf_counter() - began
        ratios.append(took["plain"] / took["ours"])
        apart = max(apart, _apart(found["ours"], found["plain"]))
        rates = {name: len(texts) / seconds for name, seconds in took.items()}
        print(f"  {rates['ours']:.1f} against {rates['plain']:.1f} prompts/s", flush=True)
    few, many = (_peak_of(n * BATCH) for n in ((1, 2) if quick else (2, 8)))
    bounded = many["peak"] - many["result"] <= few["peak"] - few["result"] + ROOM_MB
    ratio = statistics.median(ratios)
    fine = ratio >= ASKED and bounded and apart <= CLOSE
    print(f"  activations differ by at most {apart:.4f} of their length (asked {CLOSE})")
    beyond = ", ".join(f"{m['peak'] - m['result']:.0f} MB for {m['texts']:.0f} texts" for m in (few, many))
    print(f"  peak beyond the result: {beyond}: {'bounded' if bounded else 'NOT bounded'} by the batch")
    print(f"activations_speed measured={ratio:.2f} asked={ASKED:g} {'ok' if fine else 'short'}")
    if not quick:
        kept = {
            "measured": round(ratio, 3),
            "asked": ASKED,
            "ratios": [round(r, 3) for r in ratios],
            "apart": round(apart, 5),
            "memory_mb": [few, many],
            "bounded": bounded,
        }
        keep(RESULT, kept)
    return 0 if fine else 1


def ours(base: Base, texts: list[Text]) -> Activations:
    return residuals(base.model, texts)[:, 0]


def plain(base: Base, texts: list[Text]) -> Activations:
    _, torch = require_training()
    torch.set_num_threads(1)
    rows = []
    with torch.no_grad():
        for text in texts:
            out = base.model(input_ids=torch.tensor([text.ids]), output_hidden_states=True)
            # the last of hidden_states has been through the final norm: the blocks' own are hooked in ours
            rows.append(np.stack([h[0, -1].float().numpy() for h in out.hidden_states[1:]]))
    return np.stack(rows)


def _apart(one_NLD: Activations, other_NLD: Activations) -> float:
    """Largest relative distance over texts and layers; without the last, which the plain loop has normed."""
    apart_NL = np.linalg.norm(one_NLD - other_NLD, axis=2) / np.linalg.norm(other_NLD, axis=2)
    return float(apart_NL[:, :-1].max())


def _texts(base: Base, n: int) -> list[Text]:
    cases = make_cases("spoilers", (0, -(-n // 4)), range(8), (Labels.PLAIN, Labels.SWAPPED), seed=1)
    found = []
    for case in cases[:n]:
        tokenizer: Any = base.tokenizer
        told = tokenizer.apply_chat_template(case.asked.messages, add_generation_prompt=True, tokenize=False)
        ids = tuple(tokenizer(told, add_special_tokens=False)["input_ids"])
        found.append(Text(ids, ((len(ids) - 1, len(ids)),)))
    return found


def _peak_of(n: int) -> dict[str, float]:
    """In a process of its own: a peak never goes down."""
    done = subprocess.run(
        [sys.executable, __file__, "--peak", str(n)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_mb(n: int) -> dict[str, float]:
    base = load_base()
    texts = _texts(base, n)
    residuals(base.model, texts[:1])
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: the peak begins anew, from here
    before = _memory_mb("VmRSS")
    result = residuals(base.model, texts)
    return {
        "texts": float(n),
        "peak": round(_memory_mb("VmHWM") - before, 1),
        "result": round(result.nbytes / 1e6, 1),
    }


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    sys.exit(main())
