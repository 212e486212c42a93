"""`unmask list`: what is built in."""

from __future__ import annotations

import click


@click.command("list")
@click.argument("what", required=False, type=click.Choice(["studies", "packs", "queries", "models"]))
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def list_(what: str | None, as_json: bool) -> None:
    """List built-in studies, packs, query sets and embedded models."""
    from unmask.cli._output import give
    from unmask.packs import list_packs
    from unmask.providers.adapters import list_adapters
    from unmask.queries import list_query_sets
    from unmask.study import list_studies

    found: dict[str, dict[str, str]] = {
        "studies": list_studies(),
        "packs": dict(list_packs()),
        "queries": {name: f"{n} queries" for name, n in list_query_sets().items()},
        "models": {"embedded/smollm2": "SmolLM2-135M-Instruct, in this process"}
        | {f"embedded/smollm2:{name}": "LoRA adapter" for name in list_adapters()},
    }
    chosen = {what: found[what]} if what else found
    if as_json:
        give(chosen)
        return
    for kind, items in chosen.items():
        click.echo(kind)
        for name, about in items.items():
            click.echo(f"  {name:<24} {about}")
