"""Acts by themselves, without an audit: a run's folder with worlds and questions alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unmask.analysis.results import ActsResult
from unmask.auditing.acts import ActsOptions, ActsPlan, conclude_acts, plan_acts, play
from unmask.auditing.folder import RunFolder, locked, open_folder, read_manifest, run_name
from unmask.auditing.preflight import is_paid, open_model
from unmask.errors import UsageError


@dataclass(frozen=True)
class ActsRun:
    """What was asked for, as the command line gives it."""

    models: list[str]
    asked: Mapping[str, Any]
    name: str | None = None
    grader: str | None = None
    model_args: dict[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    max_connections: int | None = None
    overwrite: bool = False
    command: str = ""


@dataclass(frozen=True)
class PlannedActs:
    """Checked; nothing has been sent yet."""

    run: ActsRun
    plan: ActsPlan
    root: Path
    paid: list[str]


def plan_acts_run(run: ActsRun) -> PlannedActs:
    """Everything that can be wrong before the first call.

    Raises:
        UsageError: no model, an unknown one, or options that cannot be.
    """
    if not run.models:
        raise UsageError("no model named", hint="for instance: unmask acts run agent/schemer")
    planned = plan_acts(ActsOptions(**run.asked), run.models)
    for name in run.models:
        open_model(name, args=run.model_args, base_url=run.base_url)
    runs = Path(os.environ.get("UNMASK_RUNS", "runs"))
    if run.grader:
        open_model(run.grader, args={}, base_url=None)
    urls = {**dict.fromkeys(run.models, run.base_url), **({run.grader: None} if run.grader else {})}
    paid = [name for name, url in urls.items() if is_paid(name, url)]
    return PlannedActs(run, planned, runs / (run.name or run_name("acts", run.models)), paid)


def acts_alone(root: Path) -> bool:
    """Whether a run's folder holds acts and no audit."""
    return bool(read_manifest(root).get("acts_only"))


def conclude_acts_again(root: Path) -> list[ActsResult]:
    """The figures of a run of acts anew, from its logs; nothing is asked."""
    folder = RunFolder(root)
    with locked(folder):
        return conclude_acts(folder)


def execute_acts(planned: PlannedActs) -> list[ActsResult]:
    """Play what is not there yet, then read all that is.

    Raises:
        UnmaskError: it could not finish; the same command goes on.
    """
    run = planned.run
    manifest = {
        "unmask_version": version("unmask"),
        "acts_only": True,
        "models": run.models,
        "grader": run.grader,
        "model_args": run.model_args,
        "base_url": run.base_url,
        "command": run.command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with locked(RunFolder(planned.root)):
        folder = open_folder(planned.root, manifest, overwrite=run.overwrite)
        play(
            planned.plan,
            run.models,
            folder,
            grader=run.grader,
            model_args=dict.fromkeys(run.models, run.model_args),
            base_url=run.base_url,
            max_connections=run.max_connections,
        )
        return conclude_acts(folder)
