"""`unmask judge compare`: two or more judges on the same replies."""

from __future__ import annotations

import click

SHOWN = 20


@click.command("compare")
@click.argument("run")
@click.argument("judges", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout, all reply ids included.")
def judge_compare(run: str, judges: tuple[str, ...], as_json: bool) -> None:
    """How far the judges of RUN agree, where they do not, and what each would have concluded.

    Names all judges in the run's records, or those that are named. Replies are named by id, never printed:
    unmask show RUN REPLY shows one.
    """
    from unmask.auditing.judge_compare import compare_judges
    from unmask.cli._output import give, run_folder
    from unmask.cli.judge import figure

    found = compare_judges(run_folder(run), judges)
    if as_json:
        give(found.as_dict())
        return
    for p in found.pairs:
        click.echo(f"{p.task}: {p.first} against {p.second}")
        agreed = f"{100 * p.agreed / p.n:.1f} %" if p.n else "none"
        click.echo(
            f"  both gave a verdict on {p.n:,} replies, agreed on {agreed}; kappa {_kappa(figure(p.kappa))}"
        )
        if p.one_alone:
            click.echo(f"  only one of the two gave a verdict on {p.one_alone:,} replies")
        for labels, n in p.labels.items():
            click.echo(f"    {labels:<28} {n:>6,}")
        for role, (differ, n) in p.by_role.items():
            click.echo(f"  {role}: they differ on {differ:,} of {n:,}")
        if p.reply_ids:
            more = f" and {len(p.reply_ids) - SHOWN:,} more (--json)" if len(p.reply_ids) > SHOWN else ""
            click.echo(f"  differ on: {' '.join(p.reply_ids[:SHOWN])}{more}")
        click.echo()
    click.echo("What each would have concluded")
    for c in found.conclusions:
        effects = ", ".join(
            f"{name} {100 * e:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            for name, (e, low, high) in c.effects.items()
        )
        click.echo(f"  {c.model}, by {c.judge}: {c.verdict}; {effects or 'nothing could be estimated'}")


def _kappa(words: str) -> str:
    """A kappa is no share: without its percent."""
    return words.replace(" %", "") if words != "unknown" else "unknown (one word only)"
