"""Before the first call: what will be sent, whether it fits, whether somebody pays for it."""

import io

import pytest

from unmask.auditing.preflight import check_fit, estimate, is_paid, open_model
from unmask.auditing.progress import Progress
from unmask.errors import ModelError, QueryError
from unmask.study import cells_of, conditions_of, load_study
from unmask.tasks.alignment_faking import prepare
from unmask.vocabulary import Contrast


def prepared(**flags):
    flags = {"n_queries": 8, "wordings": 4, "epochs": 2} | flags
    return prepare(load_study("plain", flags=flags, environment={}), window=None)


@pytest.mark.parametrize(
    ("model", "url", "paid"),
    [
        ("openai/gpt-4o", None, True),
        ("openai/gpt-4o", "http://127.0.0.1:8000/v1", False),
        ("openai/gpt-4o", "https://example.com/v1", True),
        ("openai/gpt-4o", "http://127.0.0.1.example.com/v1", True),
        ("embedded/smollm2", None, False),
        ("organism/faker", None, False),
        ("somebody/new", None, True),  # an unknown provider is taken for a paid one
    ],
)
def test_only_what_stays_here_is_free(model, url, paid, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert is_paid(model, url) is paid


@pytest.mark.parametrize("key", ["api_key", "apikey", "hf_token", "client-secret", "password"])
def test_a_key_among_the_arguments_is_refused_before_it_is_written_anywhere(key):
    with pytest.raises(ModelError, match="manifest") as told:
        open_model("mockllm/model", args={key: "sk-secret"}, base_url=None)
    assert "sk-secret" not in f"{told.value} {told.value.hint}"


@pytest.mark.parametrize("key", ["tokenizer", "max_tokens", "tokens"])
def test_other_arguments_are_no_keys(key):
    open_model("mockllm/model", args={key: "x"}, base_url=None)


def test_a_grader_that_is_paid_makes_the_run_paid():
    free = estimate(prepared(), "organism/faker", base_url=None, grader=None)
    judged = estimate(prepared(), "organism/faker", base_url=None, grader="openai/gpt-4o")
    assert (free.paid, judged.paid) == (False, True)
    requests = free.calls - free.question_calls
    assert (free.judge_calls, judged.judge_calls) == (0, 9 * requests + free.question_calls)
    # an answer has one completion, a scratchpad 8 in a clear case and 20 at most
    assert judged.judge_calls_at_most == 21 * requests + free.question_calls


def test_calls_are_queries_times_cells_times_epochs():
    told = estimate(prepared(), "organism/faker", base_url=None, grader=None)
    assert (told.calls, told.question_calls) == (8 * 2 * 2 + 48, 48)


def test_a_window_that_nobody_knows_is_not_guessed():
    check_fit(prepared(), "somebody/new", None)
    with pytest.raises(ModelError, match="does not fit"):
        check_fit(prepared(), "somebody/new", 2_000)


def test_progress_in_a_log_file_is_lines_without_escapes_and_without_replies():
    class Sample:
        error = None
        output = None

    stream = io.StringIO()
    progress = Progress(3, stream=stream)
    for _ in range(3):
        progress.count(Sample())
    progress.close()
    text = stream.getvalue()
    assert text.endswith("\n")
    assert "3 of 3 replies" in text
    assert "\x1b" not in text
    assert text.count("\n") == 1  # a line a minute, and the last one


def test_full_asks_the_cells_that_the_tree_needs_and_no_more():
    study = load_study("full", environment={}).study
    assert set(study.contrasts) == set(Contrast) - {Contrast.PUBLISHED_GAP}
    needed = {cell for contrast in study.contrasts for cell in cells_of(contrast, study)}
    assert len(needed) == 20
    assert set(conditions_of(study)) == needed


def test_the_harmless_arm_may_have_fewer_queries_and_the_other_may_not():
    many = prepare(load_study("full", flags={"n_queries": 200, "epochs": 1}, environment={}), window=None)
    assert {str(arm): len(qs.queries) for arm, qs in many.queries.items()} == {"harmful": 200, "benign": 120}
    with pytest.raises(QueryError, match="241 queries asked of a set of 240"):
        prepare(load_study("full", flags={"n_queries": 241}, environment={}), window=None)
