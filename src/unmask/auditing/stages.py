"""What is asked of a group of models that get the same prompts, stage after stage, each with logs of its own.

The questions about the story come first: they are few, and say how all that follows is to be read. Follow-ups
come last, since they ask about replies that must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from inspect_ai import Task

from unmask.records import read_logs
from unmask.study.questions import reply_questions
from unmask.tasks.alignment_faking import Prepared, build_task
from unmask.tasks.questions import comprehension_task, follow_up_task
from unmask.vocabulary import ReplyKind


@dataclass(frozen=True)
class Stage:
    """One task for some models, and the folder of its logs."""

    task: Task
    models: list[str]
    logs: Path


def stages(prepared: Prepared, models: Sequence[str], logs: Path) -> Iterator[Stage]:
    """The stages in order; the last ones are worked out when those before them are done.

    Args:
        prepared: what these models are asked.
        models: their names.
        logs: the run's folder of logs.
    """
    size = str(prepared.size)
    about = comprehension_task(prepared)
    if about is not None:
        yield Stage(about, list(models), logs / str(ReplyKind.COMPREHENSION) / size)
    yield Stage(build_task(prepared), list(models), logs / size)
    study = prepared.resolved.study
    if not study.follow_ups:
        return
    replies = read_logs([logs / size]).replies
    for name in models:
        asked = reply_questions(study, prepared.samples, replies.filter(pl.col("model") == name))
        task = follow_up_task(prepared, asked)
        if task is not None:
            slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
            yield Stage(task, [name], logs / str(ReplyKind.FOLLOW_UP) / size / slug)
