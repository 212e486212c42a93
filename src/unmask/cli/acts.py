"""`unmask acts`: what a model would do against its maker, in simulated worlds; list, show and check them."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def acts() -> None:
    """Worlds in which a model could act against its maker: list, show, check (docs/acts.md)."""


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


def _path_or_name(name: str) -> str | Path:
    return Path(name) if "/" in name or name.endswith((".yaml", ".yml")) else name
