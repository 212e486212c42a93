"""Counting votes with exact early stopping: no vote is asked once the verdict cannot change."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from unmask.vocabulary import JUDGE_VOTES

VOTES, THRESHOLD = JUDGE_VOTES, 0.6  # of a scratchpad: `af` when more than 0.6 of 20 votes say so


@dataclass(frozen=True)
class Tally:
    """Yes when more than `threshold` of all `n` votes say so. A lost vote says neither yes nor no."""

    n: int
    threshold: Fraction
    yes: int = 0
    no: int = 0
    lost: int = 0

    def count(self, vote: bool | None) -> Tally:
        """The tally with one vote more; None is a vote that was lost."""
        return Tally(
            self.n,
            self.threshold,
            self.yes + (vote is True),
            self.no + (vote is False),
            self.lost + (vote is None),
        )

    @property
    def verdict(self) -> bool | None:
        """The verdict of all n votes once it is certain, whichever way lost and open votes would go."""
        if self.yes >= self._needed:
            return True
        return False if self.n - self.no < self._needed else None

    @property
    def wave(self) -> int:
        """How many votes can be asked at once without a wasted one; 0 when nothing is left to ask.

        The fewest that could settle it: with 20 votes and a threshold of 0.6, first 8, since 8 times
        "no" settles it and 7 times cannot.
        """
        left = self.n - self.yes - self.no - self.lost
        if self.verdict is not None:
            return 0
        to_yes, to_no = self._needed - self.yes, self.n - self._needed + 1 - self.no
        return min(left, to_yes, to_no)

    @property
    def _needed(self) -> int:
        return int(self.threshold * self.n) + 1


def fewest_votes(n: int, threshold: float = THRESHOLD) -> int:
    """Votes after which a clear case is settled; what most scratchpads cost, since most are a clear "no"."""
    return new_tally(n, threshold).wave


def new_tally(n: int, threshold: float) -> Tally:
    """An empty tally. The threshold is read as the decimal that was written: 0.6 of 20 is 12, not 12.0…1."""
    return Tally(n, Fraction(str(threshold)))
