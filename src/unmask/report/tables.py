"""What every table of ours on a terminal looks like, and in a pipe."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def table_of(title: str, *, plain: bool) -> Table:
    """An empty table; `plain` for a pipe, a file, or under NO_COLOR."""
    return Table(
        title=Text(title),  # a plain string would be read as rich's markup, names and all
        title_justify="left",
        title_style="none" if plain else "dim",
        box=None if plain else SIMPLE_HEAD,
        header_style="none" if plain else "dim",
        pad_edge=False,
        safe_box=True,
    )
