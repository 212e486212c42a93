"""`unmask report`: render the report of a run again."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--again", is_flag=True, help="Conclude again first, with today's judge cards and labels.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on stdout, as in report.json.")
def report(run: str, again: bool, as_json: bool) -> None:
    """Render the report of RUN again: a folder, or a name under runs/ (or UNMASK_RUNS).

    Asks and judges nothing; with --again the figures are made anew. Writes report.html, one file that needs
    no network, and report.json beside it; prints where the page is. Same run, same bytes.

    \b
    unmask report demo
    unmask report demo --json | jq .verdicts
    """
    from unmask.auditing.acts import RESULT
    from unmask.auditing.acts_run import acts_alone, conclude_acts_again
    from unmask.cli._output import give, put, run_folder, say
    from unmask.report import write_report

    root = run_folder(run)
    if acts_alone(root):
        from unmask.report.acts_page import write_acts_page

        if again:
            conclude_acts_again(root)
        page = write_acts_page(root)
        if as_json:
            give(json.loads((root / RESULT).read_text(encoding="utf-8")))
        else:
            put(str(page))
        return
    if again:
        from unmask.auditing.imported import conclude_imported, is_imported
        from unmask.auditing.run import conclude_again

        conclude = conclude_imported if is_imported(root) else conclude_again
        conclude(root)
    page = write_report(root)
    if as_json:
        give(json.loads(page.with_suffix(".json").read_text(encoding="utf-8")))
        say(f"report: {page}")
    else:
        put(str(page))
