"""The solver: one call for one sample, kept as it came."""

from unmask.elicit.solver import elicit, refuse_prefill, reply_seed, seed_of

__all__ = ["elicit", "refuse_prefill", "reply_seed", "seed_of"]
