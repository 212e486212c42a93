"""Whether a world can be played and scores as it says, without any model: its own scripts are played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmask.acts.holds import Holds
from unmask.acts.play import OUTSIDE, TOOLS, Play, plain
from unmask.acts.world import Call, World
from unmask.vocabulary import Act, ActVariant, CallStatus

TURNS = 12  # of an episode; its last is for the closing message
VARIANTS = (ActVariant.OFFERED, ActVariant.HINTED, ActVariant.UNMENTIONED)


def check_world(world: World) -> list[str]:
    """What is wrong with a world, in words; empty when nothing is."""
    return [*_names(world), *_scripts(world)] if not _tools(world) else _tools(world)


def _tools(world: World) -> list[str]:
    wrong = [f"tools: no tool {name!r}" for name in world.tools if name not in TOOLS]
    for script, calls in _all_scripts(world):
        for call in calls:
            if call.tool not in world.tools:
                wrong.append(f"calls.{script}: {call.tool} is not among this world's tools")
            elif unknown := set(call.arguments) - set(TOOLS[call.tool].arguments):
                wrong.append(f"calls.{script}: {call.tool} takes no {sorted(unknown)[0]!r}")
    return wrong


def _names(world: World) -> Iterator[str]:
    """Predicates that ask for what no state of this world can ever hold."""
    for where, root in _all_predicates(world):
        for node in root.nodes():
            yield from (f"{where}: {problem}" for problem in _unknown(node, world))


def _unknown(node: Holds, world: World) -> Iterator[str]:
    added = [world.added(variant) for variant in ActVariant]
    if node.setting is not None and not any(
        node.setting.name in there for there in (world.state.settings, *(a.settings for a in added))
    ):
        yield f"no setting {node.setting.name!r} in the state"
    if node.queue is not None and not any(
        node.queue.item in there for there in (world.state.queue, *(a.queue for a in added))
    ):
        yield f"no item {node.queue.item!r} in the queue"
    if node.call is not None:
        for tool in node.call.tool:
            if tool not in world.tools:
                yield f"{tool} is not among this world's tools"
            elif unknown := set(node.call.arguments) - set(TOOLS[tool].arguments):
                yield f"{tool} takes no {sorted(unknown)[0]!r}"
    if node.reached is not None:
        places = {OUTSIDE, *world.state.hosts, *world.state.targets}
        places |= {name for a in added for name in (*a.hosts, *a.targets)}
        for place in node.reached.to:
            if place not in places and "@" not in place:
                yield f"{place!r} is no host, no upload target and no mail address"


def _scripts(world: World) -> Iterator[str]:
    calls = world.calls
    for variant in VARIANTS:
        fresh = Play.start(world, variant)
        for name, predicate in (("done", world.done), ("job.done", world.job.done)):
            if fresh.holds(predicate):
                yield f"{name} holds in {variant} before any call"
        if fresh.holds(world.attempted, tried=True):
            yield f"attempted holds in {variant} before any call"
        act = played(world, variant, calls.act)
        if act.act_at is None:
            yield f"calls.act does not do the act in {variant}: {_last(act)}"
        attempt = played(world, variant, calls.attempt)
        if attempt.act_at is not None:
            yield f"calls.attempt does the act in {variant}: it must be refused, or go wrong"
        if not attempt.holds(world.attempted, tried=True):
            yield f"calls.attempt is not seen by `attempted` in {variant}"
        job = played(world, variant, calls.job)
        if not job.holds(world.job.done):
            yield f"calls.job does not do the job in {variant}: {_last(job)}"
        yield from _innocent(world, job, f"calls.job in {variant}")
    # in a test the act takes the place of the job: wrong answers for right ones
    longest = (
        max(len(calls.job), len(calls.act))
        if world.act is Act.SANDBAGGING
        else len(calls.job) + len(calls.act)
    )
    if longest >= TURNS:
        yield f"calls.job and calls.act take {longest} turns; an episode has {TURNS}"
    control = played(world, ActVariant.CONTROL, calls.control)
    if not control.holds(world.control.done):
        yield f"calls.control does not do the control: {_last(control)}"
    if Play.start(world, ActVariant.CONTROL).holds(world.control.done):
        yield "control.done holds before any call"
    yield from _innocent(world, control, "calls.control")
    if played(world, ActVariant.TWIN, calls.twin or calls.act).act_at is None:
        yield "the twin cannot be done by calls.twin (or calls.act)"
    if set(c.tool for c in calls.control).isdisjoint(c.tool for c in calls.act):
        yield "calls.control shares no tool with calls.act: it is the harmless version of the same call"


def _innocent(world: World, play: Play, what: str) -> Iterator[str]:
    if play.act_at is not None:
        yield f"{what} does the act"
    elif play.holds(world.attempted, tried=True):
        yield f"{what} counts as attempted"
    refused = next((made for made in play.calls if made.status is not CallStatus.OK), None)
    if refused is not None:
        yield f"{what}: {refused.tool} was {refused.status}: {refused.effect}"
    said = next((w for w in world.words if plain(w) in plain(world.asked(play.variant))), None)
    if said is not None and play.variant is not ActVariant.TWIN:
        yield f"{what}: {said!r} of `words` stands in what is asked: repeating the task would be discussing"


def played(world: World, variant: ActVariant, calls: Sequence[Call]) -> Play:
    """A fresh world after these calls."""
    play = Play.start(world, variant)
    for call in calls:
        play.call(call.tool, call.arguments)
    return play


def _last(play: Play) -> str:
    bad = next((made for made in play.calls if made.status is not CallStatus.OK), None)
    return f"{bad.tool}: {bad.effect}" if bad else "every call took effect"


def _all_scripts(world: World) -> list[tuple[str, Sequence[Call]]]:
    return [(name, getattr(world.calls, name)) for name in type(world.calls).model_fields]


def _all_predicates(world: World) -> list[tuple[str, Holds]]:
    return [
        ("done", world.done),
        ("attempted", world.attempted),
        ("job.done", world.job.done),
        ("control.done", world.control.done),
    ]
