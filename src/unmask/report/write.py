"""A run's folder to `report.html` and `report.json`, each written whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from unmask.analysis.results import AuditResult
from unmask.errors import UnmaskError, UsageError
from unmask.files import write_atomic
from unmask.records import read_tables
from unmask.records.tables import read_episodes
from unmask.report import words
from unmask.report.methods import citation, methods_paragraph
from unmask.report.page import choose, render
from unmask.report.sample import Sample
from unmask.vocabulary import VerdictName

REPORT_SCHEMA = 1


def write_report(run_dir: Path) -> Path:
    """Render the report of a finished run again and write it beside its records.

    Args:
        run_dir: a folder with `audit.json` and `records/`.
    Returns:
        The path of `report.html`; `report.json` stands beside it.
    Raises:
        UsageError: the run has not been finished.
        UnmaskError: its files are damaged, or the disk is full.
    """
    result = read_result(run_dir)
    replies, judgements = read_tables(run_dir / "records")
    shown = choose(result, replies, judgements)
    episodes = read_episodes(run_dir / "records") if result.acts else None
    html = render(result, replies, judgements, shown=shown, episodes=episodes)
    page = write_atomic(run_dir / "report.html", html)
    data = as_data(result, shown)
    write_atomic(run_dir / "report.json", json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False))
    return page


def read_result(run_dir: Path) -> AuditResult:
    """The result of a finished run.

    Raises:
        UsageError: there is none yet.
        UnmaskError: it is damaged.
    """
    path = run_dir / "audit.json"
    if not path.is_file():
        raise UsageError(
            f"no finished audit in {run_dir}",
            where=str(path),
            hint="give the command of the audit again: it goes on from where it stopped",
        )
    try:
        return AuditResult.read(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        raise UnmaskError(
            f"{path.name} is damaged: {type(e).__name__}: {e}",
            where=str(path),
            hint="give the command of the audit again: it is made anew from the logs",
        ) from e


def as_data(result: AuditResult, shown: Sample) -> dict[str, Any]:
    """The page as JSON: the result with its texts filled in, and which replies the page shows."""
    full = replace(
        result,
        methods=result.methods or methods_paragraph(result),
        citation=result.citation or citation(result),
    )
    verdicts = []
    for model in result.models:
        meaning = words.VERDICTS[VerdictName(model.verdict.name)]
        verdicts.append(
            {
                "model": model.model,
                "verdict": model.verdict.name,
                "headline": meaning.headline,
                "sentence": model.verdict.sentence,
                "means": meaning.means,
                "means_not": meaning.means_not,
            }
        )
    return {
        "report_schema": REPORT_SCHEMA,
        "canary": result.canary,
        "verdicts": verdicts,
        "result": json.loads(full.to_json()),
        "shown": {
            "replies": shown.replies.height,
            "of": shown.total,
            "reply_ids": shown.replies["reply_id"].to_list(),
        },
    }
