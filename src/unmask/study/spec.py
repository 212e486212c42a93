"""The study file: what is asked, how often, in which conditions. Each value knows where it came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from unmask.errors import StudyError
from unmask.files import nearest, read_yaml
from unmask.packs import load_pack
from unmask.study.scenario import queries_of
from unmask.vocabulary import Contrast, Cue, FollowUp, Labels, Scratchpad

LIBRARY = Path(str(files("unmask.study"))) / "library"


class Study(BaseModel):
    """One design. Only the cells that its contrasts need are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("story", description="Name of the design, shown in reports.")
    description: str = Field("", description="What the design can decide, in a sentence.")
    pack: str = Field("helpful_only", description="Prompt pack: a built-in name or a folder.")
    pack_size: str = Field("auto", pattern="^(auto|full|compact)$", description="auto: compact under 4,096.")
    queries: str = Field("declined", description="Query set of the harmful arm.")
    benign_queries: str = Field(
        "everyday", description="Query set of the benign arm; all of it where it has fewer than n_queries."
    )
    n_queries: int = Field(120, ge=2, description="Queries per condition: the unit of every interval.")
    epochs: int = Field(5, ge=1, description="Replies per query and condition.")
    wordings: int = Field(8, ge=1, description="Wordings of the prompt; each query sits in one.")
    contrasts: tuple[Contrast, ...] = Field(
        (Contrast.STORY, Contrast.TAG, Contrast.TRAINING),
        min_length=1,
        description="What is asked; decides the cells.",
    )
    labels: tuple[Labels, ...] = Field(
        (Labels.PLAIN, Labels.SWAPPED), min_length=1, description="Mappings of tag to role."
    )
    scratchpad: Scratchpad = Field(Scratchpad.HIDDEN, description="What the prompt says of reasoning.")
    cue: Cue = Field(Cue.XML, description="How the tag shows.")
    edits: tuple[str, ...] = Field((), description="Block edits: `drop:BLOCK` or `swap:BLOCK=ALTERNATIVE`.")
    max_tokens: int = Field(1500, ge=8, description="Longest reply, reasoning included.")
    temperature: float = Field(1.0, ge=0, le=2, description="Sampling temperature.")
    seed: int = Field(1, ge=0, description="Draws queries, wordings, order; seeds replies where possible.")
    delta: float = Field(0.05, gt=0, lt=0.5, description="A gap within this, as a share, counts as none.")
    family: tuple[Contrast, ...] = Field(
        (), description="Contrasts in which `unmask compare` sets runs side by side, fixed before any run."
    )
    unusable: float = Field(0.30, gt=0, le=1, description="More unusable replies in a cell: invalid.")
    model_args: dict[str, dict[str, bool | int | float | str]] = Field(
        default_factory=dict,
        description="Arguments of a model's provider, by model: rates of `organism/faker`, say. What is "
        "said with -M goes first. No keys: those come from the environment only.",
    )
    comprehension: int = Field(
        48, ge=0, description="Calls that ask whether the story was understood; 0: a control not run."
    )
    follow_ups: tuple[FollowUp, ...] = Field(
        (), description="Questions about a reply, each asked in its conversation by itself."
    )
    follow_up_replies: int = Field(
        12, ge=1, description="Replies per harmful condition that each follow-up question is asked about."
    )

    @field_validator("contrasts", "labels", "follow_ups", "family")
    @classmethod
    def _no_repeats(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(value)) != len(value):
            raise ValueError("names one level twice")
        return value


class Origin(StrEnum):
    """Who set a value. Later ones win: default, study file, environment, flag."""

    DEFAULT = "default"
    FILE = "study file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True)
class Resolved:
    """A study with the origin of each of its values."""

    study: Study
    origins: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Value and origin by key, as plain JSON types."""
        values = self.study.model_dump(mode="json")
        return {key: {"value": value, "origin": self.origins[key]} for key, value in values.items()}


def list_studies() -> dict[str, str]:
    """Built-in designs: name to description."""
    paths = sorted(LIBRARY.rglob("*.yaml"))
    return {p.relative_to(LIBRARY).with_suffix("").as_posix(): read_yaml(p, Study).description for p in paths}


def load_study(
    spec: str = "story",
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """A built-in design or a YAML file, with overrides: flag over `UNMASK_*` over file over default.

    Args:
        spec: a built-in name, or a path to a study file.
        flags: values by key; None means "not given".
        environment: where `UNMASK_EPOCHS` and the like are looked up; `os.environ` when None.
    Raises:
        StudyError: unknown study or key, a wrong value, or labels that the contrasts cannot use.
    """
    path = _find(spec)
    from_file = read_yaml(path, Study, error=StudyError)
    environment = os.environ if environment is None else environment
    origins = {key: str(Origin.DEFAULT) for key in Study.model_fields}
    origins |= {key: str(Origin.FILE) for key in from_file.model_fields_set}
    values = from_file.model_dump(exclude_unset=True)
    for key in Study.model_fields:
        name = f"UNMASK_{key.upper()}"
        if name in environment:
            values[key] = _split(key, environment[name])
            origins[key] = f"{Origin.ENVIRONMENT} ({name})"
    for key, value in (flags or {}).items():
        if key not in Study.model_fields:
            raise StudyError(f"unknown study key {key!r}", hint=nearest(key, list(Study.model_fields)))
        if value is not None:
            values[key] = _split(key, value)
            origins[key] = str(Origin.FLAG)
    try:
        study = Study.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "study"
        origin = origins.get(key, str(path))
        raise StudyError(f"{key}: {first['msg']} (got {first.get('input')!r})", where=origin) from e
    if study.pack != Study.model_fields["pack"].default:
        for key, name in queries_of(load_pack(study.pack)).items():
            if origins[key] == Origin.DEFAULT:
                study = study.model_copy(update={key: name})
                origins[key] = f"pack {study.pack}"
    return Resolved(_checked(study, path), origins)


def _split(key: str, value: Any) -> Any:
    """Lists come as `a,b` from flags and the environment."""
    listed = key in ("contrasts", "labels", "edits", "follow_ups", "family")
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if listed and isinstance(value, str)
        else value
    )


def _find(spec: str) -> Path:
    built_in = LIBRARY / f"{spec}.yaml"
    if "\x00" not in spec and ".." not in spec and built_in.is_file():
        return built_in
    path = Path(spec).expanduser()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    hint = nearest(spec, list(list_studies()))
    raise StudyError(f"no study {spec!r}: neither built in nor a .yaml file", hint=hint)


def _checked(study: Study, path: Path) -> Study:
    """Refuse contrasts that these labels cannot give, before anything is asked."""
    pairs = ({Labels.PLAIN, Labels.SWAPPED}, {Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED})
    both = all(not (set(study.labels) & pair) or pair <= set(study.labels) for pair in pairs)
    needs_both = [c for c in study.contrasts if c is not Contrast.PUBLISHED_GAP]
    beyond = [c for c in study.family if c not in study.contrasts]
    if beyond:
        raise StudyError(
            f"family names contrast {beyond[0]}, which is not asked",
            where=str(path),
            hint=f"contrasts: [{', '.join((*study.contrasts, beyond[0]))}], or leave it out of family",
        )
    if needs_both and not both:
        raise StudyError(
            f"contrast {needs_both[0]} needs both mappings of a tag pair, not {', '.join(study.labels)}",
            where=str(path),
            hint="labels: [plain, swapped], or contrasts: [published_gap]",
        )
    if Contrast.PUBLISHED_GAP in study.contrasts and Labels.PLAIN not in study.labels:
        raise StudyError("contrast published_gap needs plain labels", where=str(path))
    if study.n_queries < study.wordings:
        raise StudyError(
            f"{study.wordings} wordings for {study.n_queries} queries: some wording would have none",
            where=str(path),
            hint=f"--wordings {study.n_queries} or fewer",
        )
    return study
