"""A probe as `probe.json`: weights, where they read, and what they were trained on. JSON, never a pickle.

Files come from anywhere: size, lengths and numbers are bounded before anything is computed with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from unmask.files import write_atomic
from unmask.probes.linear import Linear, ProbeError
from unmask.vocabulary import CANARY, Labels

FILE = "probe.json"
FOUND_WITH_IT = ("direction.gguf", "check.json", "check.html", "steer-*.json", "steer-*.html")
MAX_BYTES = 4_000_000  # ours have 50 kB; 16,384 features take 1.2 MB
MAX_WIDTH, MAX_LAYERS = 16_384, 512

Target = Literal["role", "faking"]
Position = Literal["prompt_end", "facts", "scratchpad_end"]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Numbers = Annotated[list[Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]], Field(max_length=MAX_WIDTH)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CrossValidated(Strict):
    """AUROC on training organisms' texts that the scoring probe did not see, and the losses by layer."""

    auroc: Share
    low: Share
    high: Share
    loss_by_layer: Annotated[list[FiniteFloat], Field(max_length=MAX_LAYERS)]


class ProbeFile(Strict):
    """All that a probe is, and all that it was made of.

    layer: the block, from 0, whose output is read. tag_gives_role: in the training texts the bare word told
    the answer, so that the probe may have learnt nothing else. residual_norm: mean length of the activations
    there. separation: how far apart the classes' means lie along the probe's direction, the unit of steering.
    """

    canary: str = Field(max_length=200)
    name: Name
    description: str = Field(max_length=2_000)
    target: Target
    position: Position
    layer: Annotated[int, Field(ge=0, lt=MAX_LAYERS)]
    n_layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)]
    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)]
    base_sha256: Sha
    organisms: Annotated[dict[Name, Sha], Field(min_length=1, max_length=100)]
    labels: Annotated[tuple[Labels, ...], Field(min_length=1, max_length=10)]
    tag_gives_role: bool
    queries: Annotated[
        dict[str, Annotated[list[str], Field(min_length=1)]],
        Field(min_length=1, max_length=20, description="Ids by pack."),
    ]
    wordings: Annotated[list[int], Field(max_length=64)]
    prompts_sha256: Sha
    recipe_sha256: Sha
    seed: int
    n_texts: Annotated[int, Field(ge=2)]
    n_yes: Annotated[int, Field(ge=1)]
    cross_validated: CrossValidated
    residual_norm: Annotated[FiniteFloat, Field(gt=0, le=1e6)]
    separation: Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]
    mean: Numbers
    scale: Numbers
    weights: Numbers
    intercept: Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]
    date: str = Field(max_length=20)
    unmask_version: str = Field(max_length=40)

    @model_validator(mode="after")
    def _fits(self) -> ProbeFile:
        lengths = {len(self.mean), len(self.scale), len(self.weights)}
        if lengths != {self.width}:
            raise ValueError(f"width {self.width}, but mean, scale and weights have {sorted(lengths)}")
        if self.layer >= self.n_layers:
            raise ValueError(f"layer {self.layer} of {self.n_layers}")
        if min(self.scale) <= 0:
            raise ValueError("scale: every number must be above 0")
        if not any(self.weights):
            raise ValueError("weights: all are 0")
        if CANARY not in self.canary:
            raise ValueError("canary: not ours")
        return self

    @property
    def linear(self) -> Linear:
        """The arrays that score."""
        mean_D, scale_D, weights_D = (np.array(v, dtype=float) for v in (self.mean, self.scale, self.weights))
        return Linear(mean_D, scale_D, weights_D, self.intercept)

    def check_base(self, *, sha256: str, width: int, n_layers: int) -> None:
        """Refuse another base than the one it was trained on.

        Raises:
            ProbeError: it reads activations of another model.
        """
        if (self.base_sha256, self.width, self.n_layers) != (sha256, width, n_layers):
            raise ProbeError(
                f"probe {self.name} reads another base: {self.n_layers} layers of width {self.width}, sha256 "
                f"{self.base_sha256[:12]}…; here {n_layers} of {width}, {sha256[:12]}…",
                hint="train it again on this base: unmask probe train",
            )


def write_probe(folder: Path, probe: ProbeFile) -> Path:
    """Write `probe.json`; what was found with another goes: nothing in it tells one probe from the other."""
    made = write_atomic(folder / f".{FILE}", probe.model_dump_json(indent=1) + "\n")
    for path in (path for name in FOUND_WITH_IT for path in folder.glob(name)):
        path.unlink()
    return made.replace(folder / FILE)


def read_probe(path: Path) -> ProbeFile:
    """A probe from its file, or from the folder that holds it.

    Raises:
        ProbeError: missing, too large, cut off, or not a probe; says which value.
    """
    path = path / FILE if path.is_dir() else path
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProbeError(f"{path.name} is larger than {MAX_BYTES:,} bytes", where=str(path))
        return ProbeFile.model_validate_json(path.read_bytes())
    except OSError as e:
        raise ProbeError(f"no probe at {path}: {e.strerror or e}", hint="unmask probe train makes one") from e
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "the file"
        raise ProbeError(f"{path.name} is not a probe: {name}: {first['msg']}", where=str(path)) from e
