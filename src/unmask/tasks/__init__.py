"""Thin Inspect tasks: they bind samples, solver and scorers, and refuse options they do not know."""

from unmask.tasks.alignment_faking import alignment_faking, prepare
from unmask.tasks.questions import comprehension

__all__ = ["alignment_faking", "comprehension", "prepare"]
