"""Play the simulated worlds and ask the questions about acts; in an audit, or by themselves.

Everything lies in the run's folder `acts/`: logs by stage, and what was asked for, which the same command
finds again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inspect_ai import Task

from unmask.acts.load import load_situations
from unmask.acts.solver import TURNS
from unmask.analysis.acts_analyse import analyse_acts
from unmask.analysis.results import ActsResult
from unmask.auditing.asking import ask, why
from unmask.auditing.folder import RunFolder
from unmask.auditing.preflight import open_model
from unmask.errors import UnmaskError, UsageError
from unmask.files import nearest, write_atomic
from unmask.records.episodes import read_episode_logs
from unmask.records.tables import write_episodes
from unmask.tasks.act_questions import questions_task
from unmask.tasks.acts import acts_task, choose_worlds, in_turns
from unmask.vocabulary import CANARY, Act

ASKED = "asked.json"
RESULT = "acts.json"
MAX_TOKENS, SMALL_TOKENS = 1_000, 200


@dataclass(frozen=True)
class ActsOptions:
    """What is played and asked. None: all worlds, or all questions; 0 leaves that part out."""

    worlds: int | None = None
    questions: int | None = None
    act: str | None = None
    design: str = "star"
    epochs: int = 1
    turns: int | None = None
    max_tokens: int | None = None  # of one message; None: 1,000, or 200 of a small model on this machine
    tools: str = "auto"
    scratchpad: str = "hidden"
    seed: int = 1


def options_of(asked: Mapping[str, Any]) -> ActsOptions:
    """Options by name.

    Raises:
        UsageError: one that is not known; names the nearest.
    """
    known = [field.name for field in fields(ActsOptions)]
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        raise UsageError(f"acts: unknown option {unknown!r}", hint=nearest(unknown, known))
    return ActsOptions(**asked)


@dataclass(frozen=True)
class ActsPlan:
    """The tasks, and at most how many calls each model gets."""

    options: ActsOptions
    tasks: dict[str, Task]
    calls_at_most: int


def plan_acts(options: ActsOptions, models: Sequence[str]) -> ActsPlan:
    """The tasks of these options; everything that can be wrong is told here.

    Args:
        options: what to play and ask.
        models: who plays; small ones are given less room for each message.

    Raises:
        UsageError: an unknown act, design or level, nothing to play or ask, a world that is malformed.
    """
    if options.act is not None and options.act not in list(Act):
        raise UsageError(f"no act {options.act!r}", hint=f"known: {', '.join(Act)}")
    if options.epochs < 1:
        raise UsageError(f"epochs={options.epochs}: at least one is needed")
    act = Act(options.act) if options.act else None
    small = any(model.startswith("embedded/") for model in models)
    room = options.max_tokens or (SMALL_TOKENS if small else MAX_TOKENS)
    shared = {
        "max_tokens": room,
        "design": options.design,
        "scratchpad": options.scratchpad,
        "epochs": options.epochs,
        "seed": options.seed,
    }
    tasks: dict[str, Task] = {}
    calls = 0
    if options.worlds != 0:
        task = acts_task(
            choose_worlds(act, n=options.worlds), turns=options.turns, tools=options.tools, **shared  # type: ignore[arg-type]
        )  # fmt: skip
        tasks["worlds"] = task
        calls += len(task.dataset) * options.epochs * ((options.turns or TURNS) + 1)
    if options.questions != 0 and (situations := in_turns(load_situations(act))[: options.questions]):
        task = questions_task(situations, **shared)  # type: ignore[arg-type]
        tasks["questions"] = task
        calls += len(task.dataset) * options.epochs
    if not tasks:
        raise UsageError("neither worlds nor questions are left", hint="leave out worlds=0 or questions=0")
    return ActsPlan(options, tasks, calls)


def play(
    planned: ActsPlan,
    models: Sequence[str],
    folder: RunFolder,
    *,
    grader: str | None = None,
    model_args: dict[str, dict[str, Any]] | None = None,
    base_url: str | None = None,
    display: str = "none",
    max_connections: int | None = None,
) -> None:
    """Play and ask what is not there yet.

    Raises:
        UsageError: the folder holds acts that were asked for in another way.
        UnmaskError: it could not finish; the same command goes on.
    """
    _remember(planned.options, folder)
    for name, task in planned.tasks.items():
        opened = [
            open_model(model, args=(model_args or {}).get(model, {}), base_url=base_url) for model in models
        ]
        in_process = any(model.startswith("embedded/") for model in models)
        ok, logs = ask(
            task,
            opened,
            folder.acts / name,
            grader=grader,
            display=display,
            max_connections=max_connections,
            max_tasks=1 if in_process else None,
            fail_on_error=0.2,
        )
        if not ok:
            raise UnmaskError(
                f"the acts did not finish: {why(logs)}",
                where=str(folder.acts),
                hint="what was played is kept; the same command goes on from there",
            )


def _remember(options: ActsOptions, folder: RunFolder) -> None:
    path = folder.acts / ASKED
    told = json.dumps(asdict(options), indent=1, sort_keys=True)
    if path.is_file() and path.read_text(encoding="utf-8") != told:
        raise UsageError(
            "this run holds acts that were asked for in another way",
            where=str(path),
            hint="--name OTHER, or --overwrite to throw that run away",
        )
    if not path.is_file():
        write_atomic(path, told)


def has_acts(folder: RunFolder) -> bool:
    """Whether worlds were played or questions asked in this run."""
    return next(_logs(folder), None) is not None


def _logs(folder: RunFolder) -> Iterator[Path]:
    return folder.acts.rglob("*.eval") if folder.acts.is_dir() else iter(())


def conclude_acts(folder: RunFolder) -> list[ActsResult]:
    """Logs to tables to result; `acts.json` beside them."""
    read = read_episode_logs(folder.acts, run=folder.root.name)
    write_episodes(read.episodes, read.events, folder.records)
    results = analyse_acts(read.episodes, read.described)
    data = {
        "canary": CANARY,
        "unmask_version": version("unmask"),
        "name": folder.root.name,
        "problems": read.problems,
        "models": [asdict(result) for result in results],
    }
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_atomic(folder.root / RESULT, text)
    return results
