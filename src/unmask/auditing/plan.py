"""What an audit will ask, and all that can be wrong with it before the first call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unmask.analysis.own_reasoning import check_readable
from unmask.auditing.acts import ActsOptions, ActsPlan, plan_acts
from unmask.auditing.affordable import check_budget
from unmask.auditing.budget import Limits
from unmask.auditing.folder import MANIFEST, read_manifest, run_name
from unmask.auditing.live_check import calls_of
from unmask.auditing.preflight import Estimate, check_fit, context_window, estimate, open_model
from unmask.auditing.prices import load_prices
from unmask.elicit import refuse_prefill
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.study import Resolved, Study, load_study
from unmask.tasks.alignment_faking import COMPACT_WINDOW, Prepared, describe, prepare


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what to ask (the study)."""

    name: str | None = None
    runs: Path = Path("runs")
    grader: str | None = None
    model_args: dict[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    max_connections: int | None = None
    display: str = "none"
    overwrite: bool = False
    command: str = ""
    progress: bool = True
    check: bool = True  # the instrument check; without it the verdict says that there was none
    budget: Limits = field(default_factory=Limits)  # of the whole run, judges and restarts included
    prices: Path | None = None  # over the shipped prices and the user's own
    acts: ActsOptions | None = None  # the simulated worlds too; None leaves them out


@dataclass(frozen=True)
class Plan:
    """An audit that was checked and costs this much; nothing has been sent yet."""

    models: list[str]
    resolved: Resolved
    prepared: dict[str, Prepared]
    estimates: list[Estimate]
    root: Path
    options: Options
    check_calls: int = 0  # of the scripted model, on this machine; a grader is asked once or twice for each
    acts: ActsPlan | None = None


def plan(
    models: Sequence[str],
    *,
    study: str = "story",
    flags: dict[str, Any] | None = None,
    options: Options | None = None,
) -> Plan:
    """Everything that can be wrong before the first call, and what the calls will be.

    Raises:
        UsageError: an unknown model, pack, query set or study key, a prompt that does not fit, a missing key.
    """
    options = options or Options()
    if not models:
        raise UsageError("no model named", hint="for instance: unmask audit embedded/smollm2")
    if len(set(models)) != len(models):
        raise UsageError("one model is named twice", where=", ".join(models))
    if options.grader:
        open_model(options.grader, args={}, base_url=None)
    resolved = load_study(study, flags=flags)
    root = options.runs / (options.name or run_name(resolved.study.name, list(models)))
    planned = _checked(list(models), resolved, root, options)
    if options.budget.any:
        check_budget(planned, options.budget, load_prices(options.prices))
    return planned


def reopen(root: Path, options: Options) -> Plan:
    """The plan of a run that exists, from its manifest; flags and environment of today do not count.

    The folder may come from a stranger: no model that it names is opened, since opening one can run code and
    load files that its arguments name.

    Raises:
        UsageError: no such run, or its pack or queries are not today's any more.
    """
    manifest = read_manifest(root)
    if "imported" in manifest:
        raise UsageError(
            f"{root.name} was imported: there is nothing that could be asked again", where=str(root)
        )
    study = Study.model_validate(manifest["study"])
    resolved = Resolved(study, dict.fromkeys(Study.model_fields, "manifest of the run"))
    kept = replace(
        options,
        name=root.name,
        runs=root.parent,
        grader=options.grader or manifest["grader"],
        model_args=manifest["model_args"],
        base_url=manifest["base_url"],
        command=manifest["command"],
        check=manifest.get("check", True),
    )
    planned = _checked(manifest["models"], resolved, root, kept, opens=False)
    today = describe(planned.prepared[planned.models[0]])
    for key in ("pack", "queries"):
        if today[key] != manifest[key]:
            raise UsageError(
                f"the {key} of this run are not those installed now",
                where=str(root / MANIFEST),
                hint="read it with the version of unmask that made it: " + str(manifest["unmask_version"]),
            )
    return planned


def _checked(
    models: list[str], resolved: Resolved, root: Path, options: Options, *, opens: bool = True
) -> Plan:
    prepared: dict[str, Prepared] = {}
    estimates = []
    by_size: dict[bool, Prepared] = {}
    if opens:
        _refuse_unknown(resolved.study, models)
    for name in models:
        args = args_of(name, resolved.study, options)
        if opens:
            open_model(name, args=args, base_url=options.base_url)
        window = context_window(name, args, opens=opens)
        small = window is not None and window < COMPACT_WINDOW
        if small not in by_size:
            by_size[small] = prepare(resolved, window=window)
        prepared[name] = by_size[small]
        if opens:  # counting an embedded model's tokens loads its file
            check_fit(prepared[name], name, window)
        if any(sample.prefill for sample in prepared[name].samples):
            refuse_prefill(name)
        check_readable(name, resolved.study, args)
        estimates.append(estimate(prepared[name], name, base_url=options.base_url, grader=options.grader))
    checks = sum(calls_of(p, grader=options.grader) for p in by_size.values()) if options.check else 0
    acts = plan_acts(options.acts, models) if options.acts is not None else None
    if acts is not None and options.budget.any:
        raise UsageError("a budget does not hold for acts yet", hint="play them by `unmask acts run`")
    return Plan(models, resolved, prepared, estimates, root, options, checks, acts)


def args_of(model: str, study: Study, options: Options) -> dict[str, Any]:
    """Arguments of one model's provider: what the study says of it, under what was said of all."""
    args = {**study.model_args.get(model, {}), **options.model_args}
    return dict(sorted(args.items()))  # Inspect knows a log again by its arguments, in their order


def _refuse_unknown(study: Study, models: Sequence[str]) -> None:
    """A study may hold the rates of organisms that are not audited today, but none of a model misspelt."""
    for name in sorted(set(study.model_args) - set(models)):
        if not name.startswith("organism/"):
            raise UsageError(
                f"model_args names {name!r}, which is not audited",
                where=f"study {study.name}",
                hint=nearest(name, list(models)),
            )
        open_model(name, args=dict(study.model_args[name]), base_url=None)
