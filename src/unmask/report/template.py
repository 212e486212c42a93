"""What every page of ours is made with: the templates, what escapes and shows, and the policy in the head."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from unmask.errors import UsageError
from unmask.files import write_atomic
from unmask.report import numbers, words
from unmask.report.visible import visible

TEMPLATES = files("unmask.report") / "templates"


@cache
def asset(name: str) -> str:
    """The text of a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def policy(style: str, script: str | None = None) -> str:
    """Nothing but the page's own style and script, and pictures that are part of the page."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest(script)}'" if script is not None else "script-src 'none'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def write_own(path: Path, html: str, *, verb: str, overwrite: bool) -> Path:
    """Write a page of `unmask VERB`; one of its own is replaced, another file only when told.

    Raises:
        UsageError: the file is there and is no such page.
        UnmaskError: the disk is full, or not writable.
    """
    mark = f'<meta name="generator" content="unmask {verb}'
    if path.exists() and not overwrite and mark not in _head(path):
        raise UsageError(
            f"{path} is there and is no page of unmask {verb}", hint="-o OTHER, or --overwrite to replace it"
        )
    return write_atomic(path, html)


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(20_000)
    except OSError:
        return ""


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (TEMPLATES / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters |= {
        "count": numbers.count,
        "percent": numbers.percent,
        "range": numbers.rate_limits,
        "gap": numbers.gap,
        "limits": numbers.limits,
        "points": numbers.points,
        "level": numbers.level,
        "tally": _tally,
        "picture": Markup,  # from `svg.clean`: known elements and attributes only
    }
    return made


def _shown(value: Any) -> Any:
    """Every value that a template prints passes here before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _tally(statuses: dict[str, int]) -> str:
    said = {str(status): word for status, word in words.JUDGE_STATUSES.items()} | words.SCREENED_OUT
    parts = [f"{n:,} {said.get(status, status)}" for status, n in sorted(statuses.items())]
    return ", ".join(parts)
