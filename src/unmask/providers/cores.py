"""How many threads the engine may have: its threads wait for each other by spinning.

Two threads on two cores of which one is busy gave 4 to 16 tokens a second; one thread gave 26 to 33.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from unmask.errors import UsageError

ENVIRONMENT = "UNMASK_THREADS"
LOOK_SECONDS = 0.3  # long enough to see a busy neighbour, short beside the 0.5 s of loading
MOST = 8  # a model of this size gains nothing from more


def threads_to_use() -> int:
    """UNMASK_THREADS if set, else the cores that nobody uses right now, at least one.

    Raises:
        UsageError: UNMASK_THREADS is not a whole number above 0.
    """
    asked = os.environ.get(ENVIRONMENT)
    if asked is None:
        return free_cores(own_cores(), busy_elsewhere())
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"{ENVIRONMENT}={asked!r} is not a number of threads", hint=f"{ENVIRONMENT}=1")
    return int(asked)


def free_cores(cores: float, busy: float) -> int:
    """Whole cores left; a quarter of a core of background noise does not take one away."""
    return max(1, min(MOST, int(cores - busy + 0.25)))


def own_cores() -> float:
    """Cores that this process may use: physical, in its affinity, within its container's quota."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores: float = min(usable, psutil.cpu_count(logical=False) or usable)
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, period = quota.read_text().split()
        if limit != "max":
            cores = min(cores, int(limit) / int(period))
    return cores


def busy_elsewhere() -> float:
    """Cores that other processes keep busy, measured now."""
    before = _own_seconds()
    share = float(psutil.cpu_percent(LOOK_SECONDS)) / 100
    mine = (_own_seconds() - before) / LOOK_SECONDS
    return max(0.0, share * (os.cpu_count() or 1) - mine)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system
