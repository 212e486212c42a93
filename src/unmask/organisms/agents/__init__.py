"""Agents that act in the simulated worlds by a script, so that what they did is known: `agent/thief` …"""

from unmask.organisms.agents.scripts import agent_names, deeds_of

__all__ = ["agent_names", "deeds_of"]
