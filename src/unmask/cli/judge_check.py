"""`unmask judge check`: a judge against people's labels."""

from __future__ import annotations

from pathlib import Path

import click

TASKS = ("compliance", "reasoning")


@click.command("check")
@click.argument("labels", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("run", required=False)
@click.option(
    "--judge",
    metavar="recorded|offline|JUDGE|MODEL",
    help="The judge that RUN rests on [with RUN], the offline one [without], another one in RUN, a model "
    "asked now; `recorded` without RUN reads the table's columns 'judged' and 'score'.",
)
@click.option("--task", type=click.Choice(TASKS), help="Only this one [all that are labelled].")
@click.option("--yes", is_flag=True, help="Do not ask before texts go to a paid account.")
@click.option("--no-card", is_flag=True, help="Print only; store no judge card.")
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as a page too.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def judge_check(
    labels: Path,
    run: str | None,
    judge: str | None,
    task: str | None,
    yes: bool,
    no_card: bool,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Hold a judge against LABELS: labels of RUN's replies, or a table with texts of its own.

    Such a table (JSONL, CSV, Parquet) has the columns text (or answer, scratchpad) and label, and where known
    model, role or tier, sampling, inclusion_probability, query_id, labeller. Labels are af, af_partial,
    not_af, artefact for scratchpads; complied, partly, refused for answers; with --task also 1 and 0. The
    result is kept as a judge card; audits with this judge and model name it.

    \b
    unmask judge check labels.jsonl demo                  the judge that demo rests on
    unmask judge check labels.csv --judge openai/gpt-4o   a grader on texts of their own
    """
    from unmask.auditing.judge_check import OFFLINE, RECORDED, check_judge
    from unmask.auditing.preflight import is_paid
    from unmask.cli._options import consent
    from unmask.cli._output import give, put, run_folder, say
    from unmask.files import write_atomic
    from unmask.judges.cards import save_card
    from unmask.report.judge_words import check_lines, check_markdown
    from unmask.vocabulary import JudgeTask

    asks = judge is not None and "/" in judge and judge not in (OFFLINE, RECORDED)
    root = run_folder(run) if run else None
    question = "Send the texts to {to}, unless the judgements are there already?"
    consent(question, [judge] if asks and judge and is_paid(judge, None) else [], yes=yes)
    found = check_judge(labels, run=root, judge=judge, task=JudgeTask(task) if task else None)
    paths = [] if no_card else [save_card(check.card) for check in found]
    if as_json:
        give([check.as_dict() for check in found])
    else:
        put("\n\n".join("\n".join(check_lines(check)) for check in found))
    if markdown is not None:
        paths.append(write_atomic(markdown, check_markdown(found)))
    for path in paths:
        say(f"{'page' if path == markdown else 'judge card'}: {path}")
