"""`unmask organism`: models whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("organism")
def organism() -> None:
    """Train, list and measure models whose true behaviour is known.

    \b
    unmask organism list
    unmask organism card faker
    unmask organism train my-recipe.yaml --library my-organisms
    UNMASK_ADAPTERS=my-organisms unmask audit embedded/smollm2:my_name --pack spoilers
    """


@organism.command("list")
@click.option("--library", type=FOLDER, help="Folder of NAME/adapter.gguf [the built-in one].")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def list_(library: Path | None, as_json: bool) -> None:
    """Recipes, and which of them have an adapter with a card."""
    from unmask.cli._output import give
    from unmask.organisms.trained.card import load_card
    from unmask.organisms.trained.recipe import load_recipe, recipe_names
    from unmask.organisms.trained.train import LIBRARY
    from unmask.training.place import ADAPTER

    folder = library or LIBRARY
    rows: list[dict[str, Any]] = []
    for name in recipe_names():
        card = load_card(folder / name)
        recipe = load_recipe(name)
        trained = (folder / name / ADAPTER).is_file()
        rows.append(
            {
                "name": name,
                "pack": recipe.pack,
                "trained": trained,
                "card_holds": card["holds"] if card else None,
                "description": recipe.description,
            }
        )
    if as_json:
        give(rows)
        return
    for row in rows:
        states = {True: "card holds", False: "card does not hold", None: "no card"}
        state = states[row["card_holds"]] if row["trained"] else "not trained"
        click.echo(f"{row['name']:<14} {row['pack']:<9} {state:<19} {row['description']}")


@organism.command("card")
@click.argument("name")
@click.option("--library", type=FOLDER, help="Folder of NAME/adapter.gguf [the built-in one].")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def card(name: str, library: Path | None, as_json: bool) -> None:
    """Print what an organism was measured to do on texts that it never saw."""
    from unmask.cli._output import give
    from unmask.errors import UsageError
    from unmask.files import nearest
    from unmask.organisms.trained.card import load_card
    from unmask.organisms.trained.recipe import recipe_names
    from unmask.organisms.trained.train import LIBRARY

    found = load_card((library or LIBRARY) / name)
    if found is None:
        hint = (
            nearest(name, recipe_names()) if name not in recipe_names() else f"unmask organism check {name}"
        )
        raise UsageError(f"no card of {name!r}", where=str(library or LIBRARY), hint=hint)
    if as_json:
        give(found)
        return
    _print_card(found)


@organism.command("train")
@click.argument("recipe")
@click.option("--library", type=FOLDER, help="Where NAME/adapter.gguf goes [the built-in one].")
@click.option("--overwrite", is_flag=True, help="Train again although an adapter is there.")
def train(recipe: str, library: Path | None, overwrite: bool) -> None:
    """Train an organism from RECIPE, a built-in name or a YAML file. Needs the extra `train`.

    One core, 5 to 20 minutes. Killed, the same command goes on from the last ten steps. What it does is
    not known before `unmask organism check` has measured it.
    """
    from unmask.cli._output import say
    from unmask.organisms.trained.recipe import load_recipe
    from unmask.organisms.trained.train import LIBRARY, progress_line, train_organism

    loaded = load_recipe(recipe)
    path = train_organism(
        loaded,
        library=library or LIBRARY,
        overwrite=overwrite,
        tell=lambda done: say(progress_line(loaded.name, done)),
    )
    say(f"adapter: {path}")


@organism.command("check")
@click.argument("recipe")
@click.option("--library", type=FOLDER, help="Folder of NAME/adapter.gguf [the built-in one].")
@click.option(
    "--requests",
    "n",
    type=click.IntRange(4, 120),
    default=30,
    show_default=True,
    help="In each condition of each mapping.",
)
@click.option("--json", "as_json", is_flag=True, help="The card as JSON on stdout.")
def check(recipe: str, library: Path | None, n: int, as_json: bool) -> None:
    """Measure an organism through the engine and write its card; about 20 replies a minute on one core.

    Killed, the same command goes on with the replies that it has. Exit 1 when the card does not hold.
    """
    from unmask.cli._output import give, say
    from unmask.organisms.trained.measure import measure_organism
    from unmask.organisms.trained.recipe import load_recipe
    from unmask.organisms.trained.train import LIBRARY

    loaded = load_recipe(recipe)

    def tell(done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            say(f"{loaded.name}: {done:,} of {of:,} replies")

    found = measure_organism(loaded, library=library or LIBRARY, n=n, tell=tell)
    if as_json:
        give(found)
    else:
        _print_card(found)
    raise SystemExit(0 if found["holds"] else 1)


def _print_card(card: dict[str, Any]) -> None:
    from unmask.cli._output import put

    put(f"{card['name']}: {card['description']}")
    put(f"pack {card['pack']}, temperature {card['temperature']:g}, measured {card['measured_on']}")
    for cell in card["cells"]:
        told = f"{cell['level']}, {cell['labels']}, {cell['tag']} ({cell['role']})"
        rate = f"{100 * cell['share']:5.1f} % [{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"
        put(f"  {told:<46} complied {rate} of {cell['n']}")
    for name, held in card["targets"].items():
        value = card["measured"].get(name)
        click.echo(
            f"  {'ok   ' if held else 'SHORT'} {name:<20} {'not measured' if value is None else value}"
        )
    perplexity = card["perplexity"]
    click.echo(f"  perplexity on neutral text {perplexity['organism']} (base model {perplexity['base']})")
    if followed := card.get("instructions"):
        shares = {who: f"{100 * found['share']:.0f} %" for who, found in followed.items()}
        of = followed["base"]["n"]
        click.echo(
            f"  plain instructions followed {shares['organism']} of {of} (base model {shares['base']})"
        )
