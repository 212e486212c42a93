"""`unmask judge plan`: how many labels for which precision."""

from __future__ import annotations

import click

LABELS = (20, 50, 100, 200, 300, 500, 1000)


@click.command("plan")
@click.option(
    "--rate", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="True rate in a cell."
)
@click.option(
    "--sensitivity", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="Of the judge."
)
@click.option(
    "--specificity", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Of the judge."
)
@click.option("--replies", type=click.IntRange(1), default=600, show_default=True, help="Replies in a cell.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def judge_plan(rate: float, sensitivity: float, specificity: float, replies: int, as_json: bool) -> None:
    """How many labels a cell needs until the judge's errors can be taken out at a useful precision.

    Two ways: a card made elsewhere on texts of this model (half of them yes), or labels of a random part of
    the run's own replies. A difference of two roles has the error of both: about 1.4 times one cell's.
    """
    from unmask.auditing.judge_planning import label_plan
    from unmask.cli._output import give

    rows = label_plan(rate, sensitivity, specificity, replies, LABELS)
    if as_json:
        give(rows)
        return
    click.echo(
        f"A judge that finds {100 * sensitivity:.0f} % of the yes and {100 * specificity:.0f} % of the no, "
        f"a true rate of {100 * rate:.0f} %, {replies:,} replies a cell."
    )
    click.echo(f"Without any label the rate it reports is off by {100 * rows[0]['bias']:+.1f} points.")
    click.echo("")
    click.echo("  labels   by a card: adds      95 % of a gap     labels of the run: 95 % of a gap")
    click.echo("  a cell   standard error       within ±          within ±")
    for row in rows:
        card, gap, own = (100 * row[name] for name in ("card_se", "card_gap", "labelled_gap"))
        click.echo(
            f"  {row['labels']:>6}   {card:>6.1f} points        {gap:>6.1f} points     {own:>6.1f} points"
        )
