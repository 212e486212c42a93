"""`unmask judge`: judge the replies of a run again."""

from __future__ import annotations

import click

from unmask.errors import UsageError


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--model-role", "role", metavar="grader=MODEL", help="Judge by this model instead of offline.")
@click.option("--yes", is_flag=True, help="Do not ask before replies go to a paid account.")
@click.option("--json", "as_json", is_flag=True, help="The new result as JSON on stdout.")
def judge(run: str, role: str | None, yes: bool, as_json: bool) -> None:
    """Judge the replies of RUN again. Asks the audited model nothing; old judgements stay in the logs.

    \b
    unmask judge demo --model-role grader=openai/gpt-4o
    """
    from unmask.auditing.preflight import is_paid
    from unmask.auditing.rejudge import rejudge
    from unmask.cli._output import run_folder, show_result

    grader = None
    if role is not None:
        name, _, grader = role.partition("=")
        if name != "grader" or not grader:
            raise UsageError(f"--model-role {role}: expected grader=MODEL")
    root = run_folder(run)
    paid = grader is not None and is_paid(grader, None)
    if paid and not yes and not click.confirm(f"Send this run's replies to {grader}?", err=True):
        raise UsageError("nothing was sent", hint="--yes")
    show_result(rejudge(root, grader=grader), root, as_json=as_json)
