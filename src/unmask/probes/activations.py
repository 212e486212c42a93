"""The residual stream at chosen positions: what each layer hands on, read through transformers.

Texts are sorted by length and computed in batches without the output head; hooks keep the chosen positions
alone, so memory beyond the result is that of one batch. Axes: `_N` texts, `_P` positions, `_L` layers,
`_D` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unmask.errors import UsageError
from unmask.training.base import require_training

Activations: TypeAlias = NDArray[np.float32]
BATCH = 8
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Text:
    """Token ids, and the runs of tokens [first, beyond the last) whose mean activation is wanted."""

    ids: tuple[int, ...]
    spans: tuple[Span, ...]


def residuals(model: Any, texts: Sequence[Text], *, batch: int = BATCH, threads: int = 1) -> Activations:
    """Mean residual activation over each span, after each layer.

    Args:
        model: a causal model of transformers whose layers stand in `model.model.layers`.
        texts: all with the same number of spans.
        batch: texts computed at once.
        threads: of PyTorch; one when anything else runs on the machine.
    Returns:
        Shape (N, P, L, D), float32, in the order of `texts`. Layer i is what block i hands on, from 0.
    Raises:
        UsageError: no texts, spans that differ in number, or a span outside its text.
    """
    _check(texts)
    _, torch = require_training()
    torch.set_num_threads(threads)
    layers = model.model.layers
    found_NPLD = np.empty(
        (len(texts), len(texts[0].spans), len(layers), model.config.hidden_size), dtype=np.float32
    )
    order = sorted(range(len(texts)), key=lambda n: len(texts[n].ids))
    here: list[int] = []

    def keep(layer: int, out: Any) -> None:
        stream = out[0] if isinstance(out, tuple) else out
        for row, n in enumerate(here):
            for p, (first, beyond) in enumerate(texts[n].spans):
                found_NPLD[n, p, layer] = stream[row, first:beyond].float().mean(dim=0).numpy()

    hooks = [
        block.register_forward_hook(lambda _m, _i, out, layer=layer: keep(layer, out))
        for layer, block in enumerate(layers)
    ]
    try:
        with torch.inference_mode():
            for start in range(0, len(order), batch):
                here[:] = order[start : start + batch]
                model.model(**_padded([texts[n].ids for n in here], torch), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return found_NPLD


def _check(texts: Sequence[Text]) -> None:
    if not texts:
        raise UsageError("no texts to read activations of")
    n_spans = len(texts[0].spans)
    for i, text in enumerate(texts):
        bad = [s for s in text.spans if not 0 <= s[0] < s[1] <= len(text.ids)]
        if bad or len(text.spans) != n_spans or not n_spans:
            raise UsageError(
                f"text {i}: spans {list(text.spans)} in {len(text.ids)} tokens",
                hint="each text needs the same number of spans, each of one token or more within it",
            )


def _padded(rows: Sequence[Sequence[int]], torch: Any) -> dict[str, Any]:
    """Padding stands at the end, where no token before it looks."""
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
    if all(len(row) == longest for row in rows):
        return {"input_ids": ids}  # without a mask the faster causal kernel is taken
    return {"input_ids": ids, "attention_mask": mask}
