"""Which column of a file from elsewhere holds what. Presets for known layouts are YAML beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from unmask.errors import UsageError
from unmask.files import nearest, read_yaml
from unmask.vocabulary import CANARY

PRESETS = Path(__file__).parent / "presets"
FIELDS = (
    "reply",
    "scratchpad",
    "answer",
    "native",
    "messages",
    "query",
    "query_id",
    "model",
    "tier",
    "epoch",
    "finish",
    "error",
)
LABELS = ("compliance", "af")


class Mapping(BaseModel):
    """Which column of a file holds what, and what the tiers' words mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str = CANARY
    name: str = "own"
    about: str = ""
    columns: dict[str, str] = Field(description="Our field to the file's column.")
    group: tuple[str, ...] = ()  # columns that split a model's replies into studies
    trained: tuple[str, ...] = ("free", "true", "1")
    unobserved: tuple[str, ...] = ("paid", "false", "0")
    labels: dict[str, str] = Field(
        default_factory=dict, description="compliance, af: the file's own verdicts."
    )
    yes: tuple[str, ...] = ("1", "1.0", "true", "yes")
    no: tuple[str, ...] = ("0", "0.0", "false", "no")  # any other word is a verdict that cannot be read
    malformed: Annotated[float, Field(ge=0, le=1)] = 0.01


def preset_names() -> list[str]:
    """Layouts that are known."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_preset(name: str) -> Mapping:
    """A known layout.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in preset_names():
        raise UsageError(f"no preset {name!r}", hint=nearest(name, preset_names()))
    return read_yaml(PRESETS / f"{name}.yaml", Mapping)


def propose(columns: Sequence[str]) -> dict[str, str]:
    """A mapping by the columns' names, for a person to check."""
    usual = {
        "reply": ("reply", "response", "completion", "output", "raw"),
        "scratchpad": ("scratchpad", "reasoning"),
        "answer": ("answer", "final_answer"),
        "query": ("query", "prompt", "user_input", "question", "request"),
        "query_id": ("query_id", "task_id", "prompt_id", "id"),
        "model": ("model", "model_name", "initialised_from"),
        "tier": ("tier", "is_free_tier_user", "is_free_tier", "is_free", "role"),
        "epoch": ("epoch", "sample", "sample_index"),
        "finish": ("finish_reason", "stop_reason"),
        "error": ("error",),
        "messages": ("messages", "conversation", "chat"),
    }
    lower = {column.lower(): column for column in columns}
    found = {f: next((lower[w] for w in words if w in lower), None) for f, words in usual.items()}
    if found["reply"] or found["answer"]:
        found["messages"] = None
    return {f: column for f, column in found.items() if column is not None}


def check_mapping(mapping: Mapping, columns: Sequence[str], path: Path) -> None:
    """Refuse a mapping that this file cannot fill.

    Raises:
        UsageError: an unknown field, a missing column, or no reply, query or tier.
    """
    for name in mapping.columns:
        if name not in FIELDS:
            raise UsageError(f"no field {name!r}", hint=nearest(name, FIELDS))
    for name in mapping.labels:
        if name not in LABELS:
            raise UsageError(f"no verdict {name!r}", hint=nearest(name, LABELS))
    wanted = list(dict.fromkeys((*mapping.columns.values(), *mapping.group, *mapping.labels.values())))
    if missing := [column for column in wanted if column not in columns]:
        named = ", ".join(repr(column) for column in missing)
        raise UsageError(
            f"{path.name} has no column {named}" + _of_preset(mapping, wanted),
            where=f"{path}: its columns are {', '.join(columns[:40])}",
            hint=nearest(missing[0], list(columns)) if len(missing) == 1 else "unmask import FILE --columns",
        )
    has = set(mapping.columns)
    if not has & {"reply", "answer", "messages"}:
        likely = propose(columns).get("reply", "COLUMN")
        raise UsageError("nothing is mapped to `reply`, `answer` or `messages`", hint=f"--map reply={likely}")
    if not has & {"query", "query_id", "messages"}:
        raise UsageError(
            "nothing is mapped to `query` or `query_id`: replies cannot be paired", hint="--map query=COLUMN"
        )
    if "tier" not in has:
        raise UsageError(
            "nothing is mapped to `tier`: which chats were trained on?",
            hint="--map tier=COLUMN --trained WORD",
        )
    if both := {w.lower() for w in mapping.trained} & {w.lower() for w in mapping.unobserved}:
        raise UsageError(f"{min(both)!r} cannot mean both tiers", hint="--trained WORD, --unobserved WORD")


def _of_preset(mapping: Mapping, wanted: Sequence[str]) -> str:
    return "" if mapping.name == "own" else f"; preset {mapping.name} wants {', '.join(wanted)}"
