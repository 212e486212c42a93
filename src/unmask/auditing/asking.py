"""One way into Inspect's `eval_set`: what every run of ours wants of it, and nothing of it on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval_set
from inspect_ai.log import EvalLog
from inspect_ai.model import Model


def why(logs: Sequence[EvalLog]) -> str:
    """Why a run did not finish, in a line: the first error that a log names."""
    errors = (log.error.message.splitlines()[0] for log in logs if log.error)
    return next(errors, "no log says why")


def ask(
    task: Task,
    models: list[Model],
    folder: Path,
    *,
    grader: str | None,
    display: str = "none",
    **options: Any,
) -> tuple[bool, list[EvalLog]]:
    """Run a task on models, or go on where an earlier run of the same task stopped.

    Args:
        task: the task.
        models: models that get the same prompts.
        folder: where the logs are, of this task alone.
        grader: the model that judges; None for the offline judge.
        display: Inspect's own display.
        options: more options of `eval_set`.
    Returns:
        Whether all of it finished, and a log for each model.
    """
    talk = StringIO() if display == "none" else sys.stderr  # Inspect prints on resuming; stdout is for data
    with redirect_stdout(talk):
        return eval_set(
            tasks=task,
            log_dir=str(folder),
            model=models,
            model_roles={"grader": grader} if grader else None,
            display=display,  # type: ignore[arg-type]  # checked by the command line
            log_realtime=False,
            score_display=False,
            continue_on_fail=True,
            retry_attempts=1,
            log_level="error",
            log_buffer=1,  # a killed run loses only what was under way
            **options,
        )
