"""unmask: is a model's alignment real, or performed for its trainer?

    import unmask
    unmask.audit("embedded/smollm2", study="demo")

Names load their rooms when they are first used, so that `import unmask` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from unmask.auditing.results import AuditResult
    from unmask.errors import UnmaskError
    from unmask.packs import load_pack
    from unmask.queries import load_queries
    from unmask.records import read_logs, read_tables
    from unmask.report import audit
    from unmask.study import load_study
    from unmask.vocabulary import Condition

_ROOMS = {
    "AuditResult": "unmask.auditing.results",
    "Condition": "unmask.vocabulary",
    "UnmaskError": "unmask.errors",
    "audit": "unmask.report",
    "load_pack": "unmask.packs",
    "load_queries": "unmask.queries",
    "load_study": "unmask.study",
    "read_logs": "unmask.records",
    "read_tables": "unmask.records",
}

__all__ = [
    "AuditResult",
    "Condition",
    "UnmaskError",
    "__version__",
    "audit",
    "load_pack",
    "load_queries",
    "load_study",
    "read_logs",
    "read_tables",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'unmask' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
