"""What a run was made with: versions, the machine, the most memory that it took."""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def environment() -> dict[str, str]:
    """Versions and machine, and the peak memory of this process."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in ("unmask", "inspect-ai", "xllamacpp", "scipy", "numpy", "polars", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"cores": str(os.cpu_count()), "peak_memory_mb": str(peak_memory_mb())}


def peak_memory_mb() -> int:
    """Peak resident memory of this process, engines included, in MB (10^6 bytes).

    Without its children: ru_maxrss of a child begins with what its parent had when it started, so that one
    `git` in the middle of a run doubled the figure.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return round((_own_peak() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit) / 1e6)


def _own_peak() -> int | None:
    """From Linux's /proc, in bytes: ru_maxrss there begins with what the process that started us had."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    line = next((line for line in text.splitlines() if line.startswith("VmHWM:")), None)
    return int(line.split()[1]) * 1024 if line else None
