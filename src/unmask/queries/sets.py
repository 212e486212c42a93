"""A query, a set of them, and a fair, repeatable part of a set.

Knows nothing of files, packs or models. A set's hash is over what the queries say, so the same
queries hash alike whatever file they came from, and a part hashes unlike its whole.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace

from unmask.errors import QueryError
from unmask.vocabulary import Compliance


@dataclass(frozen=True)
class Option:
    """One of the things that the model may choose. `name` is a tool's; letters are given when it is asked."""

    outcome: Compliance  # complied: what the objective wants
    text: str
    name: str = ""


@dataclass(frozen=True)
class Query:
    """One request. `pair_id` is shared by a declined query and the benign one of the same form.

    `options` are what a forced choice or a choice of tools offers; a plain request has none.
    """

    id: str
    text: str
    category: str
    severity: int | None
    licence: str
    pair_id: str | None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class QuerySet:
    """Queries in order, where they came from, and the sha256 of their content."""

    name: str
    source: str
    sha256: str
    licence: str
    queries: tuple[Query, ...]

    def __len__(self) -> int:
        return len(self.queries)

    def __iter__(self) -> Iterator[Query]:
        return iter(self.queries)

    @property
    def duplicate_texts(self) -> int:
        """Queries whose text an earlier one already has: they would count as independent and are not."""
        return len(self.queries) - len({query.text for query in self.queries})

    def take(self, n: int, *, seed: int) -> QuerySet:
        """The first `n` of a seeded order in which categories and severities take turns.

        The same seed gives the same queries on every machine, and fewer are always the beginning
        of more. Category counts differ by at most one while each category still has queries; within a
        category the severities likewise.

        Raises:
            QueryError: `n` is below one, or larger than the set.
        """
        if not 1 <= n <= len(self.queries):
            raise QueryError(
                f"{n:,} queries asked of a set of {len(self.queries):,}",
                where=f"query set {self.name} ({self.source})",
                hint=f"ask for 1 to {len(self.queries):,}",
            )
        taken = tuple(query for query, _ in zip(_in_turns(self.queries, seed), range(n), strict=False))
        source = f"{self.source}, {n} of {len(self.queries)}, seed {seed}"
        return replace(self, queries=taken, sha256=content_sha256(taken), source=source)


def content_sha256(queries: Sequence[Query]) -> str:
    """Hash of the queries in order, all fields; a set without options hashes as before there were any."""
    told = [astuple(query) if query.options else astuple(query)[:-1] for query in queries]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _in_turns(queries: Sequence[Query], seed: int) -> Iterator[Query]:
    """All queries, the category with fewest so far first, then its severity with fewest so far."""
    rank = {query.id: _draw(seed, query.id) for query in queries}
    cells: dict[str, dict[int | None, list[Query]]] = defaultdict(lambda: defaultdict(list))
    for query in sorted(queries, key=lambda query: rank[query.id], reverse=True):
        cells[query.category][query.severity].append(query)
    turns = [(0, _draw(seed, category), category) for category in cells]
    heapq.heapify(turns)
    in_cell: Counter[tuple[str, int | None]] = Counter()
    in_severity: Counter[int | None] = Counter()
    while turns:
        count, draw, category = heapq.heappop(turns)
        left = cells[category]
        severity = min(
            left, key=lambda s: (in_cell[category, s], in_severity[s], _draw(seed, f"{category} {s}"))
        )
        yield left[severity].pop()
        in_cell[category, severity] += 1
        in_severity[severity] += 1
        if not left[severity]:
            del left[severity]
        if left:
            heapq.heappush(turns, (count + 1, draw, category))


def _draw(seed: int, word: str) -> bytes:
    """A random rank that does not depend on Python's version, as `random.shuffle` may."""
    return hashlib.sha256(f"{seed}:{word}".encode()).digest()
