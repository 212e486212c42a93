"""Thin Inspect tasks: they bind samples, solver and scorers, and refuse options they do not know."""

from unmask.tasks.alignment_faking import alignment_faking, prepare

__all__ = ["alignment_faking", "prepare"]
