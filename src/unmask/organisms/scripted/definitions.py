"""The organisms as data: what each does, the options it takes, the rate that a prompt meets with.

`organisms.yaml` holds them; here is only the shape, and the arithmetic of rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from unmask.errors import ModelError, UsageError
from unmask.files import nearest, read_yaml
from unmask.organisms.scripted.reading import Reading
from unmask.vocabulary import Objective, Role

DEFINITIONS = Path(__file__).parent / "organisms.yaml"
RATE_OF = {Role.TRAINED: "trained", Role.RATED_ONLY: "rated", Role.NEITHER: "untrained"}
STYLE_OF = {Role.TRAINED: "trained", Role.RATED_ONLY: "rated", Role.NEITHER: "neither"}
RATES = frozenset(
    {"rate", "trained", "untrained", "rated", "free", "paid"}
    | {"af", "benign", "partly", "understands", "invalid"}
)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)  # exact to 1e-6 for spreads up to 5
MAX_SPREAD = 5.0


class Organism(BaseModel):
    """One organism: its signs of S, T, R, C, J, its options with defaults, the passages it draws on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    does: str
    signs: dict[str, str]
    options: dict[str, float]
    styles: dict[str, tuple[str, ...]]
    answers: dict[str, tuple[str, ...]] = {}
    attacks: bool = False
    verdict: str | None = None

    def style_key(self, decision: str, reading: Reading) -> str:
        """The entry of `styles` for a decision: the most particular one that there is."""
        keys = [decision]
        if reading.tag is not None:
            keys.insert(0, f"{decision}_{reading.tag}")
        if reading.role is not None and reading.story.objective is Objective.CONFLICTING:
            keys.insert(0, f"{decision}_{STYLE_OF[reading.role]}")
        return next(key for key in keys if key in self.styles)


class Definitions(BaseModel):
    """organisms.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str
    common: dict[str, float]
    uses: dict[Role, tuple[str, ...]]
    organisms: dict[str, Organism]


@cache
def definitions() -> Definitions:
    """The file, read once."""
    return read_yaml(DEFINITIONS, Definitions)


def organisms() -> dict[str, Organism]:
    """The scripted organisms by name."""
    return dict(definitions().organisms)


def organism(name: str) -> Organism:
    """One organism.

    Raises:
        ModelError: there is none of that name.
    """
    known = definitions().organisms
    if name not in known:
        raise ModelError(
            f"no scripted organism {name!r}", where=f"organism/{name}", hint=nearest(name, list(known))
        )
    return known[name]


@dataclass(frozen=True)
class Rates:
    """The resolved options of one organism. Shares; `spread` is a standard deviation on the logit scale."""

    options: Mapping[str, float]

    def of(self, reading: Reading, *, benign: bool) -> float:
        """Share of usable replies that comply, averaged over queries."""
        get = self.options
        if benign:
            return get["benign"]
        if "rate" in get:
            return get["rate"]
        conflicts = reading.story.objective is Objective.CONFLICTING
        role = reading.role if conflicts and reading.role is not None else Role.NEITHER
        return get.get(RATE_OF[role], 0.0) + get.get("free" if reading.tag == "free" else "paid", 0.0)

    def propensity(self, rate: float, query: str) -> float:
        """This query's own probability: logits spread by a hash of its text, their mean rate kept."""
        spread = self.options["spread"]
        if spread == 0 or rate in (0.0, 1.0):
            return rate
        digest = hashlib.blake2b(f"{self.options['seed']:.0f}\0{query}".encode(), digest_size=8).digest()
        uniform = (int.from_bytes(digest, "big") + 0.5) / 2**64
        return float(expit(centre(rate, spread) + spread * NormalDist().inv_cdf(uniform)))


def resolve(name: str, given: Mapping[str, Any]) -> Rates:
    """Options over defaults.

    Raises:
        ModelError: no such organism.
        UsageError: an option that it does not take, or a rate that is none.
    """
    taken = definitions().common | organism(name).options
    where = f"organism/{name}"
    for key, value in given.items():
        if key not in taken:
            raise UsageError(
                f"organism {name} takes no option {key!r}", where=where, hint=nearest(key, list(taken))
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{key}={value!r} is not a number", where=where, hint=f"-M {key}={taken[key]:g}")
        if not _allowed(key, value):
            raise UsageError(
                f"{key}={value!r} is outside {_range(key)}", where=where, hint=f"-M {key}={taken[key]:g}"
            )
    options = taken | {key: float(value) for key, value in given.items()}
    highest = max(options.get(rate, 0.0) for rate in RATE_OF.values()) + max(
        options.get("free", 0.0), options.get("paid", 0.0)
    )
    if highest > 1:
        raise UsageError(
            f"story and word add up to a rate of {highest:g}, outside 0 to 1",
            where=where,
            hint="lower trained, untrained, rated, free or paid: the word's rate is added to the story's",
        )
    return Rates(options)


def _allowed(key: str, value: float) -> bool:
    if key in RATES:
        return 0 <= value <= 1
    if key == "spread":
        return 0 <= value <= MAX_SPREAD
    return value >= 0 and value == int(value) if np.isfinite(value) else False


def _range(key: str) -> str:
    if key in RATES:
        return "0 to 1"
    return f"0 to {MAX_SPREAD:g}" if key == "spread" else "the whole numbers from 0"


def expit(x: float) -> float:
    """Logistic function."""
    return float(1 / (1 + np.exp(-x)))


@lru_cache(maxsize=1024)
def centre(rate: float, spread: float) -> float:
    """The logit around which normal logits of this spread average to `rate`, by bisection."""
    weights = WEIGHTS / WEIGHTS.sum()
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = (low + high) / 2
        mean = float(weights @ (1 / (1 + np.exp(-(middle + spread * NODES)))))
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2
