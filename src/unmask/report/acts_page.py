"""`acts.html` of a run that played the simulated worlds by themselves."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

from unmask.analysis.results import acts_from
from unmask.auditing.acts import RESULT
from unmask.errors import UnmaskError, UsageError
from unmask.files import write_atomic
from unmask.records.tables import read_episodes
from unmask.report import template
from unmask.report.acts import acts_views
from unmask.report.visible import one_line


def write_acts_page(run_dir: Path) -> Path:
    """Render the page from `acts.json` and the tables; same run, same bytes.

    Raises:
        UsageError: no acts were played in that run.
        UnmaskError: its files are damaged.
    """
    path = run_dir / RESULT
    if not path.is_file():
        raise UsageError(f"no acts in {run_dir}", where=str(path), hint="unmask acts run MODEL")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        results = [acts_from(model) for model in data["models"]]
        about = {key: data[key] for key in ("canary", "problems", "name", "unmask_version")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        raise UnmaskError(f"{path.name} is damaged: {type(e).__name__}: {e}", where=str(path)) from e
    style = template.asset("style.css")
    html = template.environment().get_template("acts_page.html.j2").render(
        acts=acts_views(results, read_episodes(run_dir / "records")),
        title=f"{', '.join(one_line(r.model, 60) for r in results[:3])}: acts in simulated worlds",
        name=about["name"],
        version=about["unmask_version"],
        canary=about["canary"],
        problems=about["problems"],
        policy=template.policy(style),
        style=Markup(style),
    )  # fmt: skip
    return write_atomic(run_dir / "acts.html", html + "\n")
