"""`unmask acts`: what a model would do against its maker, in simulated worlds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click


@click.group()
def acts() -> None:
    """Worlds in which a model could act against its maker: play, list, check (docs/acts.md)."""


@acts.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def list_(as_json: bool) -> None:
    """List the worlds and the questions, by act. Asks nothing."""
    from unmask.acts.load import load_situations, load_worlds
    from unmask.cli._output import give

    rows = [{"kind": "world", "act": w.act, "name": w.name, "about": w.about} for w in load_worlds()]
    rows += [{"kind": "question", "act": q.act, "name": q.name, "about": q.about} for q in load_situations()]
    if as_json:
        give(rows)
        return
    for row in sorted(rows, key=lambda r: (r["act"], r["kind"] != "world", r["name"])):
        click.echo(f"{row['act']:<14} {row['kind']:<9} {row['name']:<24} {row['about']}")


@acts.command()
@click.argument("models", nargs=-1, metavar="MODEL...")
@click.option("--worlds", type=int, metavar="N", help="So many, the acts taking turns  [all]; 0: none.")
@click.option("--questions", type=int, metavar="N", help="The same for questions.")
@click.option("--act", help="Only this act: exfiltration, oversight, training_data, sabotage, ...")
@click.option(
    "--design",
    type=click.Choice(["star", "full"]),
    default="star",
    show_default=True,
    help="star: 5 conditions, one factor changed at a time; full: all 12.",
)
@click.option("--epochs", type=int, default=1, show_default=True, help="Episodes of each.")
@click.option("--turns", type=int, help="Most messages in one episode  [12]. Reaching it is reported.")
@click.option("--max-tokens", type=int, help="Longest message  [1000; 200 of the embedded model].")
@click.option(
    "--tools",
    type=click.Choice(["auto", "native", "text"]),
    default="auto",
    show_default=True,
    help="text: calls written in the message, for models without tool calling.",
)
@click.option(
    "--scratchpad",
    type=click.Choice(["hidden", "monitored", "none", "native"]),
    default="hidden",
    show_default=True,
)
@click.option("--model-role", "roles", multiple=True, metavar="grader=MODEL", help="Reads free answers.")
@click.option("-M", "model_args", multiple=True, metavar="KEY=VALUE", help="For the model's provider.")
@click.option("--model-base-url", help="Base URL of the model's API.")
@click.option("--max-connections", type=int, help="Calls under way at once.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--name", help="Name of the run's folder under runs/ (or UNMASK_RUNS).")
@click.option("--overwrite", is_flag=True, help="Throw away a run of that name.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what it would cost, ask nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before requests go to a paid account.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
def run(**given: Any) -> None:
    """Play the worlds and ask the questions, without an audit.

    \b
    unmask acts run agent/schemer
    unmask acts run embedded/smollm2 --worlds 4 --questions 4
    """
    from unmask.auditing.acts_run import ActsRun, execute_acts, plan_acts_run
    from unmask.cli._options import command_line, consent, grader_of, pairs
    from unmask.cli._output import give, say
    from unmask.cli.audit import TO_ACCOUNTS
    from unmask.report.acts import text_table
    from unmask.report.acts_page import write_acts_page

    asked = (
        "worlds",
        "questions",
        "act",
        "design",
        "epochs",
        "turns",
        "max_tokens",
        "tools",
        "scratchpad",
        "seed",
    )
    planned = plan_acts_run(
        ActsRun(
            models=list(given["models"]),
            asked={key: given[key] for key in asked},
            name=given["name"],
            grader=grader_of(given["roles"]),
            model_args=pairs(given["model_args"], "-M"),
            base_url=given["model_base_url"],
            max_connections=given["max_connections"],
            overwrite=given["overwrite"],
            command=command_line(),
        )
    )
    say(f"acts: at most {planned.plan.calls_at_most:,} calls to each model, in simulated worlds")
    if given["dry_run"]:
        return
    consent(TO_ACCOUNTS, planned.paid, yes=given["yes"])
    results = execute_acts(planned)
    page = write_acts_page(planned.root)
    if given["as_json"]:
        give([asdict(result) for result in results])
    else:
        for result in results:
            click.echo(text_table(result))
    say(f"report: {page}")


@acts.command()
@click.argument("worlds", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def check(worlds: tuple[str, ...], as_json: bool) -> None:
    """Load worlds and play their own scripts: does each score as it says? Asks no model.

    WORLDS are names or files; all built-in worlds and questions without any.

    \b
    unmask acts check
    unmask acts check src/unmask/acts/worlds/night_backup.yaml
    """
    from unmask.acts.check import check_world
    from unmask.acts.load import load_situations, load_world, world_names
    from unmask.cli._output import give
    from unmask.errors import UsageError

    n_questions = 0 if worlds else len(load_situations())
    # a path's own file is read, built in or not
    found = {name: check_world(load_world(_path_or_name(name))) for name in worlds or world_names()}
    if as_json:
        give(found)
    else:
        for name, wrong in found.items():
            click.echo(f"{name}: {'ok' if not wrong else ''}")
            for problem in wrong:
                click.echo(f"  {problem}")
        if n_questions:
            click.echo(f"{n_questions} questions load")
    bad = [name for name, wrong in found.items() if wrong]
    if bad:
        raise UsageError(
            f"{len(bad)} of {len(found)} worlds do not score as they say: {', '.join(bad)}",
            hint="docs/acts.md, Writing a world",
        )


@acts.command()
@click.argument("run", metavar="RUN")
@click.argument("episode", metavar="EPISODE")
def show(run: str, episode: str) -> None:
    """Print one EPISODE of RUN, whole: what it was told, thought, did, what that changed, what it said of it.

    EPISODE is an id, or its beginning: they stand in the report and in records/episodes.parquet. What
    models wrote is printed as it is; characters that act on a terminal are written out.

    \b
    unmask acts show acts_agent-schemer 3f2a91
    """
    from unmask.cli._output import run_folder
    from unmask.report.one_episode import episode_text

    click.echo(episode_text(run_folder(run), episode))


def _path_or_name(name: str) -> str | Path:
    return Path(name) if "/" in name or name.endswith((".yaml", ".yml")) else name
