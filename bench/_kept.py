"""What a full run leaves behind: when and where it was measured, and what was found."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.files import write_atomic


def keep(result: Path, found: dict[str, Any]) -> None:
    """Write `found` below date and machine, whole or not at all."""
    stamp = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count()},
    }
    write_atomic(result, json.dumps(stamp | found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
