"""`unmask selftest` as a figure: everything it asks, and 10,000 verdicts within 40 s on two cores.

Writes bench/results/selftest.json with machine and date; `--quick` for development writes nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from unmask.files import write_atomic
from unmask.selftest import run_selftest
from unmask.selftest.suite import SECONDS_ASKED
from unmask.selftest.words import in_words, stamped

RESULT = Path(__file__).parent / "results" / "selftest.json"


def main() -> int:
    quick = "--quick" in sys.argv
    found = run_selftest(quick=quick, say=lambda text: print(text, file=sys.stderr))
    print(in_words(found), end="")
    if not quick:
        write_atomic(RESULT, json.dumps(stamped(found), indent=1, ensure_ascii=False) + "\n")
    return 0 if found.holds and found.speed.seconds_for_10_000 <= SECONDS_ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
