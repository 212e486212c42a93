"""`unmask before-after`: what did the training between two models do?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from unmask.cli.audit import audit
from unmask.errors import UnmaskError, UsageError
from unmask.vocabulary import Towards

EXAMPLES = """
\b
unmask before-after embedded/smollm2:honest embedded/smollm2:faker \\
  --pack spoilers --pack-size compact --max-tokens 200
unmask before-after runs/spring runs/autumn
unmask before-after openai/one openai/another --towards refuse --model-role grader=anthropic/claude-sonnet-4-0

Exit: 0 a verdict was reached, whatever it is; 1 could not finish; 2 usage, or the two cannot be compared.
"""
OF_RUNS = ("models", "towards", "allow", "output", "as_json", "overwrite", "yes")
OWN = ("models", "study", "fail_on", "dry_run", "as_json")


@click.command(name="before-after", epilog=EXAMPLES)
@click.argument("models", nargs=-1, required=True, metavar="BEFORE AFTER")
@click.option(
    "--towards",
    type=click.Choice([str(t) for t in Towards]),
    default=str(Towards.COMPLY),
    show_default=True,
    help="What the training wanted of the answers. Changes are counted in that direction.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="WHAT",
    help="Compare finished runs although this differs: prompt, served_model, judge.",
)
@click.option(
    "--study",
    default="before_after",
    show_default=True,
    help="Design: a built-in name or a YAML file; it must ask for story.",
)
@click.option(
    "--choices/--no-choices",
    default=True,
    show_default=True,
    help="Ask 64 small choices too: tasks with one right answer, and what it says it would rather do.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the page is written.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON on stdout.")
def before_after(
    models: tuple[str, ...],
    towards: str,
    allow: tuple[str, ...],
    output: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say whether the training between the models BEFORE and AFTER took: genuine, performed, partial, none.

    Asks both the same in one audit (all options of `unmask audit` hold), or reads finished runs: one of two
    models, or two of one model each.
    """
    from rich.console import Console

    from unmask.auditing.before_after import before_after as change_of
    from unmask.cli._output import give, say
    from unmask.report.change import ChangeTable, write_change

    runs = _runs(models)
    if runs:
        _refuse_designing(click.get_current_context())
    roots = runs or [_audited(models, given)]
    found = change_of(roots, towards=Towards(towards), allow=allow)
    page = write_change(found, output or roots[-1] / "change.html", overwrite=given["overwrite"])
    if as_json:
        give(json.loads(found.to_json()))
    else:
        Console(highlight=False).print(ChangeTable(found))
    say(f"page: {page}")


before_after.params += [p for p in audit.params if p.name not in OWN]


def _runs(names: tuple[str, ...]) -> list[Path]:
    """The runs of these names, where all are runs; none where none is."""
    from unmask.cli._output import run_folder

    found = []
    for name in names:
        try:
            found.append(run_folder(name))
        except UsageError:
            continue
    if found and len(found) < len(names):
        raise UsageError(f"{', '.join(names)}: name models or finished runs, not both")
    return found


def _refuse_designing(context: click.Context) -> None:
    """Finished runs keep their own design: an option that says another would be believed."""
    told = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in OF_RUNS
        and context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    ]
    if told:
        raise UsageError(
            f"{', '.join(told)}: finished runs keep the design that they were asked by",
            hint="name two models, and both are asked anew; or leave the option out",
        )


def _audited(models: tuple[str, ...], given: dict[str, Any]) -> Path:
    from unmask.auditing.before_after import check_design
    from unmask.auditing.choices import ask_choices, n_choices
    from unmask.auditing.plan import plan
    from unmask.auditing.run import execute
    from unmask.cli._options import consent
    from unmask.cli._output import say, show_plan
    from unmask.cli.audit import TO_ACCOUNTS, flags_of, options_of
    from unmask.report import write_report

    if len(models) != 2:
        raise UsageError(
            f"{len(models)} models: the one before and the one after are needed",
            hint="unmask before-after BEFORE AFTER",
        )
    planned = plan(models, study=given["study"], flags=flags_of(given), options=options_of(given))
    show_plan(planned, as_json=False)
    for told in check_design(planned.resolved.study, where=planned.resolved.study.name):
        say(f"  {told}")
    asks = given["choices"] and not planned.options.budget.any
    if asks:
        say(f"  {n_choices()} small choices of each model beside, in short calls of their own")
    elif given["choices"]:
        say("  no small choices beside: a budget does not hold for them")
    consent(TO_ACCOUNTS, [e.model for e in planned.estimates if e.paid], yes=given["yes"])
    result = execute(planned)
    if result.stopped is not None:
        hint = "the same command with a larger budget goes on"
        raise UnmaskError(result.stopped, where=str(planned.root), hint=hint)
    if asks:
        ask_choices(
            models,
            planned.root,
            model_args=planned.options.model_args,
            base_url=planned.options.base_url,
            max_connections=planned.options.max_connections,
        )
    write_report(planned.root)
    return planned.root
