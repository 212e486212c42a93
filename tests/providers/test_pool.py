"""Engines side by side: who takes which request, what a wait costs nobody, and the same replies as of one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from unmask.providers.engine import CancelledReplyError, Engine
from unmask.providers.model_file import smollm2_path
from unmask.providers.pool import Pool


class Slow:
    """An engine that writes what it is told to and says when it is done; no thread of its own."""

    def __init__(self, log):
        self.log, self.held, self.adapters = log, threading.Event(), []
        self.closed_ = False

    def add(self, adapter):
        self.adapters.append(adapter)

    def chat(self, request, *, adapter=None, cancelled=None):
        self.log.append((self, request["messages"][0]["content"]))
        assert self.held.wait(10)
        if request.get("fails"):
            raise RuntimeError("no reply")
        return request["messages"][-1]["content"]

    def close(self):
        self.closed_ = True
        self.held.set()


def request(system, user="?", **more):
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}], **more}


def wait_for(true, seconds=5):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def two():
    log, made = [], []

    def make():
        made.append(Slow(log))
        return made[-1]

    return Pool(make, lambda: 2), made, log


def test_requests_that_begin_alike_go_to_one_engine_and_none_is_idle(two):
    pool, made, log = two
    with ThreadPoolExecutor(8) as threads:
        asked = []
        for system in ("a", "a", "a", "b", "b", "b"):
            asked.append(threads.submit(pool.chat, request(system)))
            wait_for(lambda: len(log) + len(pool._line) == len(asked))
        assert [system for _, system in log] == ["a", "a"]  # the second engine had nothing else to do then
        made[0].held.set()  # the first goes on alone: what it has read, then what nobody has
        wait_for(lambda: len(log) == 6)
        assert [system for _, system in log[2:]] == ["a", "b", "b", "b"]
        made[1].held.set()
    assert all(one.done() for one in asked)


def test_a_change_of_beginning_is_taken_by_the_engine_that_has_ended_its_own(two):
    pool, made, log = two
    with ThreadPoolExecutor(8) as threads:
        for system in ("a", "b", "a", "b", "c"):
            threads.submit(pool.chat, request(system))
            wait_for(lambda: len(log) + len(pool._line) > 0)
            time.sleep(0.02)
        made[1].held.set()
        wait_for(lambda: len(log) == 5)
        told = [(made.index(engine), system) for engine, system in log]
        assert told == [(0, "a"), (1, "b"), (1, "b"), (1, "c"), (1, "a")]  # another's last, before it is idle
        made[0].held.set()


def test_a_request_that_fails_or_is_left_frees_its_engine(two):
    pool, made, _ = two
    for engine_ready in range(3):
        for one in made:
            one.held.set()
        if engine_ready == 0:
            with ThreadPoolExecutor(1) as threads:
                failing = threads.submit(pool.chat, request("a", fails=True))
                wait_for(lambda: bool(made))
                for one in made:
                    one.held.set()
                with pytest.raises(RuntimeError, match="no reply"):
                    failing.result()
        else:
            assert pool.chat(request("a", str(engine_ready))) == str(engine_ready)


def test_whoever_waits_for_a_cancelled_reply_is_let_go_without_an_engine(two):
    pool, made, log = two
    left = threading.Event()
    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(pool.chat, request(s)) for s in "ab"]
        wait_for(lambda: len(log) == 2)
        waiting = threads.submit(pool.chat, request("c"), cancelled=left)
        wait_for(lambda: len(pool._line) == 1)
        left.set()
        with pytest.raises(CancelledReplyError):
            waiting.result(timeout=5)
        for one in made:
            one.held.set()
        assert [r.result(timeout=5) for r in running] == ["?", "?"]
    assert (len(log), len(pool._idle)) == (2, 2)


def test_closing_ends_all_that_wait_and_it_never_opens_again(two):
    pool, made, log = two
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(pool.chat, request(s)) for s in "abc"]
        wait_for(lambda: len(log) == 2)
        pool.close()
        ended = [one.exception(timeout=5) for one in asked]
    assert sum(isinstance(e, CancelledReplyError) for e in ended) == 1
    assert all(one.closed_ for one in made)
    with pytest.raises(CancelledReplyError):
        pool.chat(request("a"))


def test_an_adapter_reaches_engines_made_before_and_after(two):
    pool, made, _ = two
    pool.add("one")
    assert len(pool.engines) == 2
    pool.add("two")
    assert [one.adapters for one in made] == [["one", "two"]] * 2


@pytest.mark.engine
def test_two_engines_write_what_one_writes():
    def make():
        return Engine(smollm2_path(), slots=1, window=512, threads=1)

    asked = [
        request(f"You are {who}.", f"Name a {what}.", max_tokens=10, temperature=0.0, seed=1)
        for who in ("a baker", "a sailor")
        for what in ("colour", "bird", "fruit", "town")
    ]
    texts = []
    for n in (1, 2):
        pool = Pool(make, lambda n=n: n)
        try:
            with ThreadPoolExecutor(4) as threads:
                texts.append([done.text for done in threads.map(pool.chat, asked)])
            assert pool.count(asked[0]["messages"]) > len(pool.tokenize("Name a colour."))
        finally:
            pool.close()
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 4
