"""`unmask judge compare`: two or more judges on the same replies."""

from __future__ import annotations

from dataclasses import asdict

import click


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
    from unmask.cli._output import give, put, run_folder
    from unmask.report.judge_words import compare_lines

    found = compare_judges(run_folder(run), judges)
    if as_json:
        give(asdict(found))
    else:
        put("\n".join(compare_lines(found)))
