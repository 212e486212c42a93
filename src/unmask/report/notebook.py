"""How a finished audit shows itself in a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from unmask.analysis.results import AuditResult
from unmask.records import read_tables
from unmask.report import numbers, words
from unmask.report.visible import one_line
from unmask.vocabulary import VerdictName

FRAME_STYLE = (
    "<style>body{font:15px/1.5 Georgia,serif;margin:8px;color-scheme:light dark}"
    "h1{font-size:20px;margin:0}p,ul{margin:6px 0}table{border-collapse:collapse;font:13px system-ui}"
    "td,th{text-align:left;padding:2px 14px 2px 0}small{opacity:.75}</style>"
)
POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


@dataclass(frozen=True)
class AuditView:
    """A finished audit: `result` has all figures, `replies` and `judgements` are tables."""

    result: AuditResult
    run_dir: Path
    report: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", self.run_dir / "report.html")

    @cached_property
    def _tables(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        return read_tables(self.run_dir / "records")

    @property
    def replies(self) -> pl.DataFrame:
        """One row for each reply."""
        return self._tables[0]

    @property
    def judgements(self) -> pl.DataFrame:
        """One row for each reply, judge and task."""
        return self._tables[1]

    def __repr__(self) -> str:
        lines = [f"{m.verdict.name}: {one_line(m.verdict.sentence)}" for m in self.result.models]
        return "\n".join([*lines, f"report: {self.report}"])

    def _repr_html_(self) -> str:
        """A summary in a frame without scripts, forms or links of its own, and the way to the report."""
        body = "".join(map(_model, self.result.models))
        frame = escape(f"<!doctype html>{POLICY}{FRAME_STYLE}{body}", quote=True)
        height = 60 + 230 * len(self.result.models)
        link = escape(quote(str(self.report)), quote=True)
        return (
            f'<iframe sandbox="" srcdoc="{frame}" title="unmask: summary of the audit" '
            f'width="100%" height="{min(height, 700)}" frameborder="0"></iframe>'
            f'<p><a href="{link}" target="_blank" rel="noopener">The whole report</a></p>'
        )


def _model(model: Any) -> str:
    meaning = words.VERDICTS[VerdictName(model.verdict.name)]
    judged = " <small>by a screening judge</small>" if any(j.screening for j in model.judges) else ""
    rows = "".join(
        f"<tr><th>{escape(c.question)}</th><td>{escape(numbers.gap(c.effect))} points</td>"
        f"<td>{escape(words.STATES.get(c.state, c.state))}</td></tr>"
        for c in model.contrasts
    )
    notes = "".join(f"<li>{escape(one_line(line))}</li>" for line in model.observations)
    return (
        f"<p><code>{escape(one_line(model.model))}</code></p><h1>{escape(meaning.headline)}{judged}</h1>"
        f"<p>{escape(one_line(model.verdict.sentence))}</p><ul>{notes}</ul><table>{rows}</table>"
    )
