"""`unmask doctor`: what this machine has and lacks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

import click

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY", "TOGETHER_API_KEY")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def doctor(as_json: bool) -> int:
    """Check Python, the embedded model, Chromium, keys and disk. Shows whether keys are set, never the keys.

    Exit: 0 the embedded model can run, 1 it cannot.
    """
    from unmask.auditing.environment import environment
    from unmask.cli._output import give

    checks = {
        "python": (sys.version_info >= (3, 11), environment()["python"]),
        "embedded model": _try(_model),
        "embedded engine": _try(_engine),
        "free disk": (shutil.disk_usage(".").free > 1e9, f"{shutil.disk_usage('.').free / 1e9:.1f} GB here"),
        "chromium (tests only)": _found("chromium"),
    } | {key: (key in os.environ, "set" if key in os.environ else "not set") for key in KEYS}
    if as_json:
        give({name: {"ok": ok, "detail": detail} for name, (ok, detail) in checks.items()})
    else:
        for name, (ok, detail) in checks.items():
            click.echo(f"{'ok ' if ok else '-- '} {name:<24} {detail}")
    return 0 if checks["embedded model"][0] and checks["embedded engine"][0] else 1


def _try(check: Callable[[], str]) -> tuple[bool, str]:
    from unmask.errors import UnmaskError

    try:
        return True, check()
    except (UnmaskError, ImportError) as e:
        return False, str(e)


def _model() -> str:
    from unmask.providers.model_file import smollm2_path

    return f"{smollm2_path().name}, checksum right"


def _engine() -> str:
    import xllamacpp

    return f"xllamacpp {getattr(xllamacpp, '__version__', '')}".strip()


def _found(program: str) -> tuple[bool, str]:
    path = shutil.which(program)
    return path is not None, path or "not found"
