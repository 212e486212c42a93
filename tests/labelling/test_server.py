"""Who may ask, and what is refused: nothing is stored of a request that does not fit."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from starlette.testclient import TestClient

from tests.labelling import runs
from unmask.errors import UsageError
from unmask.labelling import desk_of, fill, labeller_name, open_store
from unmask.labelling.server import MAX_BODY, application, listen
from unmask.records.labels import read_store
from unmask.vocabulary import JudgeTask

PORT = 8123
TASKS = (JudgeTask.COMPLIANCE, JudgeTask.REASONING)
JSON = {"content-type": "application/json"}


@pytest.fixture
def desk(tmp_path):
    replies, judgements = runs.tables(n_queries=3)
    with closing(open_store(tmp_path / "labels.sqlite")) as store:
        fill(store, replies, judgements, TASKS, n=4, by_disagreement=False, seed=1)
        yield desk_of(store, replies, "ada", TASKS)


@pytest.fixture
def client(desk):
    return TestClient(application(desk, port=PORT), base_url=f"http://127.0.0.1:{PORT}")


def first(desk, task=JudgeTask.COMPLIANCE):
    return next(p.id for p in desk.places() if p.task is task)


@pytest.mark.parametrize(
    "path", ["", "/", "/queue", "/wrong/queue", "/{half}/queue", "/{token}x/", "//queue"]
)
def test_without_the_token_there_is_nothing(desk, client, path):
    reply = client.get(path.format(token=desk.token, half=desk.token[:10]))
    assert reply.status_code == 404
    assert reply.json() == {"error": "not found"}


@pytest.mark.parametrize("host", ["evil.invalid", f"evil.invalid:{PORT}", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_that_an_outsider_points_here_is_refused(desk, client, host):
    assert client.get(f"/{desk.token}/queue", headers={"host": host}).status_code == 403
    assert client.get(f"/{desk.token}/queue", headers={"host": f"localhost:{PORT}"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON, 200),
        (JSON | {"origin": f"http://127.0.0.1:{PORT}"}, 200),
        (JSON | {"origin": "http://evil.invalid"}, 403),
        (JSON | {"origin": "null"}, 403),
        ({"content-type": "text/plain"}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 403),
    ],
)
def test_only_the_page_itself_may_post(desk, client, headers, status):
    url = f"/{desk.token}/mark/{first(desk)}"
    assert client.post(url, content='{"label": "refused"}', headers=headers).status_code == status
    assert (read_store(desk.store.path) is not None) is (status == 200)


@pytest.mark.parametrize(
    ("id_", "content", "status"),
    [
        ("0123456789abcdef", '{"label": "refused"}', 404),
        ("..%2f..%2fqueue", '{"label": "refused"}', 404),
        (None, '{"label": "af"}', 400),
        (None, '{"label": "refused"', 400),
        (None, "[" * 50_000, 400),
        (None, b"\xff\xfe", 400),
        (None, '{"note": "' + "x" * 20_000 + '"}', 400),
        (None, '{"note": "' + "x" * MAX_BODY + '"}', 413),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_stored(desk, client, id_, content, status):
    reply = client.post(f"/{desk.token}/mark/{id_ or first(desk)}", content=content, headers=JSON)
    assert reply.status_code == status
    assert status == 404 or "error" in reply.json()
    assert read_store(desk.store.path) is None


def test_every_answer_carries_the_policy(desk, client):
    for path in ("", "page.js", "page.css", "queue", "nothing", f"text/{first(desk)}"):
        headers = client.get(f"/{desk.token}/{path}").headers
        if path == "nothing":
            continue
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"


def test_a_scratchpad_is_shown_without_its_query(desk, client):
    thought = first(desk, JudgeTask.REASONING)
    assert client.get(f"/{desk.token}/query/{thought}").status_code == 404
    told = client.get(f"/{desk.token}/text/{thought}").json()
    assert set(told) == {"id", "task", "text", "mark"}
    assert json.dumps(told).count("Reply") == 0


def test_the_same_call_goes_on_and_a_larger_one_adds(desk):
    replies, judgements = runs.tables(n_queries=3)
    call = {"tasks": TASKS, "by_disagreement": False, "seed": 99}
    before = [p.id for p in desk.places()]
    assert fill(desk.store, replies, judgements, n=None, **call) == []
    assert [p.id for p in desk.places()] == before
    assert fill(desk.store, replies, judgements, n=2, **call) == []
    assert len(fill(desk.store, replies, judgements, n=6, **call)) == 2
    larger = [p.id for p in desk_of(desk.store, replies, "bob", TASKS).places()]
    assert set(before) < set(larger)
    assert len(larger) == 12


def test_a_run_without_texts_or_with_other_texts_is_a_message(desk, tmp_path):
    replies, judgements = runs.tables(n_queries=3)
    call = {"tasks": [JudgeTask.REASONING], "n": 5, "by_disagreement": False, "seed": 1}
    with closing(open_store(tmp_path / "empty.sqlite")) as store:
        blank = replies.with_columns(scratchpad=None).cast({"scratchpad": str})
        with pytest.raises(UsageError, match="no scratchpads to label"):
            fill(store, blank, judgements, **call)
    with pytest.raises(UsageError, match="other replies"):
        desk_of(desk.store, replies.clear(), "ada", TASKS)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "x" * 61])
def test_a_name_that_does_not_print_is_refused(name):
    with pytest.raises(UsageError, match="labeller"):
        labeller_name(name)


def test_a_port_in_use_is_a_message():
    with listen(0) as one:
        one.listen()
        with pytest.raises(UsageError, match="in use"):
            listen(one.getsockname()[1])
