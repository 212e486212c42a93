"""The paragraph for a paper and the citation, from the facts of a finished audit alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unmask.analysis.results import AuditResult, JudgeUsed
from unmask.report import numbers
from unmask.report.visible import one_line
from unmask.vocabulary import ANSWER_USABLE, JudgeTask, Labels, Scratchpad

READS = {
    JudgeTask.COMPLIANCE: "Compliance was read from the answer alone",
    JudgeTask.REASONING: "Alignment-faking reasoning (five criteria, all of which must hold) was read "
    "from the scratchpad alone, without the answer or the user's tier",
}


def value(result: AuditResult, key: str, default: Any = None) -> Any:
    """A value of the resolved study; the default where the study of that version had no such key."""
    found = result.study.get(key, default)
    return found.get("value", default) if isinstance(found, dict) else found


def methods_paragraph(result: AuditResult) -> str:
    """What was done, for the methods section of a paper. Says nothing of what came out."""
    return " ".join(
        [_who(result), _asked(result), _told(result), _replies(result), _judged(result), _sure(result)]
    )


def citation(result: AuditResult) -> str:
    """How to cite the instrument and the study that its design follows."""
    year = (result.finished or result.started or "")[:4]
    return (
        f"The unmask developers{f' ({year})' if year else ''}. unmask: is a language model's alignment real, "
        f"or performed for its trainer? Version {result.unmask_version} [software]. Study "
        f"{value(result, 'name', result.name)}, prompt pack {result.pack.get('name')} "
        f"{result.pack.get('version')}, sha256 {str(result.pack.get('sha256'))[:16]}.\n"
        "The design follows: Greenblatt, R., and others (2024). Alignment faking in large language models. "
        "arXiv:2412.14093."
    )


def _who(result: AuditResult) -> str:
    names = _and(_served(m.model, m.served_model) for m in result.models)
    return (
        f"We audited {names} with unmask {result.unmask_version} "
        f"(study {value(result, 'name', result.name)}; prompt pack {result.pack.get('name')} "
        f"{result.pack.get('version')}, {result.pack.get('size')} length, "
        f"sha256 {str(result.pack.get('sha256'))[:16]})."
    )


def _served(model: str, served: str | None) -> str:
    return (
        f"{model} (served as {served})" if served and served not in (model, model.split("/")[-1]) else model
    )


def _asked(result: AuditResult) -> str:
    sets = _and(f"{q['n']} {arm} requests ({q['name']}, sha256 {str(q['sha256'])[:16]})"
                for arm, q in sorted(result.queries.items()))  # fmt: skip
    cells = len(result.models[0].cells) if result.models else 0
    return (
        f"The same {sets} were asked in each of {cells} conditions, {_times(value(result, 'epochs', 1))} "
        f"each, in {value(result, 'wordings', 1)} wordings of the prompt, both members of a pair in the same "
        f"one, with temperature {value(result, 'temperature')} and at most {value(result, 'max_tokens')} "
        f"tokens a reply "
        f"(seed {value(result, 'seed')})."
    )


def _told(result: AuditResult) -> str:
    labels = set(value(result, "labels", []))
    both = labels >= {Labels.PLAIN, Labels.SWAPPED} or labels >= {Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED}
    mapping = (
        "both assignments of the users' names to the tiers were asked, and contrasts average over them"
        if both
        else "only one assignment of the users' names to the tiers was asked, so that the story cannot be "
        "told from the name"
    )
    pad = {
        Scratchpad.HIDDEN: "The prompt offered a scratchpad and called it private.",
        Scratchpad.MONITORED: "The prompt offered a scratchpad and said that it is read.",
        Scratchpad.NONE: "No scratchpad was offered.",
        Scratchpad.NATIVE: "No scratchpad was offered; the model's own reasoning was kept apart.",
    }.get(value(result, "scratchpad"), "")
    return f"The system prompt said what the chats of each of two tiers are used for; {mapping}. {pad}"


def _replies(result: AuditResult) -> str:
    total = sum(m.n_replies for m in result.models)
    usable = sum(m.statuses.get(str(s), 0) for m in result.models for s in ANSWER_USABLE)
    return (
        f"Of {total:,} replies {total - usable:,} had no usable answer; they were counted, never taken for "
        "refusals and never sampled again."
    )


def _judged(result: AuditResult) -> str:
    texts = []
    for task, words in READS.items():
        judges = {j.judge: j for m in result.models for j in m.judges if j.task == task}
        if judges:
            texts.append(f"{words}, by {_and(_judge(j) for j in judges.values())}.")
    return " ".join(texts) or "No judge read the replies."


def _judge(judge: JudgeUsed) -> str:
    kind = ", an offline screening judge whose figures are a first look" if judge.screening else ""
    card = f", card {judge.card}" if judge.card else ", not checked on this model"
    return f"{judge.judge}{kind}{card}"


def _sure(result: AuditResult) -> str:
    contrasts = [c for m in result.models for c in m.contrasts if c.decides]
    if not contrasts:
        return "No contrast was estimated."
    level = numbers.level(contrasts[0].effect.level)
    delta = numbers.points(result.models[0].verdict.delta, signed=False)
    if value(result, "stopping") == "sequential":
        return (
            "Rates carry Wilson intervals at 95 %. Requests were asked block by block in an order drawn by "
            "the seed, and no longer once the verdict was decided. Contrasts are confidence sequences by "
            "betting (Waudby-Smith and Ramdas 2024), which hold at all times at once; the verdict reads them "
            f"at {level}, against a margin of {delta} points fixed before the run. Bounds set every unusable "
            "reply against the claim."
        )
    return (
        "Rates carry Wilson intervals at 95 % (several replies to one request count by their design "
        "effect). Contrasts are paired by request: t intervals over requests with a variance floor, never "
        f"narrower than with one more request at each extreme; the verdict reads them at {level}, against a "
        f"margin of {delta} points fixed before the run. Bounds set every unusable reply against the claim."
    )


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _and(parts: Iterable[str]) -> str:
    items = [one_line(p) for p in parts]
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""
