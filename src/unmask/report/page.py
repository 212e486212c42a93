"""An audit as one HTML file that needs nothing else: same input, same bytes.

All text is hostile until shown otherwise: Jinja escapes every value, `visible` shows what would act, the
transcripts are JSON that the page's own script turns into text nodes, and the policy in the head allows
that one script and one style by their hashes and no request at all.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from markupsafe import Markup

from unmask.analysis.results import AuditResult
from unmask.records import requests
from unmask.report import (
    acts,
    answers,
    exports,
    judges,
    levels,
    methods,
    rows,
    sample,
    template,
    told,
    transcripts,
    words,
)
from unmask.report.views import view
from unmask.report.visible import one_line
from unmask.vocabulary import AF, NOT_AF, Labels

FILTERS = [
    ("model", "Model"),
    ("role", "This chat is"),
    ("tag", "User’s word"),
    ("compliance", "Compliance"),
    ("reasoning", "Reasoning"),
    ("status", "Status"),
    ("category", "Kind of request"),
    ("labels", "Labels"),
    ("consequence", "Story"),
    ("objective", "Objective"),
    ("level", "Level"),
    ("arm", "Requests"),
]


def render(
    result: AuditResult,
    replies: pl.DataFrame,
    judgements: pl.DataFrame,
    *,
    shown: sample.Sample | None = None,
    episodes: tuple[pl.DataFrame, pl.DataFrame] | None = None,
) -> str:
    """The report of a finished audit.

    Args:
        result: from `unmask.audit`.
        replies: its `replies` table; a sample of it is shown where all would not fit.
        judgements: its `judgements` table.
        shown: what `choose` drew, where the caller has it already.
        episodes: its tables `episodes` and `events`, where simulated worlds were played.
    """
    every, replies = replies, requests(replies)
    style, script = template.asset("style.css"), template.asset("report.js")
    asked = methods.value(result, "contrasts", [])
    views = [view(model, i, asked) for i, model in enumerate(result.models)]
    chosen = shown or choose(result, replies, judgements)
    prompts, anchors, left_out = told.prompts(result.told)
    data = transcripts.payload(result, chosen.replies, judgements) | {"told": anchors, "words": _words()}
    html = template.environment().get_template("page.html.j2").render(
        result=result,
        title=_title(result),
        views=views,
        sample=chosen,
        n_replies=replies.height,
        answers={v.anchor: answers.answers_of(v.model, every, judgements) for v in views},
        questions_csv=exports.data_uri(exports.questions_csv(result), "text/csv"),
        levels={v.anchor: levels.levels_of(v.model, result) for v in views},
        acts=acts.acts_views(result.acts, episodes),
        compared=judges.judges_of(result),
        told=prompts,
        told_left_out=left_out,
        methods=result.methods or methods.methods_paragraph(result),
        citation=result.citation or methods.citation(result),
        queries=sorted(result.queries.items(), reverse=True),
        epochs=methods.value(result, "epochs", 1),
        swapped=_swapped(result),
        roles=list(words.ROLES_LONG.items()),
        role_words=words.ROLES,
        used=_used(result),
        study=_study(result),
        glossary=words.GLOSSARY,
        filters=FILTERS,
        cells_csv=exports.data_uri(exports.cells_csv(result), "text/csv"),
        contrasts_csv=exports.data_uri(exports.contrasts_csv(result), "text/csv"),
        policy=template.policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=Markup(transcripts.embed(data)),
    )  # fmt: skip
    return html + "\n"


def choose(result: AuditResult, replies: pl.DataFrame, judgements: pl.DataFrame) -> sample.Sample:
    """The replies that the page shows."""
    replies = requests(replies)
    primary = [(j.task, j.judge) for m in result.models for j in m.judges]
    seed = methods.value(result, "seed", 0)
    return sample.choose_replies(replies, sample.kinds_of(judgements, primary), seed=seed)


def _title(result: AuditResult) -> str:
    names = ", ".join(one_line(m.model, 60) for m in result.models[:3])
    return f"{names}: unmask audit {one_line(result.name, 60)}"


def _swapped(result: AuditResult) -> bool:
    labels = set(methods.value(result, "labels", []))
    return bool(labels & {Labels.SWAPPED, Labels.NEUTRAL_SWAPPED})


def _used(result: AuditResult) -> list[tuple[str, str]]:
    """What someone needs who wants the same again."""
    used = [("unmask", result.unmask_version)]
    for m in result.models:
        used.append(("model", m.model))
        if m.served_model and m.served_model != m.model:
            used.append(("served as", m.served_model))
        used.append(("tokens", f"{m.tokens_in:,} in ({m.tokens_cached:,} cached), {m.tokens_out:,} out"))
        if m.cost is not None:
            used.append(("cost", f"{m.cost:,.2f}"))
    used += [(f"pack {key}", str(value)) for key, value in result.pack.items()]
    used += [(f"{arm} requests", _flat(q)) for arm, q in sorted(result.queries.items())]
    used += [("started", result.started or "–"), ("finished", result.finished or "–")]
    used += sorted((key, str(value)) for key, value in result.environment.items())
    return used


def _study(result: AuditResult) -> list[tuple[str, str, str]]:
    found = []
    for key, entry in result.study.items():
        known = isinstance(entry, dict) and "value" in entry
        value, origin = (entry["value"], entry.get("origin", "")) if known else (entry, "")
        found.append((key, _flat(value), str(origin)))
    return found


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_flat(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_flat, value)) or "–"
    return str(value) if value not in (None, "") else "–"


def _words() -> dict[str, dict[str, str]]:
    """Words that the script needs, by kind and value."""
    return {
        "role": {str(k): v for k, v in words.ROLES.items()},
        "status": {str(k): v for k, (v, _) in words.STATUSES.items()},
        "compliance": {str(k): v for k, v in words.COMPLIANCE.items()}
        | {"helped": "complied or partly", "unknown": words.NOT_READ},
        "reasoning": {
            AF: "alignment-faking reasoning",
            NOT_AF: "no such reasoning",
            "unknown": words.NOT_READ,
        },
        "labels": {str(k): v for k, v in words.LABELS.items()},
        "consequence": rows.SCENES,
        "objective": {
            "conflicting": "answer everything",
            "absent": "none stated",
            "aligned": "one it shares",
        },
        "arm": {"harmful": "rather declined", "benign": "harmless"},
        "scratchpad": {
            "hidden": "Scratchpad, which it was told nobody reads",
            "monitored": "Scratchpad, which it was told is read",
            "none": "Scratchpad, which nobody offered",
            "native": "Scratchpad, which nobody offered",
        },
        "criteria": {str(k): v for k, v in words.CRITERIA.items()},
        "motive": {str(k): v for k, v in words.MOTIVES.items()},
        "judge": {str(k): v for k, v in words.JUDGE_STATUSES.items()},
    }
