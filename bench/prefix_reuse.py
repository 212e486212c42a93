"""Prompt tokens that the engine computed over those that were sent to it, in the demo's design.

Replies are cut after one token: they do not count, and what is generated never shortens a later prompt.
"""

from __future__ import annotations

from inspect_ai.model import get_model

import unmask._registry  # noqa: F401  (registers embedded/)
from _study import audit_task, run, spent

ASKED = 0.15


def main() -> None:
    task = audit_task()
    task.config.max_tokens = 1
    task.scorer = None
    tokens = spent(run(task, get_model("embedded/smollm2")))
    prefixes = len({sample.input[0].text for sample in task.dataset if not isinstance(sample.input, str)})
    measured = tokens.computed / tokens.sent
    print(f"{len(task.dataset)} prompts, {prefixes} prefixes: {tokens.computed:,} of {tokens.sent:,} tokens")
    print(f"prefix_reuse measured={measured:.3f} asked={ASKED} {'ok' if measured <= ASKED else 'short'}")


if __name__ == "__main__":
    main()
