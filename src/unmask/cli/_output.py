"""What verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmask.cli._options import runs_folder
from unmask.errors import UsageError
from unmask.files import nearest

if TYPE_CHECKING:
    from unmask.analysis.results import AuditResult
    from unmask.auditing.costs import Cost
    from unmask.auditing.plan import Plan


def shown(text: str) -> str:
    """The text with what would act on a terminal written out; names and messages may come from anywhere.

    What does it is loaded only where there is something to write out.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    from unmask.report.visible import visible

    return visible(text)


def say(text: str) -> None:
    """To the person, not to the pipe."""
    click.echo(shown(text), err=True)


def put(text: str, *, nl: bool = True) -> None:
    """Text on stdout."""
    click.echo(shown(text), nl=nl)


def give(data: Any) -> None:
    """JSON on stdout, in ASCII: what steers a terminal does so inside JSON too."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=True, default=str))


def show_plan(planned: Plan, *, as_json: bool) -> None:
    """What will be sent, before it is."""
    from unmask.analysis.own_reasoning import sentence
    from unmask.analysis.scenario import before_asking
    from unmask.auditing.costs import costs_of
    from unmask.auditing.plan import args_of
    from unmask.auditing.prices import load_prices

    study = planned.resolved.study
    own = {
        e.model: sentence(e.model, study, args_of(e.model, study, planned.options)) for e in planned.estimates
    }
    if as_json:
        give(
            {
                "run": str(planned.root),
                "study": planned.resolved.as_dict(),
                "estimates": [asdict(e) for e in planned.estimates],
                "check_calls": planned.check_calls,
                "own_reasoning": own,
            }
        )
        return
    say(
        f"study {study.name}: {study.n_queries} queries, {study.epochs} replies each, "
        f"{', '.join(study.contrasts)}; pack {study.pack}"
    )
    costs = {c.model: c for c in costs_of(planned, load_prices(planned.options.prices))}
    for e in planned.estimates:
        most = "at most " if study.stopping == "sequential" else ""
        judged = ", offline screening judge"
        if e.judge_calls:
            judged = f", {e.judge_calls:,} judge completions, at most {e.judge_calls_at_most:,}"
        money = _money(costs[e.model]) if e.paid or costs[e.model].dollars else ""
        say(
            f"  {e.model}: {most}{e.calls:,} calls, about {e.tokens_in:,} prompt tokens, at most "
            f"{e.tokens_out_at_most:,} reply tokens{judged}{money}"
        )
        if e.question_calls:
            say(f"    {e.question_calls:,} of them beside the requests: about the story, and about replies")
        if line := own[e.model]:
            say(f"    {line}")
    if line := before_asking(next(iter(planned.prepared.values())), grader=planned.options.grader):
        say(f"  {line}")
    if planned.acts is not None:
        say(f"  acts: at most {planned.acts.calls_at_most:,} calls to each model, in simulated worlds")
    if planned.check_calls:
        grader = planned.options.grader
        judged = f", read by {grader}: as many judge calls for each task" if grader else ""
        say(f"  instrument check: {planned.check_calls:,} calls to a scripted model on this machine{judged}")
    if planned.options.budget.any:
        say(f"  budget of the whole run: {planned.options.budget.words}")


def _money(cost: Cost) -> str:
    """What it will cost, or that nobody has said; judges included."""
    if cost.dollars is None or cost.dollars_at_most is None:
        return f"; price unknown here: {', '.join(cost.unpriced)} (`unmask plan` says how to add it)"
    return f"; about {cost.dollars:,.2f} US dollars, {cost.dollars_at_most:,.2f} at most"


def show_result(result: AuditResult, root: Path, *, as_json: bool) -> None:
    """The summary, and as the last line where the report is."""
    from rich.console import Console

    from unmask.report import summary_table, write_report

    report = write_report(root)
    if as_json:
        give(json.loads(result.to_json()))
    else:
        Console(highlight=False).print(summary_table(result))
    say(f"peak memory {int(result.environment['peak_memory_mb']):,} MB")
    say(f"report: {report}")


def run_folder(run: str) -> Path:
    """A run by its folder, or by its name under runs/ (or UNMASK_RUNS).

    Raises:
        UsageError: there is none; names the nearest.
    """
    runs = runs_folder()
    for path in (Path(run), runs / run):
        if (path / "manifest.json").is_file():
            return path
    known = [p.parent.name for p in runs.glob("*/manifest.json")] if runs.is_dir() else []
    raise UsageError(f"no run {run!r}", where=str(runs), hint=nearest(run, known) or "unmask audit makes one")
