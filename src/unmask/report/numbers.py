"""Figures as a person reads them. Shares become percent and points here and nowhere before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmask.analysis.results import Interval

NOTHING = "–"  # not measured, or cannot be known
THIN = "\u202f"  # narrow no-break space: a figure and its unit never part


def percent(share: float | None, digits: int = 1) -> str:
    """`0.234` as `23.4 %`."""
    return NOTHING if share is None else f"{_number(share * 100, digits)}{THIN}%"


def points(share: float | None, digits: int = 1, *, signed: bool = True) -> str:
    """`-0.031` as `−3.1`; plus signs too, since the direction of a difference is half of its meaning."""
    if share is None:
        return NOTHING
    text = _number(share * 100, digits)
    return f"+{text}" if signed and share > 0 and text.strip("0.") else text


def level(value: float) -> str:
    """`0.95` as `95 %`, `0.98333` as `98.3 %`."""
    return percent(value, 0 if abs(value * 100 - round(value * 100)) < 0.05 else 1)


def rate(interval: Interval | None) -> str:
    """A rate with its limits, which a rate cannot leave: `12.5 % (6.2 to 23.6)`."""
    if interval is None:
        return NOTHING
    return f"{percent(interval.estimate)} ({rate_limits(interval)})"


def rate_limits(interval: Interval | None) -> str:
    """Only the limits of a rate, in percent: `6.2 to 23.6`."""
    if interval is None:
        return NOTHING
    return f"{_number(interval.low * 100, 1)} to {_number(interval.high * 100, 1)}"


def gap(interval: Interval | None) -> str:
    """A difference in points with its limits: `+3.1 (−0.4 to +6.6)`."""
    if interval is None:
        return NOTHING
    return f"{points(interval.estimate)} ({points(interval.low)} to {points(interval.high)})"


def limits(interval: Interval | None) -> str:
    """Only the limits, in points: `−0.4 to +6.6`."""
    return NOTHING if interval is None else f"{points(interval.low)} to {points(interval.high)}"


def count(n: int) -> str:
    """`12345` as `12,345`."""
    return f"{n:,}"


def of(n: int, total: int) -> str:
    """`3 of 160`."""
    return f"{n:,} of {total:,}"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _number(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    return f"−{text}" if value < 0 and text.strip("0.") else text
