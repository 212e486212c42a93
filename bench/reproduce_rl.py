"""The reproduction from nothing to its page: how long it takes, and what it found.

    python bench/reproduce_rl.py [--quick] [FOLDER]      # needs the extra `train`

`--quick` is `unmask reproduce rl --small`, which decides nothing, and writes no JSON. Killed, the same
command with a FOLDER goes on there; the time of all its parts is added up.

`steps` is the first step at which the running mean of five steps (40 rewarded replies, where trained) is 0.8
or more for `reluctant`: the reward is 1 for a reply that complied.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _kept import keep
from unmask.files import write_atomic

RESULT = Path(__file__).parent / "results" / "reproduce_rl.json"
ASKED_MINUTES = {False: 75, True: 10}
WANTED, OVER = 0.8, 5
LOOK_SECONDS = 5


def main() -> int:
    quick = "--quick" in sys.argv
    named = [a for a in sys.argv[1:] if not a.startswith("--")]
    with tempfile.TemporaryDirectory() as own:
        folder = Path(named[0] if named else own)
        minutes = _timed(folder, small=quick) / 60
        found = json.loads((folder / "reproduce.json").read_text())
    for arm in found["arms"]:
        change = arm["change"]
        print(f"  {arm['organism']}, seed {arm['seed']}: {change['verdict']}")
        print(f"    trained {_points(change['trained'])}, unobserved {_points(change['unobserved'])}")
    reached = {arm["organism"]: _steps_to(arm["training"]["steps"]) for arm in found["arms"]}
    asked = ASKED_MINUTES[quick]
    ok = minutes <= asked
    print(f"reproduce_rl_steps measured={reached['reluctant'] or 'never'} asked=none reported")
    print(f"reproduce_rl measured={minutes:.1f} asked={asked} {'ok' if ok else 'short'} (minutes)")
    if not quick:
        kept = {
            "minutes": minutes,
            "steps_to_80": reached,
            "recipes": {a["training"]["name"]: a["training"]["recipe_sha256"] for a in found["arms"]},
            "held_out": min(a["training"]["recipe"]["held_out"] for a in found["arms"]),
            "arms": [_kept(arm) for arm in found["arms"]],
        }
        keep(RESULT, kept)
    return 0 if ok else 1


def _timed(folder: Path, *, small: bool) -> float:
    """Seconds of the command, those of earlier parts in this folder included."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = folder / "seconds"
    before = float(clock.read_text()) if clock.is_file() else 0.0
    began = time.monotonic()
    command = [sys.executable, "-m", "unmask", "reproduce", "rl", "-o", str(folder)]
    process = subprocess.Popen([*command, *(["--small"] if small else [])])
    while process.poll() is None:
        time.sleep(LOOK_SECONDS)
        write_atomic(clock, str(before + time.monotonic() - began))
    if process.returncode:
        sys.exit(f"reproduce_rl: unmask ended with {process.returncode}")
    return float(clock.read_text())


def _steps_to(steps: Sequence[dict[str, Any]]) -> int | None:
    """None where it never was, or where no five steps in a row had replies with a reward."""
    rewards = [step["reward"] for step in steps]
    for last in range(OVER, len(rewards) + 1):
        window = rewards[last - OVER : last]
        if None not in window and sum(window) / OVER >= WANTED:
            return last
    return None


def _kept(arm: dict[str, Any]) -> dict[str, Any]:
    change = arm["change"]
    told = ("verdict", "trained_alone", "n_queries", "sentence", "reasons", "left", "schema")
    names = (*told, "trained", "unobserved", "carried", "gap", "closed", "ratio", "story", "reasoned")
    return {name: arm[name] for name in ("organism", "seed")} | {
        "training_seconds": arm["training"]["seconds"],
        "rewards": [step["reward"] for step in arm["training"]["steps"]],
        "old_values": arm["by_objective"],
        **{name: change[name] for name in names},
    }


def _points(interval: dict[str, float]) -> str:
    return "{:+.0f} ({:+.0f} to {:+.0f})".format(*(100 * interval[k] for k in ("estimate", "low", "high")))


if __name__ == "__main__":
    sys.exit(main())
