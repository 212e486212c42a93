"""The solver: one call for one sample, kept as it came."""

from unmask.elicit.solver import elicit, reply_seed

__all__ = ["elicit", "reply_seed"]
