"""The command line: one file a verb, loaded when it is called, so that `--help` is quick."""

from __future__ import annotations

import errno
import json
import os
import sys
from importlib import import_module
from pathlib import Path

import click

from unmask.errors import UnmaskError, UsageError

FULL = (errno.ENOSPC, errno.EDQUOT)
VERBS = {  # name: (module, attribute, one line of help)
    "audit": ("unmask.cli.audit", "audit", "Ask models the same in every condition, to a verdict."),
    "plan": ("unmask.cli.plan", "plan", "What a study costs and can say, before anything is sent."),
    "report": ("unmask.cli.report", "report", "Render the report of a run again."),
    "compare": ("unmask.cli.compare", "compare", "Set models, prompts or dates side by side."),
    "before-after": (
        "unmask.cli.before_after",
        "before_after",
        "What did the training between two models do?",
    ),
    "show": ("unmask.cli.show", "show", "Print one reply with what the model was told."),
    "records": ("unmask.cli.records", "records", "Turn Inspect logs into Parquet tables."),
    "judge": (
        "unmask.cli.judge",
        "judge",
        "Judge the replies of a run again, without asking for them again.",
    ),
    "import": ("unmask.cli.import_", "import_", "Judge and conclude on transcripts from elsewhere."),
    "label": ("unmask.cli.label", "label", "Label transcripts by hand, blind, in a local page."),
    "pack": ("unmask.cli.pack", "pack", "Show, compare and check prompt packs."),
    "study": ("unmask.cli.study", "study", "List, show and check designs; write their schema."),
    "organism": ("unmask.cli.organism", "organism", "Train, list and measure models whose truth is known."),
    "train": ("unmask.cli.train", "train", "Train on the announced objective, and look on the way."),
    "probe": ("unmask.cli.probe", "probe", "What a linear reading of the inside tells; steer along it."),
    "reproduce": ("unmask.cli.reproduce", "reproduce", "A published experiment again, in small."),
    "acts": ("unmask.cli.acts", "acts", "Worlds in which a model could act against its maker."),
    "list": ("unmask.cli.list", "list_", "What is built in: studies, packs, queries, models."),
    "selftest": (
        "unmask.cli.selftest",
        "selftest",
        "Does the instrument find what is there? No model is asked.",
    ),
    "doctor": ("unmask.cli.doctor", "doctor", "What this machine has and lacks."),
}


class Verbs(click.Group):
    """A group that imports a verb only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, attribute, _ = VERBS[name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from unmask.files import nearest

            raise UsageError(f"no command {args[0]!r}", hint=nearest(args[0], list(VERBS)))
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="unmask", prog_name="unmask")
def cli() -> None:
    """Find out whether a language model's alignment is real or performed.

    \b
    unmask audit embedded/smollm2 --study demo
    unmask audit openai/gpt-4o --model-role grader=anthropic/claude-sonnet-4-0

    Exit: 0 done, 1 could not finish, 2 usage, 3 only by --fail-on, 130 interrupted.
    """


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code says how it ended."""
    args = sys.argv[1:] if argv is None else argv
    try:
        code = cli.main(args=args, prog_name="unmask", standalone_mode=False)
    except UnmaskError as e:
        return _tell(e, as_json="--json" in args)
    except click.UsageError as e:
        hint = f"{e.ctx.command_path} --help" if e.ctx else "unmask --help"
        return _tell(UsageError(e.format_message(), hint=hint), as_json="--json" in args)
    except (click.Abort, KeyboardInterrupt):
        print("unmask: interrupted; what was done is kept", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader of the pipe has gone
        return 1
    except Exception as e:
        if os.environ.get("UNMASK_DEBUG"):
            raise
        return _tell(_unforeseen(e), as_json="--json" in args)
    return code if isinstance(code, int) else 0


def _unforeseen(e: Exception) -> UnmaskError:
    """A full disk is met wherever something is written; all else that nobody caught is ours."""
    if isinstance(e, OSError) and e.errno in FULL:
        hint = "make room; the same command goes on from what was computed"
        return UnmaskError(f"could not write: {e.strerror}", where=str(e.filename or Path.cwd()), hint=hint)
    return UnmaskError(
        f"unexpected {type(e).__name__}: {e}",
        hint="this is a fault of unmask: UNMASK_DEBUG=1 shows where; what was computed is kept",
    )


def _tell(error: UnmaskError, *, as_json: bool) -> int:
    from unmask.cli._output import say

    if as_json:
        body = {"kind": error.kind, "message": error.message, "where": error.where, "hint": error.hint}
        click.echo(json.dumps({"error": body}))
    lines = [f"unmask: {error.message}"]
    lines += [f"  where: {error.where}"] if error.where else []
    lines += [f"  do:    {error.hint}"] if error.hint else []
    say("\n".join(lines))
    return error.exit_code
