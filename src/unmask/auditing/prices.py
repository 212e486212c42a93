"""What a million tokens cost, by model: the shipped file, the user's own over it, one named over both.

We invent no price. Where nobody has said one, it is unknown, and a budget in money is refused. Calls that
stay on this machine cost nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - a field below has that name
from importlib.resources import files
from pathlib import Path
from typing import Literal

from inspect_ai.model import (
    ModelCost,
    ModelInfo,
    ModelUsage,
    compute_model_cost,
    get_model_info,
    set_model_info,
)
from pydantic import BaseModel, ConfigDict, Field

from unmask.auditing.preflight import is_paid
from unmask.errors import UsageError
from unmask.files import read_yaml

SHIPPED = Path(str(files("unmask.auditing"))) / "prices.yaml"
HOW = "add it to {path}, in the form of that file, or name a file with --prices"


class Price(BaseModel):
    """One model's price in US dollars per million tokens, with where and when it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    input_cache_read: float | None = Field(default=None, ge=0)
    input_cache_write: float | None = Field(default=None, ge=0)
    source: str = Field(min_length=3)
    date: Date

    @property
    def cost(self) -> ModelCost:
        """The same in Inspect's form; a cache price that was not said is that of the input."""
        read, write = self.input_cache_read, self.input_cache_write
        return ModelCost(
            input=self.input,
            output=self.output,
            input_cache_read=self.input if read is None else read,
            input_cache_write=self.input if write is None else write,
        )

    def of(self, usage: ModelUsage) -> float:
        """Dollars of one call."""
        return compute_model_cost(self.cost, usage)

    def tokens(self, tokens_in: float, tokens_out: float) -> float:
        """Dollars of so many tokens, none of them from a cache."""
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


class PriceFile(BaseModel):
    """A prices file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Literal["USD"] = "USD"
    models: dict[str, Price] = {}


FREE = Price(input=0, output=0, source="stays on this machine", date=Date(2026, 1, 1))


@dataclass(frozen=True)
class Prices:
    """Prices by model name, and the file that each came from."""

    models: Mapping[str, Price]
    files: Mapping[str, Path]

    def of(self, model: str, *, base_url: str | None = None) -> Price | None:
        """A model's price: what a file says, nothing for what stays here, None where nobody has said."""
        if model in self.models:
            return self.models[model]
        return None if is_paid(model, base_url) else FREE


def config_folder() -> Path:
    """`UNMASK_CONFIG`, or the user's folder for settings."""
    own = os.environ.get("UNMASK_CONFIG")
    base = Path(own) if own else Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "unmask"
    return base.expanduser()


def own_file() -> Path:
    """Where the user's own prices are kept, whether there are any or not."""
    return config_folder() / "prices.yaml"


def load_prices(file: Path | None = None) -> Prices:
    """Shipped prices, the user's over them, and those of `file` over both.

    Raises:
        UsageError: a file is not there, or not in the form of a prices file; with file and line.
    """
    if file is not None and not file.is_file():
        raise UsageError(f"no prices file {file}", hint=f"the form is that of {SHIPPED}")
    paths = [SHIPPED, *([own_file()] if own_file().is_file() else []), *([file] if file else [])]
    models: dict[str, Price] = {}
    where: dict[str, Path] = {}
    for path in paths:
        for name, price in read_yaml(path, PriceFile).models.items():
            models[name], where[name] = price, path
    return Prices(models, where)


def how_to_add(file: Path | None = None) -> str:
    """What to do about a price that is unknown."""
    return HOW.format(path=file or own_file())


def register(prices: Prices, models: Iterable[str], *, base_url: str | None = None) -> None:
    """Tell Inspect the prices, so that its logs and our tables hold what each reply cost."""
    for name in models:
        price = prices.of(name, base_url=base_url)
        if price is None or price is FREE:
            continue
        info = get_model_info(name) or ModelInfo()
        set_model_info(name, info.model_copy(update={"cost": price.cost}))
