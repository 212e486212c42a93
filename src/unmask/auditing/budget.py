"""Budgets of a whole run, in dollars and in tokens: all models, judges included, over all its restarts.

A run with a budget asks block by block: one request in all its cells, in an order drawn by the seed. A block
is begun only where the dearest it can be still fits: the budget holds, and what was asked is asked whole.
The task then ends as an error in Inspect's log, which is what lets the same command go on from there.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage
from inspect_ai.util import EarlyStop, EarlyStopping

from unmask.auditing.preflight import CHARS_PER_TOKEN
from unmask.auditing.spending import Sampled, Spending, being_asked, under_study
from unmask.errors import UnmaskError
from unmask.judges.grader import MAX_TOKENS as JUDGE_TOKENS
from unmask.judges.grader import prompt_parts
from unmask.judges.votes import VOTES
from unmask.vocabulary import JudgeTask, ReplyKind

SEEN = 24  # calls after which the dearest one seen, with room, stands for the dearest there can be
ROOM = 1.25
Amount = tuple[float, float]  # tokens, dollars


class BudgetReached(UnmaskError):  # noqa: N818 - no fault of anybody's
    """The budget is spent: what was answered is kept, the same command with a larger budget goes on."""


@dataclass(frozen=True)
class Limits:
    """What a run may spend; None is no limit. Dollars, and tokens of prompts and replies."""

    cost: float | None = None
    tokens: int | None = None

    @property
    def any(self) -> bool:
        return self.cost is not None or self.tokens is not None

    @property
    def amount(self) -> Amount:
        """Tokens and dollars, without limit where none was said."""
        unlimited = float("inf")
        return (
            unlimited if self.tokens is None else float(self.tokens),
            unlimited if self.cost is None else self.cost,
        )

    @property
    def words(self) -> str:
        """`2.50 US dollars`, `40,000 tokens`."""
        said = [f"{self.cost:,.2f} US dollars"] if self.cost is not None else []
        said += [f"{self.tokens:,} tokens"] if self.tokens is not None else []
        return " and ".join(said)


@dataclass
class Budget:
    """The gate that all samples of a run pass. Counts what is spent, and what is under way at its dearest.

    shares: what each model is expected to need, so that the first does not eat what the last one is due.
    """

    limits: Limits
    spending: Spending
    grader: str | None
    shares: Mapping[str, Amount] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    _begun: set[tuple[str, str, int]] = field(default_factory=set)
    _under_way: dict[Sampled, Amount] = field(default_factory=dict)
    _wake: anyio.Event | None = None

    @property
    def spent_words(self) -> str:
        """What was spent, in the units of the limits."""
        said = [f"{self.spending.cost:,.2f} US dollars"] if self.limits.cost is not None else []
        said += [f"{self.spending.tokens:,} tokens"] if self.limits.tokens is not None else []
        return " and ".join(said)

    def admits(self, model: str, block: str, epoch: int, size: int, each: Amount) -> bool:
        """Whether a sample may be asked: its block is begun already, or still fits whole."""
        key = (model, block, epoch)
        if key in self._begun:
            return True
        if model in self.full:
            return False
        spent, due = self._spent(), self._due_to_others(model)
        fits = all(spent[i] + size * each[i] <= limit - due[i] for i, limit in enumerate(self.limits.amount))
        if fits:
            self._begun.add(key)
        return fits

    async def changed(self) -> bool:
        """Wait until a sample under way costs less than it might have; False where none is under way.

        Those under way hold their places in Inspect's queue and end by themselves: nobody waits for ever.
        """
        if not self._under_way:
            return False
        if self._wake is None:
            self._wake = anyio.Event()
        await self._wake.wait()
        return True

    def _tell(self) -> None:
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    def begin(self, sample: Sampled, each: Amount) -> None:
        """A sample is under way, and may cost this much."""
        self._under_way[sample] = each

    def paid(self, sample: Sampled, tokens: float, cost: float) -> None:
        """One of its calls is in the spending now, and no longer to come."""
        if sample in self._under_way:
            left = self._under_way[sample]
            self._under_way[sample] = max(0.0, left[0] - tokens), max(0.0, left[1] - cost)
            self._tell()

    def end(self, sample: Sampled) -> None:
        """A sample is done."""
        self._under_way.pop(sample, None)
        self._tell()

    def _spent(self) -> Amount:
        waiting = self._under_way.values()
        return (
            self.spending.tokens + sum(a[0] for a in waiting),
            self.spending.cost + sum(a[1] for a in waiting),
        )

    def _due_to_others(self, model: str) -> Amount:
        """What the other models may still claim: an equal share each, or less where they need less."""
        due = [0.0, 0.0]
        for other, need in self.shares.items():
            if other == model or other in self.full | self.done:
                continue
            spent = self.spending.by_study[other]
            for i, limit in enumerate(self.limits.amount):
                if limit != float("inf"):
                    due[i] += max(0.0, min(limit / len(self.shares), need[i]) - spent[i])
        return due[0], due[1]

    def dearest(self, model: str, at_most: Amount, judge_calls: int) -> Amount:
        """The most that one sample may cost: what was seen with room to spare, or else what is possible."""
        s = self.spending
        known = s.calls[model, model] >= SEEN
        if self.grader and judge_calls:
            known &= s.calls[model, self.grader] >= SEEN
        if not known:
            return at_most
        own = s.largest[model, model]
        judge = s.largest[model, self.grader] if self.grader else (0, 0.0)
        seen = [ROOM * (own[i] + judge_calls * judge[i]) for i in (0, 1)]
        return min(seen[0], at_most[0]), min(seen[1], at_most[1])


class Gate:
    """Stands before every sample of one task; another early stopping may stand behind it."""

    def __init__(self, budget: Budget, task: Task, inner: EarlyStopping | None) -> None:
        self.budget, self.inner = budget, inner
        self.blocks = {str(s.id): block_of(s) for s in task.dataset}
        self.sizes = Counter(self.blocks.values())
        self.judge_calls = judge_calls_of(task) if budget.grader else 0
        self.at_most = at_most(task, self.judge_calls)
        self.refused: dict[str, int] = {}
        self.last = task.name != str(ReplyKind.COMPREHENSION)  # follow-ups are few, and fit what is left

    async def start_task(self, task: Any, samples: list[Sample], epochs: int) -> str:
        under_study.set(task.model)  # the samples' own tasks are started from here, and inherit it
        self.refused[task.model] = 0
        if self.inner is not None:
            return await self.inner.start_task(task, samples, epochs)
        return "unmask budget"

    async def schedule_sample(self, id: str | int, epoch: int) -> EarlyStop | None:
        if self.inner is not None and (stop := await self.inner.schedule_sample(id, epoch)) is not None:
            return stop
        model, block = under_study.get(), self.blocks[str(id)]
        while True:
            each = self.budget.dearest(model, self._priced(model), self.judge_calls)
            if self.budget.admits(model, block, epoch, self.sizes[block], each):
                being_asked.set((model, str(id), epoch))  # in the sample's own task: its calls will know it
                self.budget.begin((model, str(id), epoch), each)
                return None
            if model in self.budget.full or not await self.budget.changed():
                break
        self.budget.full.add(model)
        self.refused[model] += 1
        return EarlyStop(id=id, epoch=epoch, reason="the run's budget is spent")

    async def complete_sample(self, id: str | int, epoch: int, scores: Any) -> None:
        if self.inner is not None:
            await self.inner.complete_sample(id, epoch, scores)

    async def complete_task(self) -> dict[str, Any]:
        told = await self.inner.complete_task() if self.inner is not None else {}
        refused = self.refused[under_study.get()]
        if refused:  # an error, since Inspect takes a log that ends well for all that was wanted
            raise BudgetReached(f"{refused:,} samples were not asked: the run's budget is spent")
        if self.last:
            self.budget.done.add(under_study.get())
        return told

    def _priced(self, model: str) -> Amount:
        """Tokens and dollars of one sample, at most."""
        tokens_in, tokens_out, judge_in, judge_out = self.at_most
        prices, urls = self.budget.spending.prices, self.budget.spending.base_urls
        own = prices.of(model, base_url=urls.get(model))
        cost = own.tokens(tokens_in, tokens_out) if own else 0.0
        if self.budget.grader and self.judge_calls:
            judge = prices.of(self.budget.grader)
            cost += judge.tokens(judge_in, judge_out) if judge else 0.0
        return tokens_in + tokens_out + judge_in + judge_out, cost


def judge_calls_of(task: Task) -> int:
    """Completions of the grader for one sample, at most: one a scorer, and the votes on a scratchpad."""
    scorers = len(task.scorer or [])
    if scorers < 2:  # questions, and studies without a scratchpad
        return scorers
    study = (task.metadata or {}).get("unmask", {}).get("study", {})
    return scorers - 1 + int(study.get("judge_votes", {}).get("value", VOTES))


def at_most(task: Task, judge_calls: int) -> tuple[float, float, float, float]:
    """Tokens of a task's dearest sample: prompt, reply, and its judges' prompts and replies."""
    longest = max((sum(len(t) for t in _texts(s)) for s in task.dataset), default=0)
    reply = float(task.config.max_tokens or JUDGE_TOKENS)
    asks = max(
        sum(len(part) for part in prompt_parts(t)) for t in (JudgeTask.COMPLIANCE, JudgeTask.REASONING)
    )
    judge_in = judge_calls * (asks / CHARS_PER_TOKEN + reply)
    return longest / CHARS_PER_TOKEN + 16, reply, judge_in, float(judge_calls * JUDGE_TOKENS)


def _texts(sample: Sample) -> list[str]:
    if isinstance(sample.input, str):
        return [sample.input]
    messages: list[ChatMessage] = sample.input
    return [m.text for m in messages]


def block_of(sample: Sample) -> str:
    """What is asked whole or not at all: one request in all its cells. A question stands for itself."""
    told = sample.metadata or {}
    if "question" in told or "query_id" not in told:
        return str(sample.id)
    return f"{told.get('condition', {}).get('arm', '')}/{told['query_id']}"


def gated(task: Task, budget: Budget, *, seed: int) -> Task:
    """The task with the gate before it, its requests block after block in an order drawn by the seed.

    An early stopping that is there already has its own order, which stays.
    """
    inner = task.early_stopping
    if inner is None:
        samples = list(task.dataset)
        blocks = sorted({block_of(s) for s in samples})
        random.Random(f"blocks {seed}").shuffle(blocks)
        place = {block: i for i, block in enumerate(blocks)}
        samples.sort(key=lambda s: place[block_of(s)])  # stable: cells of a block keep their order
        task.dataset = MemoryDataset(samples, name=task.dataset.name)
    task.early_stopping = Gate(budget, task, inner)
    return task
