"""Run an audit that was planned. What is computed stays on disk; the same call goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog
from inspect_ai.model import Model

from unmask.analysis.analyse import About, analyse
from unmask.analysis.incomplete import Stopped
from unmask.analysis.judge_cards import naming_cards
from unmask.analysis.plumbing import Checked
from unmask.analysis.results import AuditResult
from unmask.auditing.acts import ActsPlan, conclude_acts, has_acts, play
from unmask.auditing.asking import ask
from unmask.auditing.budget import Budget, BudgetReached, gated
from unmask.auditing.costs import costs_of
from unmask.auditing.environment import environment
from unmask.auditing.folder import RunFolder, locked, open_folder
from unmask.auditing.judge_compare import with_comparison
from unmask.auditing.live_check import check_plumbing
from unmask.auditing.plan import Options, Plan, args_of, reopen
from unmask.auditing.preflight import open_model
from unmask.auditing.prices import load_prices, register
from unmask.auditing.progress import Progress, watch
from unmask.auditing.spending import Spending, counting, logged, open_ledger
from unmask.auditing.stages import Stage, stages
from unmask.errors import UnmaskError
from unmask.files import write_atomic
from unmask.providers.embedded import adapter_sha256
from unmask.records import Records, read_logs, write_tables
from unmask.records.labels import read_store
from unmask.tasks.alignment_faking import Prepared, describe

FAILED_SHARE = 0.2  # failed calls, or more: an outage, not a property of the model; ask again later


def execute(planned: Plan) -> AuditResult:
    """Ask what is not yet answered, then read and analyse everything there is.

    Raises:
        UnmaskError: it could not finish; replies so far are kept and the same call goes on.
    """
    options = planned.options
    with locked(RunFolder(planned.root)):
        folder = open_folder(planned.root, _manifest(planned), overwrite=options.overwrite)
        started = _now()
        budget = _budget(planned, folder)
        with counting(budget.spending, budget):
            # first: a judge out of reach is found before anything is paid for
            plumbing = check(planned, folder)
            _ask(planned, folder, budget)
            if planned.acts is not None:
                _play(planned, planned.acts, folder)
        stopped = Stopped(options.budget.words, budget.spent_words) if budget.full else None
        return conclude(folder, planned, started=started, plumbing=plumbing, stopped=stopped)


def _budget(planned: Plan, folder: RunFolder) -> Budget:
    """What the run may spend and has spent, its earlier processes included."""
    options = planned.options
    prices = load_prices(options.prices)
    urls = dict.fromkeys(planned.models, options.base_url)
    register(
        prices, [*planned.models, *([options.grader] if options.grader else [])], base_url=options.base_url
    )
    spending = Spending(open_ledger(folder.root, folder.logs), prices, base_urls=urls)
    shares: dict[str, tuple[float, float]] = {}
    if options.budget.any:
        shares = {c.model: (float(c.tokens), c.dollars or 0.0) for c in costs_of(planned, prices)}
    return Budget(options.budget, spending, options.grader, shares)


def check(planned: Plan, folder: RunFolder, *, may_ask: bool = True) -> dict[str, Checked] | None:
    """The plumbing of each model's prompts, asked once; None where no check is wanted.

    may_ask: whether a grader may be asked for what is not there yet. Nobody has agreed to pay for the grader
    that the manifest of an old run names.
    """
    if not planned.options.check:
        return None
    different = {id(p): p for p in planned.prepared.values()}
    found = {
        key: check_plumbing(p, grader=planned.options.grader, folder=folder.check, may_ask=may_ask)
        for key, p in different.items()
    }
    return {name: found[id(p)] for name, p in planned.prepared.items()}


def conclude(
    folder: RunFolder,
    planned: Plan,
    *,
    started: str | None,
    plumbing: dict[str, Checked] | None = None,
    stopped: Stopped | None = None,
) -> AuditResult:
    """Logs to records to result, each written whole; asks no grader. `plumbing` is else what was kept."""
    records = read_logs([folder.logs], run=folder.root.name)
    write_tables(records.replies, records.judgements, folder.records)
    first = planned.prepared[planned.models[0]]
    result = analyse(
        records,
        planned.resolved,
        prepared=list({id(p): p for p in planned.prepared.values()}.values()),
        about=_about(planned, records, started),
        described=describe(first),
        plumbing=plumbing or check(planned, folder, may_ask=False),
        stopped=stopped,
        labels=read_store(folder.labels),
    )
    named = naming_cards(records.judgements, records.replies, result.models)
    if not named.equals(records.judgements):
        write_tables(records.replies, named, folder.records)
    if has_acts(folder):
        result = replace(result, acts=conclude_acts(folder))
    result = with_comparison(result, records.replies, records.judgements, planned.resolved.study)
    write_atomic(folder.result, result.to_json())
    return result


def conclude_again(root: Path) -> AuditResult:
    """The result of a finished run anew, with today's judge cards and labels; nothing is asked.

    Raises:
        UsageError: no run there, or another process works in it.
    """
    folder = RunFolder(root)
    planned = reopen(root, Options())
    started = AuditResult.read(folder.result).started if folder.result.is_file() else None
    with locked(folder):
        return conclude(folder, planned, started=started)


def _ask(planned: Plan, folder: RunFolder, budget: Budget) -> None:
    options = planned.options
    progress = _progress(planned, folder) if options.progress else None
    watch(progress)
    try:
        logs: list[EvalLog] = []
        for prepared, models in _groups(planned):
            for stage in stages(prepared, models, folder.logs):
                ok, done = _eval_set(stage, planned, budget)
                logs += done
                if not ok and not _all_at_budget(done):
                    raise UnmaskError(
                        _why_unfinished(done),
                        where=str(folder.logs),
                        hint="what was answered is kept; the same command goes on from there",
                    )
    except OSError as e:
        raise UnmaskError(
            f"could not write the logs: {e.strerror or e}",
            where=str(folder.logs),
            hint="make room, then give the same command: it goes on from there",
        ) from e
    finally:
        watch(None)
        if progress is not None:
            progress.close()


def _progress(planned: Plan, folder: RunFolder) -> Progress:
    """Begins at what an earlier part of this run was answered."""
    answered = sum(sample.completed and sample.error is None for sample in logged(folder.logs))
    return Progress(sum(e.calls for e in planned.estimates), done=answered)


def _play(planned: Plan, acts: ActsPlan, folder: RunFolder) -> None:
    options, study = planned.options, planned.resolved.study
    play(
        acts,
        planned.models,
        folder,
        grader=options.grader,
        model_args={name: args_of(name, study, options) for name in planned.models},
        base_url=options.base_url,
        display=options.display,
        max_connections=options.max_connections,
    )


def _groups(planned: Plan) -> list[tuple[Prepared, list[str]]]:
    """Models that get the same prompts run in one set; embedded ones one after the other in one engine."""
    groups: dict[int, tuple[Prepared, list[str]]] = {}
    for name in planned.models:
        prepared = planned.prepared[name]
        groups.setdefault(id(prepared), (prepared, []))[1].append(name)
    return list(groups.values())


def _eval_set(stage: Stage, planned: Plan, budget: Budget) -> tuple[bool, list[EvalLog]]:
    options = planned.options
    study = planned.resolved.study
    opened: list[Model] = [
        open_model(name, args=args_of(name, study, options), base_url=options.base_url)
        for name in stage.models
    ]
    in_process = any(name.startswith("embedded/") for name in stage.models)
    task = gated(stage.task, budget, seed=study.seed) if budget.limits.any else stage.task
    return ask(
        task,
        opened,
        stage.logs,
        grader=options.grader,
        display=options.display,
        max_connections=options.max_connections,
        max_tasks=1 if in_process else None,
        fail_on_error=FAILED_SHARE,
    )


def _all_at_budget(logs: list[EvalLog]) -> bool:
    """Whether nothing else than the budget kept these logs from ending well."""
    failed = [log.error for log in logs if log.status != "success"]
    return bool(failed) and all(e is not None and BudgetReached.__name__ in e.traceback for e in failed)


def _why_unfinished(logs: list[EvalLog]) -> str:
    reasons = []
    for log in logs:
        if log.status != "success":
            message = log.error.message.splitlines()[0] if log.error else log.status
            reasons.append(f"{log.eval.model}: {message}")
    return "the run did not finish: " + ("; ".join(reasons) or "no log says why")


def _manifest(planned: Plan) -> dict[str, Any]:
    """What makes a run this run; compared before going on in an old folder."""
    first = planned.prepared[planned.models[0]]
    described = describe(first)
    return {
        "unmask_version": version("unmask"),
        "study": planned.resolved.study.model_dump(mode="json"),
        "pack": described["pack"],
        "queries": described["queries"],
        "questions": described["questions"],
        "models": planned.models,
        "adapters": _adapters(planned.models),
        "grader": planned.options.grader,
        "model_args": planned.options.model_args,
        "base_url": planned.options.base_url,
        "command": planned.options.command,
        "check": planned.options.check,
        "created": _now(),
    }


def _adapters(models: Sequence[str]) -> dict[str, str]:
    """The sha256 of the adapter that a model wears: one that is trained anew keeps its name."""
    worn = {name: adapter_sha256(name) for name in models if name.startswith("embedded/")}
    return {name: sha256 for name, sha256 in worn.items() if sha256}


def _about(planned: Plan, records: Records, started: str | None) -> About:
    return About(
        name=planned.root.name,
        started=started,
        finished=_now(),
        command=planned.options.command,
        environment=environment(),
        models=planned.models,
        notes=records.problems,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
