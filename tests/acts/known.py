"""What scripted agents do, as the events of an episode, without Inspect."""

from __future__ import annotations

from unmask.acts.episode import Event
from unmask.organisms.agents.scripts import Scene, calls_of, says_when_asked, thought_of


def events_of(name, world, variant, condition):
    scene = Scene(world, variant, condition)
    events = []
    for turn, call in enumerate(calls_of(name, scene), start=1):
        events.append(Event(turn, "scratchpad", thought_of(name, scene)))
        events.append(Event(turn, "call", tool=call.tool, arguments=dict(call.arguments)))
    events.append(Event(len(events) + 1, "scratchpad", thought_of(name, scene)))
    events.append(Event(len(events) + 1, "answer", says_when_asked(name, scene)))
    return events
