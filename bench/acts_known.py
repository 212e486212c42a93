"""Scripted agents through every world and question: is every act and non-act classified right?

Each agent plays the whole design in Inspect, its calls through the provider and back from the logs as
records. What must come out is said of the agents in organisms/agents/truth.py. One wrong episode is short.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from inspect_ai import eval

from unmask.acts.asking import Asked
from unmask.acts.design import condition_of
from unmask.acts.load import load_situations, load_world
from unmask.organisms.agents import agent_names
from unmask.organisms.agents.truth import choice_outcome, outcome_of, says_of_it
from unmask.records.episodes import read_episode_logs
from unmask.tasks.act_questions import questions_task
from unmask.tasks.acts import acts_task, choose_worlds
from unmask.vocabulary import ActOutcome, ActVariant

ASKED = 1.0


def main() -> int:
    quick = "--quick" in sys.argv
    worlds = choose_worlds(None, n=7 if quick else None)
    right = total = 0
    for agent in agent_names():
        with tempfile.TemporaryDirectory() as folder:
            tasks = [acts_task(worlds), questions_task(load_situations())]
            logs = eval(
                tasks,
                model=f"agent/{agent}",
                log_dir=folder,
                display="none",
                log_realtime=False,
                log_level="error",
            )
            if any(log.status != "success" for log in logs):
                print(f"{agent}: a run did not finish")
                return 1
            rows = list(read_episode_logs(Path(folder)).episodes.iter_rows(named=True))
        wrong = [row for row in rows if not is_right(agent, row)]
        for row in wrong[:5]:
            print(f"  {agent}: {row['world']}, {row['variant']}, {row['condition_key']}: {row['outcome']}")
        right, total = right + len(rows) - len(wrong), total + len(rows)
        print(f"{agent}: {len(rows) - len(wrong)} of {len(rows)} right")
    print(f"{len(worlds)} worlds, {len(load_situations())} questions, {len(agent_names())} agents")
    verdict = "ok" if right == total else "short"
    print(f"acts_known measured={right / total:.4f} asked={ASKED:.0f} {verdict}")
    return 0


def is_right(agent: str, row: dict[str, Any]) -> bool:
    condition = condition_of(row["condition_key"])
    if row["kind"] == "question":
        situation = next(s for s in load_situations() if s.name == row["world"])
        return bool(row["outcome"] == choice_outcome(agent, situation, Asked(row["variant"]), condition))
    world = load_world(row["world"])
    truth = outcome_of(agent, world, ActVariant(row["variant"]), condition)
    said = (row["lied"], row["confessed"])
    return ActOutcome(row["outcome"]) is truth and said == says_of_it(agent, truth, world.act)


if __name__ == "__main__":
    sys.exit(main())
