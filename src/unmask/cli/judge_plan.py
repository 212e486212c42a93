"""`unmask judge plan`: how many labels for which precision."""

from __future__ import annotations

import click

LABELS = (20, 50, 100, 200, 300, 500, 1000)
RATE, SENSITIVITY, SPECIFICITY, REPLIES = 0.2, 0.9, 0.95, 600
SHARE = click.FloatRange(0, 1)


@click.command("plan")
@click.argument("run", required=False)
@click.option("--model", help="Which model of RUN; the first one if not named.")
@click.option("--rate", type=SHARE, help=f"True rate in a cell [of RUN, else {RATE}].")
@click.option("--sensitivity", type=SHARE, help=f"Of the judge [its card, else {SENSITIVITY}].")
@click.option("--specificity", type=SHARE, help=f"Of the judge [its card, else {SPECIFICITY}].")
@click.option("--replies", type=click.IntRange(1), help=f"Replies in a cell [of RUN, else {REPLIES}].")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def judge_plan(
    run: str | None,
    model: str | None,
    rate: float | None,
    sensitivity: float | None,
    specificity: float | None,
    replies: int | None,
    as_json: bool,
) -> None:
    """How many labels a cell needs until the judge's errors can be taken out at a useful precision.

    Two ways: a card made on other texts of this model (half of them yes), or labels of a random part of the
    run's own replies. Widths are medians of simulated studies with one reply a query; replies that resemble
    each other need more. RUN gives what is known of its compliance; options go before it.

    \b
    unmask judge plan demo
    unmask judge plan --rate .1 --sensitivity .8 --specificity .97 --replies 300
    """
    from dataclasses import asdict

    from unmask.analysis.judge_planning import Cell, known_of_run, label_plan
    from unmask.cli._output import give, put, run_folder

    known = known_of_run(run_folder(run), model) if run is not None else None
    errors = known.errors if known else None
    cell = Cell(
        rate if rate is not None else known.rate if known else RATE,
        sensitivity if sensitivity is not None else errors.sensitivity if errors else SENSITIVITY,
        specificity if specificity is not None else errors.specificity if errors else SPECIFICITY,
        replies if replies is not None else known.replies if known else REPLIES,
    )
    rows = label_plan(cell, LABELS)
    if as_json:
        give({"cell": asdict(cell), "bias": cell.said - cell.rate, "rows": [asdict(row) for row in rows]})
        return
    if known:
        told = "from its card" if errors else "assumed: no random card of its judge on this model is on file"
        put(f"{known.model}: answers, mean over cells; the judge's errors are {told}.")
    click.echo(
        f"A judge that finds {100 * cell.sensitivity:.0f} % of the yes and {100 * cell.specificity:.0f} % of "
        f"the no, a true rate of {100 * cell.rate:.0f} %, {cell.replies:,} replies a cell."
    )
    click.echo(
        f"Without any label the rate it reports is off by {100 * (cell.said - cell.rate):+.1f} points."
    )
    click.echo("")
    click.echo("  labels    by a card: adds     a gap's 95 %      labels of the run:")
    click.echo("  a cell    standard error      interval          a gap's 95 % interval")
    for row in rows:
        click.echo(
            f"  {row.labels:>6}    {100 * row.card_se:>6.1f} points     "
            f"{_half(row.card_gap, 'not correctable')}    {_half(row.labelled_gap, 'too few replies')}"
        )


def _half(width: float | None, why_not: str) -> str:
    return f"{why_not:<15}" if width is None else f"±{100 * width:>5.1f} points  "
