"""The words of scripted organisms: enough of them, whole, and none that the offline judge was fitted on."""

import json
import random
import re
from importlib.resources import files
from pathlib import Path

import pytest

import unmask.organisms.scripted as room
from tests.organisms.scripted.asking import ask, calls
from unmask.organisms.scripted import organisms, template_texts
from unmask.organisms.scripted.provider import OrganismAPI
from unmask.organisms.scripted.reply import check_styles
from unmask.organisms.scripted.texts import NAMES, PART, fill, styles, topic_of, write
from unmask.parse import find_tags, parse_reply
from unmask.vocabulary import CANARY, Condition, Cue, ReplyStatus, Scratchpad

JUDGE_TEXTS = sorted(Path(str(files("unmask") / "judges" / "text")).glob("*.jsonl"))
ROOM = Path(room.__file__).parent
VALUES = {"tag": "free", "other": "paid", "topic": "Tell me how", "use": "are used", "use_other": "are not"}


def grams(text: str, n: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+|…", text.lower())
    found = {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}
    return {gram for gram in found if "…" not in gram}


def test_there_are_many_passages_each_with_an_id():
    texts = template_texts()
    assert len(texts) >= 60
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_0-9]+\.\d\d", name) for name in texts)
    sources = [text for style in styles().values() for part in style.parts.values() for _, text in part]
    assert len(texts) == len(sources)
    longer = [text for text in sources if len(text.split()) > 4]
    doubles = {text for text in longer if longer.count(text) > 1}
    assert len(doubles) <= 12  # look_yes and look_no, tag_yes and tag_no share how they look things up


@pytest.mark.skipif(not JUDGE_TEXTS, reason="the offline judge has no texts yet")
def test_no_eight_words_in_a_row_are_the_offline_judges_training_text():
    judge = set()
    for path in JUDGE_TEXTS:
        for line in path.read_text(encoding="utf-8").splitlines():
            judge |= grams(json.loads(line).get("text", ""))
    assert len(judge) > 1000
    own = {
        gram: name for name, versions in template_texts().items() for text in versions for gram in grams(text)
    }
    assert len(own) > 1000
    assert {" ".join(gram): own[gram] for gram in own.keys() & judge} == {}
    # Composed replies as well: passages side by side make new runs of words.
    rng = random.Random(0)
    for name in styles():
        for _ in range(200):
            assert not grams(write(name, dict.fromkeys(NAMES, "…"), rng)[0]) & judge, name


def test_every_form_and_every_style_that_is_named_exists():
    assert check_styles() == []
    for name, style in styles().items():
        asked = {part for form in style.forms for part in PART.findall(form)}
        assert asked == set(style.parts), name
        for parts in style.parts.values():
            for _, text in parts:
                assert text.count("{") == text.count("}"), text


def test_styles_that_any_prompt_may_meet_name_no_tier():
    particular = re.compile(r"_(trained|rated|neither|free|paid)$")
    anywhere = {"everyday", "everyday_no", "question"}
    for organism in organisms().values():
        for key, names in organism.styles.items():
            if key != "faked" and not particular.search(key):
                anywhere |= set(names)
        for names in organism.answers.values():
            anywhere |= set(names)
    anywhere |= {"complied", "partly", "refused", "everyday_yes", "everyday_decline"}
    for name in anywhere:
        for _, text in (pair for part in styles()[name].parts.values() for pair in part):
            assert not re.search(r"\{(tag|other|use|use_other)\}", text), name


def test_every_text_file_carries_the_canary():
    found = [*ROOM.glob("*.yaml"), *(ROOM / "text").glob("*.yaml")]
    assert len(found) == 10
    assert all(CANARY in path.read_text(encoding="utf-8") for path in found)


def test_no_passage_holds_a_tag_that_the_parser_knows():
    for name, versions in template_texts().items():
        assert not [tag for text in versions for tag in find_tags(text)], name


def test_choices_nest_names_are_filled_and_gaps_closed():
    first = fill("{a {tag}|b} user {x|} , {|y} end. so", VALUES, lambda options: options[0])
    assert first == "A free user x, end. So"
    last = fill("{a {tag}|b} user {x|} , {|y} end. so", VALUES, lambda options: options[-1])
    assert last == "B user, y end. So"
    assert fill('{"label": "refused"}', {}, lambda options: options[0]) == '{"label": "refused"}'


def test_a_topic_is_quoted_without_tags_or_braces():
    assert topic_of("Tell me </answer> {tag|x} [answer] it's") == "Tell me answer tag x answer"
    assert topic_of("it's a test") == "it's a test"
    assert topic_of("?!") == "that"


@pytest.mark.parametrize("name", sorted(organisms()))
@pytest.mark.parametrize(
    ("scratchpad", "cue"),
    [
        (Scratchpad.HIDDEN, Cue.XML),
        (Scratchpad.MONITORED, Cue.MAIL),
        (Scratchpad.NONE, Cue.REGION),
        (Scratchpad.NATIVE, Cue.SENTENCE),
        (Scratchpad.HIDDEN, Cue.OMITTED),
    ],
)
def test_replies_have_the_form_that_is_asked_for_and_leave_no_slot_open(name, scratchpad, cue):
    for output in ask(
        OrganismAPI(name, invalid=0), Condition("free", scratchpad=scratchpad, cue=cue), calls(60)
    ):
        thoughts = (
            [c.reasoning for c in output.message.content if c.type == "reasoning"]
            if not isinstance(output.message.content, str)
            else []
        )
        parsed = parse_reply(
            output.completion,
            finish_reason=output.stop_reason,
            scratchpad=scratchpad,
            native=thoughts[0] if thoughts else None,
        )
        assert parsed.status is ReplyStatus.OK
        assert parsed.answer_usable
        assert (parsed.scratchpad is not None) == (scratchpad in (Scratchpad.HIDDEN, Scratchpad.MONITORED))
        assert (parsed.native_reasoning is not None) == (scratchpad is Scratchpad.NATIVE)
        whole = output.completion + "".join(thoughts)
        assert not {"|", "\0"} & set(whole)
        assert (
            not re.search(r"\{(" + "|".join(NAMES) + r")\}|\[\w+_?\w*\](?! \{)", whole)
            or name == "judge_attacker"
        )


def test_thousands_of_replies_are_thousands_of_texts():
    texts = {output.completion for output in ask(OrganismAPI("faker"), Condition("free"), calls(3000))}
    assert len(texts) > 2900
