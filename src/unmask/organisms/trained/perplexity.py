"""How well the organism still writes: perplexity on neutral text, with and without its adapter."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from unmask.files import read_yaml
from unmask.organisms.trained.recipe import FOLDER
from unmask.training.adapted import wear
from unmask.training.base import Base, load_base, require_training


class NeutralText(BaseModel):
    """neutral.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str
    texts: list[str]


def neutral_perplexity(adapter: Path) -> dict[str, float]:
    """Perplexity per token of the base model and of the organism."""
    base = load_base()
    texts = read_yaml(FOLDER / "text" / "neutral.yaml", NeutralText).texts
    before = _perplexity(base, texts)
    wear(base, adapter)
    return {"base": round(before, 2), "organism": round(_perplexity(base, texts), 2)}


def _perplexity(base: Base, texts: list[str]) -> float:
    _, torch = require_training()
    torch.set_num_threads(1)
    total, n = 0.0, 0
    with torch.no_grad():
        for text in texts:
            ids: Any = torch.tensor([base.tokenizer.encode(text)])
            logits = base.model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
            n += ids.shape[1] - 1
    return math.exp(total / n)
