"""What keeps two runs from being compared: other prompts, another model behind the name, another judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from unmask.analysis.figures import JOINT
from unmask.auditing.members import Member
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.study import cells_of
from unmask.vocabulary import Contrast, JudgeTask


class Differing(StrEnum):
    """What may differ only when the user says so; the title then says it too."""

    PROMPT = "prompt"
    SERVED_MODEL = "served_model"
    JUDGE = "judge"
    STOPPING = "stopping"


def allowed(words: Sequence[str]) -> frozenset[Differing]:
    """Words of `--allow`, each one or several with commas.

    Raises:
        UsageError: an unknown one; names the nearest.
    """
    known = [str(d) for d in Differing]
    given = [part.strip() for word in words for part in word.split(",") if part.strip()]
    for word in given:
        if word not in known:
            raise UsageError(f"--allow {word}: nothing of that name can differ", hint=nearest(word, known))
    return frozenset(Differing(word) for word in given)


def check(
    members: Sequence[Member],
    names: Sequence[str],
    contrasts: Sequence[Contrast],
    allow: frozenset[Differing],
) -> dict[Differing, list[str]]:
    """What differs from the first member, in words, where that is allowed.

    Raises:
        UsageError: something differs that was not allowed; says all of it.
    """
    found: dict[Differing, list[str]] = {}
    for kind, line in differences(members, names, contrasts):
        found.setdefault(kind, []).append(line)
    refused = {kind: lines for kind, lines in found.items() if kind not in allow}
    if refused:
        lines = [line for kind in refused for line in refused[kind]]
        more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
        words = ",".join(str(kind) for kind in Differing if kind in refused)
        raise UsageError(
            "these runs cannot be compared as they are: " + "; ".join(lines[:3]) + more,
            hint=f"--allow {words} compares them all the same, and says so in the title",
        )
    return found


def differences(
    members: Sequence[Member], names: Sequence[str], contrasts: Sequence[Contrast]
) -> Iterator[tuple[Differing, str]]:
    """Each difference from the first member, in words."""
    first, before = members[0], names[0]
    for member, name in zip(members[1:], names[1:], strict=True):
        changed = _prompts(first, member, contrasts)
        if changed:
            yield Differing.PROMPT, f"{name} was told something else than {before}: {changed}"
        for task in _tasks(contrasts):
            judge, other = first.judges.get(task), member.judges.get(task)
            if judge != other:
                yield (
                    Differing.JUDGE,
                    f"{task} of {name} was judged by {other or 'nobody'}, of {before} by {judge or 'nobody'}",
                )
    for member, name in zip(members, names, strict=True):
        if member.study.stopping == "sequential":
            yield (
                Differing.STOPPING,
                f"{name} was asked until its own verdict was decided: its mean then leans away from 0",
            )
    served: dict[str, tuple[str, tuple[str, ...]]] = {}
    for member, name in zip(members, names, strict=True):
        if len(member.served) > 1:
            yield Differing.SERVED_MODEL, f"{name} was served by {' and '.join(member.served)} in one run"
        known, names_then = served.setdefault(member.model, (name, member.served))
        if names_then != member.served:
            yield (
                Differing.SERVED_MODEL,
                f"{name} was served by {_served(member.served)}, {known} by {_served(names_then)}",
            )


def _prompts(first: Member, other: Member, contrasts: Sequence[Contrast]) -> str | None:
    """How many prompts are not the same, of those that the contrasts look at; None when all are."""
    one, two = _told(first, contrasts), _told(other, contrasts)
    places = one.keys() | two.keys()
    changed = sorted(place for place in places if one.get(place) != two.get(place))
    if not changed:
        return None
    key, wording = changed[0]
    return f"{len(changed)} of {len(places)} prompts differ ({key}, wording {wording}, for one)"


def _told(member: Member, contrasts: Sequence[Contrast]) -> dict[tuple[str, int], frozenset[str]]:
    keys = {cell.key for contrast in contrasts for cell in cells_of(contrast, member.study)}
    return {place: digests for place, digests in member.prompts.items() if place[0] in keys}


def _tasks(contrasts: Sequence[Contrast]) -> list[str]:
    """What must have been judged alike: the reasoning only where a contrast reads it."""
    reasons = any(contrast in JOINT for contrast in contrasts)
    return [str(JudgeTask.COMPLIANCE), *([str(JudgeTask.REASONING)] if reasons else [])]


def _served(names: tuple[str, ...]) -> str:
    return " and ".join(names) or "a model without a name"
