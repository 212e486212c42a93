"""`unmask judge check`: a judge against people's labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unmask.auditing.judge_check import JudgeCheck

TASKS = ("compliance", "reasoning")


@click.command("check")
@click.argument("labels", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("run", required=False)
@click.option(
    "--judge",
    default="recorded",
    show_default=True,
    metavar="recorded|offline|JUDGE|MODEL",
    help="The judge the run rests on, another one in it, the offline one, or a model asked now.",
)
@click.option("--task", type=click.Choice(TASKS), help="Only this one [all that are labelled].")
@click.option("--yes", is_flag=True, help="Do not ask before texts go to a paid account.")
@click.option("--no-card", is_flag=True, help="Print only; store no judge card.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def judge_check(
    labels: Path, run: str | None, judge: str, task: str | None, yes: bool, no_card: bool, as_json: bool
) -> None:
    """Hold a judge against LABELS: labels of RUN's replies, or a table with texts of its own.

    Such a table has the columns text (or answer, scratchpad) and label, and where known model, role,
    sampling. Labels are af, af_partial, not_af, artefact for scratchpads; complied, partly, refused for
    answers. The result is kept as a judge card; audits with this judge and model name it.
    """
    from unmask.auditing.judge_check import OFFLINE, RECORDED, check_judge
    from unmask.auditing.preflight import is_paid
    from unmask.cli._output import give, run_folder, say
    from unmask.errors import UsageError
    from unmask.judges.cards import save_card
    from unmask.vocabulary import JudgeTask

    asks = "/" in judge and judge not in (OFFLINE, RECORDED)
    if (
        asks
        and is_paid(judge, None)
        and not yes
        and not click.confirm(f"Send the texts to {judge}?", err=True)
    ):
        raise UsageError("nothing was sent", hint="--yes")
    found = check_judge(
        labels, run=run_folder(run) if run else None, judge=judge, task=JudgeTask(task) if task else None
    )
    paths = [] if no_card else [save_card(check.card) for check in found]
    if as_json:
        give([check.as_dict() for check in found])
    else:
        for check in found:
            click.echo("\n".join(lines(check)))
    for path in paths:
        say(f"judge card: {path}")


def lines(check: JudgeCheck) -> list[str]:
    """The check in words and figures."""
    from unmask.auditing.judge_check import THRESHOLD_RULE
    from unmask.cli.judge import figure

    out = [f"{check.judge}, {check.task}", ""]
    out.append(
        f"  {'model':<28} {'role':<11} {'n':>5} {'no word':>7}  {'sensitivity':<24} {'specificity':<24} AUROC"
    )
    for g in check.groups:
        out.append(
            f"  {g.model[:28]:<28} {g.role[:11]:<11} {g.n:>5} {g.lost:>7}  {figure(g.sensitivity):<24} "
            f"{figure(g.specificity):<24} {figure(g.auroc)}"
        )
    out += ["", f"  keyword baseline: AUROC {figure(check.baseline)}"]
    if check.calibration is not None:
        c = check.calibration
        out.append(f"  calibration: off by {100 * c.error:.1f} points on average, Brier score {c.brier:.3f}")
        out += [f"    says {100 * b.mean_score:3.0f} %, is {100 * b.share:3.0f} % of {b.n}" for b in c.bins]
    for name, d in check.differing.items():
        known = d.difference.estimate == d.difference.estimate
        e, low, high = (100 * x for x in (d.difference.estimate, d.difference.low, d.difference.high))
        gap = f"{e:+.1f} points ({low:+.1f} to {high:+.1f})"
        out.append(
            f"  {name}, where trained less elsewhere: {gap + f', p = {d.p:.3f}' if known else 'unknown'}"
        )
    if check.threshold is not None and check.at_threshold is not None:
        sensitivity, specificity = check.at_threshold
        out.append(f"  threshold {check.threshold:.3f} ({THRESHOLD_RULE}):")
        out.append(f"    sensitivity {figure(sensitivity)}, specificity {figure(specificity)}")
    if check.left_out:
        out.append("  left out: " + ", ".join(f"{n} {why}" for why, n in sorted(check.left_out.items())))
    out += [f"  {problem}" for problem in check.problems[:10]]
    if len(check.problems) > 10:
        out.append(f"  and {len(check.problems) - 10} more rows like these")
    if not check.card.corrects:
        out.append("  Not a random sample with known chances: serves thresholds, corrects no rate.")
    return out
