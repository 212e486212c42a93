"""`unmask study`: designs; list them, show one, check one's own, write the schema that editors use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unmask.study import Resolved


@click.group()
def study() -> None:
    """List, show and check study files: built-in names, or YAML files of your own (docs/studies.md)."""


as_json_option = click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")


@study.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List the built-in designs."""
    from unmask.cli._output import give
    from unmask.study import list_studies

    found = list_studies()
    if as_json:
        give(found)
        return
    for name, about in found.items():
        click.echo(f"{name:<26} {about}")


@study.command()
@click.argument("name")
@as_json_option
def show(name: str, as_json: bool) -> None:
    """Print a design as it is written, with what it leaves out filled in as comments. Sends nothing.

    \b
    unmask study show story > mine.yaml
    """
    import yaml

    from unmask.cli._output import give, put
    from unmask.study import Origin, load_study

    resolved = load_study(name)
    if as_json:
        give(resolved.as_dict())
        return
    values = resolved.study.model_dump(mode="json")
    for key, value in values.items():
        mark = "# " if resolved.origins[key] == Origin.DEFAULT else ""
        text = yaml.safe_dump(
            value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
        )
        put(f"{mark}{key}: {text.removesuffix('...' + chr(10)).rstrip()}")


@study.command()
@click.argument("name")
@click.option("--pack-size", type=click.Choice(["full", "compact"]), help="[the study's; full if auto]")
@as_json_option
def check(name: str, pack_size: str | None, as_json: bool) -> None:
    """Check a design: every value with its origin, and the cells it would ask. Sends nothing; exit 2 if it is
    refused.

    \b
    unmask study check story
    unmask study check ./mine.yaml
    """
    from unmask.cli._output import give
    from unmask.study import base_of, cells_of, conditions_of, load_study, slices, story_questions
    from unmask.tasks.alignment_faking import prepare

    resolved = load_study(name, flags={"pack_size": pack_size})
    prepared = prepare(resolved, window=None)
    design = resolved.study
    story_questions(design, prepared.pack, size=prepared.size)  # refuses too few of them
    deciding = {c.key for k in design.contrasts for c in cells_of(k, design)}
    keys = [condition.key for condition in conditions_of(design)]
    told: dict[str, Any] = {
        "contrasts": [str(c) for c in design.contrasts],
        "levels": [dict(part.at) for part in slices(design)] if design.crossed else [],
        "verdict_rests_on": slices(design)[0].words if base_of(design) is not design else "",
        "cells": [{"key": key, "decides": key in deciding} for key in keys],
        "calls": len(prepared.samples) * design.epochs,
        "prefill": any(sample.prefill for sample in prepared.samples),
    }
    if as_json:
        give({"study": resolved.as_dict()} | told)
        return
    _say_values(resolved)
    _say_cells(told, average=design.decide_on == "average")


def _say_values(resolved: Resolved) -> None:
    from unmask.cli._output import shown

    for key, about in resolved.as_dict().items():
        value, origin = about["value"], about["origin"]
        if origin != "default" or value not in (None, [], {}, ""):
            click.echo(shown(f"{key:<18} {_short(value):<58} ") + click.style(shown(origin), dim=True))


def _say_cells(told: dict[str, Any], *, average: bool) -> None:
    from unmask.cli._output import put

    click.echo(
        f"\n{len(told['cells'])} cells for {', '.join(told['contrasts'])} (* the verdict rests on these)"
    )
    for cell in told["cells"]:
        put(f"  {'*' if cell['decides'] else ' '} {cell['key']}")
    if told["levels"]:
        rest = "the mean over all levels" if average else f"the first: {told['verdict_rests_on']}"
        put(f"{len(told['levels'])} combinations of crossed levels; the verdict rests on {rest}")
    if told["prefill"]:
        click.echo("begins replies by prefill: embedded models, vLLM and SGLang only")
    click.echo(f"{told['calls']:,} calls of each model, judges and questions about the story not counted")


def _short(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(_without_nothing(value), ensure_ascii=False)
    return text if len(text) <= 58 else text[:55] + "..."


def _without_nothing(value: Any) -> Any:
    return {k: v for k, v in value.items() if v not in (None, [], {})} if isinstance(value, dict) else value


@study.command()
def schema() -> None:
    """Write the JSON schema of study files. Editors that read YAML schemas then complete keys and levels.

    \b
    unmask study schema > study.schema.json
    """
    from unmask.study.schema import schema_text

    click.echo(schema_text(), nl=False)
