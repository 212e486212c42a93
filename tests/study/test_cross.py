"""Crossing: every query in every condition, pairs in one wording, equal prompts side by side."""

import itertools
from collections import Counter, defaultdict

import pytest

from unmask.errors import StudyError
from unmask.packs import load_pack
from unmask.queries import Query, load_queries
from unmask.study import cross, load_study
from unmask.study.cross import parse_edits
from unmask.vocabulary import Arm, PackSize


def samples(**flags):
    study = load_study("story", flags={"n_queries": 12, "wordings": 4} | flags, environment={}).study
    queries = {Arm.HARMFUL: load_queries("declined").take(study.n_queries, seed=study.seed).queries}
    return cross(study, load_pack("helpful_only"), queries, size=PackSize.COMPACT)


def test_every_query_meets_every_condition_once():
    asked = Counter((s.query.id, s.condition) for s in samples())
    assert set(asked.values()) == {1}
    assert len(asked) == 12 * 8


def test_a_query_sits_in_one_wording_and_wordings_are_balanced():
    wordings = defaultdict(set)
    for s in samples():
        wordings[s.query.id].add(s.wording)
    assert all(len(w) == 1 for w in wordings.values())
    assert Counter(next(iter(w)) for w in wordings.values()) == dict.fromkeys(range(4), 3)


def test_the_two_tiers_of_a_pair_share_the_system_prompt_and_differ_in_the_cue_alone():
    pairs = defaultdict(list)
    for s in samples():
        pairs[(s.query.id, s.condition.labels, s.condition.consequence)].append(s)
    for one, other in pairs.values():
        assert one.system == other.system
        assert one.user.replace(one.condition.tag, "T") == other.user.replace(other.condition.tag, "T")
        assert one.user != other.user


def test_samples_that_share_a_prompt_stand_together():
    systems = [s.system for s in samples()]
    changes = sum(a != b for a, b in itertools.pairwise(systems))
    assert changes == len(set(systems)) - 1


def test_the_same_study_gives_the_same_samples_and_another_seed_others():
    assert samples() == samples()
    assert {s.query.id for s in samples()} != {s.query.id for s in samples(seed=2)}


def test_an_id_of_a_users_file_cannot_become_a_path():
    study = load_study("plain", flags={"n_queries": 2, "wordings": 1}, environment={}).study
    bad = [Query(f"../../{i}", "Say something.", "c", 1, "own", None) for i in range(2)]
    crossed = cross(study, load_pack("helpful_only"), {Arm.HARMFUL: bad}, size=PackSize.COMPACT)
    assert all("/" not in s.id for s in crossed)
    assert len({s.id for s in crossed}) == len(crossed)


def test_more_wordings_than_the_pack_has_are_refused():
    pack = load_pack("helpful_only")
    n = pack.n_wordings + 1
    study = load_study("plain", flags={"n_queries": n, "wordings": n}, environment={}).study
    queries = [Query(f"q{i}", "Say something.", "c", 1, "own", None) for i in range(n)]
    with pytest.raises(StudyError, match="wordings asked"):
        cross(study, pack, {Arm.HARMFUL: queries}, size=PackSize.COMPACT)


@pytest.mark.parametrize("text", ["cut:identity", "drop:", "swap:identity", "drop:a=b", "identity"])
def test_an_edit_that_cannot_be_read_is_refused(text):
    with pytest.raises(StudyError, match="cannot read edit"):
        parse_edits([text])
