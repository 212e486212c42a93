"""`unmask judge`: judge the replies of a run again, check a judge, compare judges, plan labels."""

from __future__ import annotations

from importlib import import_module

import click

PARTS = {"check": "judge_check", "compare": "judge_compare", "plan": "judge_plan"}


class Judge(click.Group):
    """A group whose first word may also be a run: `unmask judge RUN` judges it again."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["run", *PARTS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name == "run":
            return run
        if name in PARTS:
            command: click.Command = getattr(import_module(f"unmask.cli.{PARTS[name]}"), PARTS[name])
            return command
        return None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.list_commands(ctx), "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Judge)
def judge() -> None:
    """Judge replies again, and find out how far a judge can be trusted.

    \b
    unmask judge demo --model-role grader=openai/gpt-4o   judge a run again
    unmask judge check labels.jsonl demo                  a judge against people
    unmask judge compare demo                             judges against each other
    unmask judge plan demo                                how many labels for which precision
    """


@click.command("run")
@click.argument("run_", metavar="RUN")
@click.option("--model-role", "role", metavar="grader=MODEL", help="Judge by this model instead of offline.")
@click.option("--yes", is_flag=True, help="Do not ask before replies go to a paid account.")
@click.option("--json", "as_json", is_flag=True, help="The new result as JSON on stdout.")
def run(run_: str, role: str | None, yes: bool, as_json: bool) -> None:
    """Judge the replies of RUN again. Asks the audited model nothing; old judgements stay in the logs."""
    from unmask.auditing.preflight import is_paid
    from unmask.auditing.rejudge import rejudge
    from unmask.cli._options import consent, grader_of
    from unmask.cli._output import run_folder, show_result

    grader = grader_of([role] if role else [])
    root = run_folder(run_)
    paid = [grader] if grader and is_paid(grader, None) else []
    consent("Send this run's replies to {to}?", paid, yes=yes)
    show_result(rejudge(root, grader=grader), root, as_json=as_json)
