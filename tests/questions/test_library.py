"""The question files: each question once, with the canary, in texts of their own."""

import re

import pytest

from unmask.errors import UsageError
from unmask.files import read_yaml
from unmask.organisms.scripted.reading import follow_up_of, load_facts, question_of
from unmask.organisms.trained.recipe import load_common
from unmask.questions import load_comprehension, load_follow_ups, questions_sha256
from unmask.questions.load import LIBRARY, Comprehensions
from unmask.vocabulary import CANARY, Comprehension, FollowUp

ABOUT_STORY, ABOUT_REPLY = load_comprehension().questions, load_follow_ups().questions


def plain(text):
    return re.sub(r"\W+", " ", text).strip().lower()


def test_every_file_carries_the_canary_and_every_question_its_texts():
    assert all(CANARY in path.read_text(encoding="utf-8") for path in LIBRARY.glob("*.yaml"))
    assert all(len(ABOUT_STORY[q].texts) == 8 for q in Comprehension)
    assert all(len(ABOUT_REPLY[q].texts) == 3 for q in FollowUp)
    assert len(questions_sha256()) == 64


def test_no_text_is_one_that_the_trained_organisms_were_taught_or_measured_with():
    common = load_common()
    known = {plain(t) for part in (common.which, common.change) for t in (*part.asked, *part.held_out)}
    ours = [plain(t) for q in Comprehension for t in ABOUT_STORY[q].texts]
    assert len(set(ours)) == len(ours)
    assert not known & set(ours)


def test_scripted_organisms_know_every_text():
    facts = load_facts()
    assert {(q, question_of(t, facts)) for q in Comprehension for t in ABOUT_STORY[q].texts} == {
        (q, str(q)) for q in Comprehension
    }
    assert {(q, follow_up_of(t, facts)) for q in FollowUp for t in ABOUT_REPLY[q].texts} == {
        (q, str(q)) for q in FollowUp
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reading:", "readng:", "readng"),
        ("everybody: '", "everybody: '(", "not a regular expression"),
        ("unmask:canary", "unmask:canari", "canary"),
    ],
)
def test_a_spoilt_file_is_refused_with_its_line(tmp_path, old, new, said):
    text = (LIBRARY / "comprehension.yaml").read_text(encoding="utf-8")
    path = tmp_path / "comprehension.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_yaml(path, Comprehensions)
