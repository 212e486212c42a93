"""unmask: is a model's alignment real, or performed for its trainer?

    import unmask
    unmask.audit("embedded/smollm2", study="demo")

Names load their rooms when they are first used, so that `import unmask` is quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from unmask.analysis.results import AuditResult
    from unmask.errors import UnmaskError
    from unmask.packs import load_pack
    from unmask.queries import load_queries
    from unmask.records import read_logs, read_tables
    from unmask.report import AuditView
    from unmask.study import load_study
    from unmask.vocabulary import Condition

_ROOMS = {
    "AuditResult": "unmask.analysis.results",
    "Condition": "unmask.vocabulary",
    "UnmaskError": "unmask.errors",
    "AuditView": "unmask.report",
    "load_pack": "unmask.packs",
    "load_queries": "unmask.queries",
    "load_study": "unmask.study",
    "read_logs": "unmask.records",
    "read_tables": "unmask.records",
}

__all__ = [
    "AuditResult",
    "AuditView",
    "Condition",
    "UnmaskError",
    "__version__",
    "audit",
    "load_pack",
    "load_queries",
    "load_study",
    "read_logs",
    "read_tables",
]


def audit(
    models: str | Sequence[str],
    study: str = "story",
    *,
    name: str | None = None,
    runs: str | Path = "runs",
    grader: str | None = None,
    model_args: Mapping[str, Any] | None = None,
    base_url: str | None = None,
    overwrite: bool = False,
    budget_cost: float | None = None,
    budget_tokens: int | None = None,
    prices: str | Path | None = None,
    yes: bool = False,
    acts: bool | Mapping[str, Any] = False,
    **flags: Any,
) -> AuditView:
    """Ask models the same queries in every condition, to a verdict: `unmask audit` from Python.

    Args:
        models: one Inspect model name, or several.
        study: a built-in design or a study file.
        name: the run's folder under `runs`; the same call again goes on in it.
        runs: where runs are kept.
        grader: a model that judges; None for the offline screening judge.
        model_args: arguments of the model's provider, as `-M`.
        base_url: base URL of the model's API.
        overwrite: throw away a run of that name with another design.
        budget_cost: US dollars that the whole run may cost, judges and restarts included.
        budget_tokens: the same in tokens; the result's `stopped` says whether the run ended there.
        prices: a prices file over the shipped one and the user's own.
        yes: send requests to a paid account without asking.
        acts: play the simulated worlds too; True for all, or options such as `{"worlds": 4, "epochs": 2}`.
        flags: any key of the study file, such as `epochs=1`.
    Returns:
        The result, which shows itself in a notebook: `.result` has the figures, `.replies` the table.
    Raises:
        UsageError: something cannot be as asked; nothing was sent.
        UnmaskError: it could not finish; the replies are kept and the same call goes on.
    """
    from unmask.auditing.acts import options_of
    from unmask.auditing.budget import Limits
    from unmask.auditing.plan import Options, plan
    from unmask.auditing.run import execute
    from unmask.errors import UsageError
    from unmask.report import AuditView, write_report

    options = Options(
        name=name,
        runs=Path(runs),
        grader=grader,
        model_args=dict(model_args or {}),
        base_url=base_url,
        overwrite=overwrite,
        budget=Limits(budget_cost, budget_tokens),
        prices=Path(prices) if prices is not None else None,
        progress=False,
        acts=options_of({} if acts is True else dict(acts)) if acts is not False else None,
        command=f"unmask.audit({models!r}, study={study!r})",
    )
    planned = plan([models] if isinstance(models, str) else models, study=study, flags=flags, options=options)
    paid = [e.model for e in planned.estimates if e.paid]
    if paid and not yes:
        raise UsageError("requests would go to a paid account", where=", ".join(paid), hint="yes=True")
    result = execute(planned)
    write_report(planned.root)
    return AuditView(result, planned.root)


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'unmask' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
