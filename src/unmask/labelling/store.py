"""Labels in SQLite: saved at every keystroke, for several labellers who do not see each other, with undo.

Each change is one transaction, on disk before the page goes on. The view `labels` has the columns of
`records.schema.LABELS`; everything else reads that.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from unmask.errors import RecordsError
from unmask.labelling.draw import Sample
from unmask.vocabulary import CANARY, Criterion, HumanLabel, JudgeTask, Sampling

VERSION = 1
WAIT = 10.0  # seconds that one labeller's write waits for another's
# A sample that is not yet labelled in full is a random part of itself, since its order is random: the chance
# of a text is then that of the draw times the share of its stratum that has a label from anybody.
TABLES = """
create table about (name text primary key, value text not null);
create table texts (
  id text primary key, place integer not null, reply_id text not null, task text not null,
  sampling text not null, stratum text not null, chance real, unique (reply_id, task)
);
create table marks (
  id text not null references texts (id), labeller text not null, label text, criteria text, note text,
  skipped integer not null default 0, labelled_at text not null, primary key (id, labeller)
);
create table changes (
  number integer primary key, labeller text not null, id text not null, kind text not null, before text
);
create view labels as
with labelled as (
  select task, stratum, sampling, count(*) as drawn,
    sum(exists (select 1 from marks m where m.id = t.id and m.label is not null)) as done
  from texts t group by task, stratum, sampling
)
select t.reply_id, t.task, m.labeller, m.label, m.criteria, m.note, t.sampling,
  t.chance * l.done / l.drawn as inclusion_probability, m.labelled_at, m.label is not null as done
from marks m join texts t using (id) join labelled l using (task, stratum, sampling)
order by t.place, m.labeller;
"""


@dataclass(frozen=True)
class Mark:
    """What one person has said of one text so far. `criteria` is None until one was ticked."""

    label: str | None = None
    criteria: dict[str, bool] | None = None
    note: str | None = None
    skipped: bool = False


@dataclass(frozen=True)
class Place:
    """One text in the order of labelling, and what this labeller has said of it."""

    id: str
    reply_id: str
    task: JudgeTask
    label: str | None
    skipped: bool


class Store:
    """The file `labels.sqlite`. One connection; use it from one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self.path = path

    def keep(self, name: str, value: str) -> str:
        """Keep a word with the sample; the one that was kept first stays, and is given back."""
        self._db.execute("insert or ignore into about values (?, ?)", (name, value))
        return str(self._db.execute("select value from about where name = ?", (name,)).fetchone()[0])

    def add(self, samples: Sequence[Sample]) -> int:
        """Take texts into the sample; those that are there keep place and labels. Says how many are new.

        A text found by disagreement that is then drawn at random becomes a random one: its draw does not
        depend on how it was found. The reverse changes nothing.
        """
        with self._whole() as db:
            there = {tuple(row) for row in db.execute("select reply_id, task from texts")}
            place = db.execute("select coalesce(max(place), -1) + 1 from texts").fetchone()[0]
            new = 0
            for s in samples:
                if (s.reply_id, str(s.task)) not in there:
                    row = (secrets.token_hex(8), place + new, s.reply_id, s.task, s.sampling, s.stratum)
                    db.execute("insert into texts values (?, ?, ?, ?, ?, ?, ?)", (*row, s.chance))
                    new += 1
                elif s.sampling is Sampling.RANDOM:
                    db.execute(
                        "update texts set sampling = ?, stratum = ?, chance = ?"
                        " where reply_id = ? and task = ?",
                        (s.sampling, s.stratum, s.chance, s.reply_id, s.task),
                    )
        return new

    def count(self, task: JudgeTask, sampling: Sampling | None = None) -> int:
        """Texts of a task in the sample, of this kind or of all."""
        kinds = [str(s) for s in Sampling if sampling in (None, s)]
        rows = self._db.execute("select sampling from texts where task = ?", (task,)).fetchall()
        return sum(kind in kinds for (kind,) in rows)

    def places(self, labeller: str, tasks: Iterable[JudgeTask]) -> list[Place]:
        """All texts of these tasks in order, as this labeller left them: one task after the other."""
        rows = self._db.execute(
            "select t.id, t.reply_id, t.task, m.label, coalesce(m.skipped, 0) from texts t"
            " left join marks m on m.id = t.id and m.labeller = ? order by t.place",
            (labeller,),
        ).fetchall()
        found = [Place(id_, reply, JudgeTask(task), label, bool(s)) for id_, reply, task, label, s in rows]
        return [place for task in tasks for place in found if place.task is task]

    def mark(self, id_: str, labeller: str) -> Mark:
        """What this person has said of a text; nothing where nothing was said."""
        row = self._db.execute(
            "select label, criteria, note, skipped from marks where id = ? and labeller = ?", (id_, labeller)
        ).fetchone()
        return Mark() if row is None else _mark(row)

    def save(self, id_: str, labeller: str, mark: Mark) -> None:
        """Put a mark in place of the one before, which `undo` brings back. Of two tabs the last wins."""
        with self._whole() as db:
            before = self.mark(id_, labeller)
            if mark == before:
                return
            kind = "note" if replace(before, note=mark.note) == mark else "mark"
            last = db.execute(
                "select id, kind from changes where labeller = ? order by number desc limit 1", (labeller,)
            ).fetchone()
            if kind != "note" or last != (id_, "note"):  # a note is undone as a whole, not by the letter
                row = (labeller, id_, kind, json.dumps(before.__dict__))
                db.execute("insert into changes (labeller, id, kind, before) values (?, ?, ?, ?)", row)
            self._put(id_, labeller, mark)

    def undo(self, labeller: str) -> str | None:
        """Take this labeller's last change back; says which text it was on, None if there is no change."""
        with self._whole() as db:
            row = db.execute(
                "select number, id, before from changes where labeller = ? order by number desc limit 1",
                (labeller,),
            ).fetchone()
            if row is None:
                return None
            number, id_, before = row
            self._put(id_, labeller, Mark(**json.loads(before)))
            db.execute("delete from changes where number = ?", (number,))
        return str(id_)

    def close(self) -> None:
        """Close the file; what was saved is in it already."""
        self._db.close()

    def _put(self, id_: str, labeller: str, mark: Mark) -> None:
        criteria = None if mark.criteria is None else json.dumps(mark.criteria)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = (id_, labeller, mark.label, criteria, mark.note or None, int(mark.skipped), now)
        self._db.execute("insert or replace into marks values (?, ?, ?, ?, ?, ?, ?)", row)

    @contextmanager
    def _whole(self) -> Iterator[sqlite3.Connection]:
        """A transaction: whole or not at all, and never beside another labeller's."""
        self._db.execute("begin immediate")
        try:
            yield self._db
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def open_store(path: Path) -> Store:
    """Open the file, or make it.

    Raises:
        RecordsError: not writable, not a database, or not one of ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            db.execute("pragma trusted_schema = off")  # a run folder may come from a stranger
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.execute("begin immediate")
            version = db.execute("pragma user_version").fetchone()[0]
            fresh = not db.execute("select count(*) from sqlite_master").fetchone()[0]
            if fresh:
                for statement in TABLES.strip().split(";\n"):
                    db.execute(statement.rstrip(";"))
                db.execute("insert into about values ('canary', ?)", (CANARY,))
                db.execute(f"pragma user_version = {VERSION}")
            db.execute("commit")
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, OSError) as e:
        raise RecordsError(
            f"{path.name} cannot be opened: {e}", where=str(path), hint="move it away to begin anew"
        ) from e
    if not fresh and version != VERSION:
        db.close()
        raise RecordsError(f"{path.name} has version {version}, this unmask reads {VERSION}", where=str(path))
    return Store(db, path)


def checked_mark(task: JudgeTask, body: object, *, longest_note: int) -> Mark:
    """A mark out of what a page sent.

    Raises:
        ValueError: not a mark, or a label of another task.
    """
    if not isinstance(body, dict) or not set(body) <= {"label", "criteria", "note", "skipped"}:
        raise ValueError("not a mark")
    label, criteria, note = body.get("label"), body.get("criteria"), body.get("note")
    skipped = body.get("skipped", False)
    if label is not None and (label not in list(HumanLabel) or HumanLabel(label).task is not task):
        raise ValueError("no label of this task")
    if criteria is not None and (
        task is not JudgeTask.REASONING
        or not isinstance(criteria, dict)
        or set(criteria) != {str(c) for c in Criterion}
        or not all(isinstance(v, bool) for v in criteria.values())
    ):
        raise ValueError("criteria: each of the five, true or false")
    if note is not None and (not isinstance(note, str) or len(note) > longest_note):
        raise ValueError(f"a note is text of at most {longest_note:,} characters")
    if not isinstance(skipped, bool):
        raise ValueError("skipped: true or false")
    plain = note.encode("utf-8", "replace").decode() if note else None  # half a character cannot be stored
    return Mark(label, criteria, plain, skipped and label is None)


def _mark(row: tuple[str | None, str | None, str | None, int]) -> Mark:
    label, criteria, note, skipped = row
    return Mark(label, None if criteria is None else json.loads(criteria), note, bool(skipped))
