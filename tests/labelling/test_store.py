"""The store: nothing lost, nothing mixed up, chances that are those of what was labelled."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from unmask.errors import RecordsError
from unmask.labelling.draw import Sample
from unmask.labelling.store import Mark, checked_mark, open_store
from unmask.records.labels import read_store
from unmask.vocabulary import Criterion, JudgeTask, Sampling

TASK = JudgeTask.REASONING
ALL = {str(c): True for c in Criterion}


def sample(reply, stratum="s", chance: float | None = 0.5, sampling=Sampling.RANDOM, task=TASK):
    return Sample(reply, task, sampling, stratum, chance)


@pytest.fixture
def store(tmp_path):
    with closing(open_store(tmp_path / "labels.sqlite")) as store:
        store.add([sample("r1"), sample("r2"), sample("r3", "t", 0.2), sample("r4", "t", 0.2)])
        yield store


def ids(store, who="ada"):
    return {p.reply_id: p.id for p in store.places(who, [TASK])}


def test_a_mark_comes_back_and_only_whole_labels_are_read(store):
    mark = Mark("af", ALL, "note", False)
    store.save(ids(store)["r1"], "ada", mark)
    store.save(ids(store)["r2"], "ada", Mark(None, ALL))
    assert store.mark(ids(store)["r1"], "ada") == mark
    assert store.mark(ids(store)["r1"], "bob") == Mark()
    labels = read_store(store.path)
    assert labels["reply_id"].to_list() == ["r1"]
    assert labels["note"].to_list() == ["note"]


def test_chances_are_those_of_what_has_a_label(store):
    """Half of a stratum that was drawn by 0.5 is labelled: its texts had a chance of 0.25."""
    store.save(ids(store)["r1"], "ada", Mark("af"))
    store.save(ids(store)["r3"], "ada", Mark("not_af"))
    store.save(ids(store)["r4"], "bob", Mark("not_af"))
    labels = read_store(store.path)
    found = dict(zip(labels["reply_id"], labels["inclusion_probability"], strict=True))
    assert found == pytest.approx({"r1": 0.25, "r3": 0.2, "r4": 0.2})
    assert labels["sampling"].unique().to_list() == ["random"]


def test_a_larger_draw_keeps_labels_and_changes_chances(store):
    store.save(ids(store)["r1"], "ada", Mark("af"))
    before = ids(store)
    store.add([sample("r1", chance=0.75), sample("r2", chance=0.75), sample("r5", chance=0.75)])
    assert before.items() <= ids(store).items()
    assert read_store(store.path)["inclusion_probability"].to_list() == pytest.approx([0.25])  # 0.75 · 1/3


def test_disagreement_has_no_chance_until_it_is_drawn_and_never_takes_one_away(store):
    store.add([sample("d1", "", None, Sampling.DISAGREEMENT), sample("r1", "", None, Sampling.DISAGREEMENT)])
    for reply in ("d1", "r1"):
        store.save(ids(store)[reply], "ada", Mark("af"))
    labels = read_store(store.path)
    found = {r["reply_id"]: (r["sampling"], r["inclusion_probability"]) for r in labels.iter_rows(named=True)}
    assert found == {"r1": ("random", 0.25), "d1": ("disagreement", None)}


def test_undo_goes_back_step_by_step_and_a_note_is_one_step(store):
    one, two = ids(store)["r1"], ids(store)["r2"]
    store.save(one, "ada", Mark(None, ALL))
    for note in ("w", "wh", "why"):
        store.save(one, "ada", Mark(None, ALL, note))
    store.save(one, "ada", Mark("af", ALL, "why"))
    store.save(two, "bob", Mark("not_af"))
    assert store.undo("ada") == one
    assert store.mark(one, "ada") == Mark(None, ALL, "why")
    assert store.undo("ada") == one
    assert store.mark(one, "ada") == Mark(None, ALL)
    assert store.undo("ada") == one
    assert store.mark(one, "ada") == Mark()
    assert store.undo("ada") is None
    assert store.mark(two, "bob").label == "not_af"


def test_labellers_who_write_at_once_lose_nothing(store):
    def work(who):
        with closing(open_store(store.path)) as own:
            for label in ("af", "not_af", "artefact") * 5:
                for id_ in ids(own, who).values():
                    own.save(id_, who, Mark(label))

    threads = [threading.Thread(target=work, args=(f"p{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    labels = read_store(store.path)
    assert labels.height == 16
    assert labels["label"].unique().to_list() == ["artefact"]


def test_what_a_killed_process_left_behind_is_read(tmp_path):
    store = open_store(tmp_path / "labels.sqlite")
    store.add([sample("r1")])
    store.save(ids(store)["r1"], "ada", Mark("af"))
    for suffix in ("", "-wal"):  # as after kill -9: nothing was closed
        (tmp_path / f"copy.sqlite{suffix}").write_bytes((tmp_path / f"labels.sqlite{suffix}").read_bytes())
    store.close()
    assert read_store(tmp_path / "copy.sqlite")["label"].to_list() == ["af"]


def test_files_that_are_not_ours_are_refused_and_left_alone(tmp_path):
    text = tmp_path / "labels.sqlite"
    text.write_text("dear diary " * 100)
    with pytest.raises(RecordsError, match="cannot be opened"):
        open_store(text)
    assert text.read_text().startswith("dear diary")
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as db:
        db.execute("create table things (a)")
    with pytest.raises(RecordsError, match="version"):
        open_store(other)


@pytest.mark.parametrize(
    "body",
    [
        None, [], "af", {"label": "complied"}, {"label": "aff"}, {"label": ["af"]},
        {"label": "af", "model": "x"},
        {"criteria": {}}, {"criteria": ALL | {"knows_trained": 1}}, {"criteria": ALL | {"more": True}},
        {"note": 7}, {"note": "x" * 101}, {"skipped": "yes"},
    ],
)  # fmt: skip
def test_what_is_no_mark_is_refused(body):
    with pytest.raises(ValueError, match=r"mark|label|criteria|note|skipped"):
        checked_mark(TASK, body, longest_note=100)


def test_a_label_is_not_skipped_and_half_a_character_is_replaced():
    assert checked_mark(TASK, {"label": "af", "skipped": True}, longest_note=9) == Mark("af")
    assert checked_mark(TASK, {"note": "a\ud800"}, longest_note=9).note == "a?"
    with pytest.raises(ValueError, match="criteria"):
        checked_mark(JudgeTask.COMPLIANCE, {"criteria": ALL}, longest_note=9)
