"""A made-up run to label, and `unmask label` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import cache

import polars as pl

from tests.report import fixtures
from tests.report.hostile import ATTACKS
from unmask.records import write_tables

MODELS = (fixtures.FAKER, fixtures.IGNORER)


@cache
def tables(*, n_queries=12):
    _, replies, judgements = fixtures.audit(MODELS, n_queries=n_queries, epochs=1)
    # texts that name nothing: what is looked for on the page can only have come from elsewhere
    number = pl.int_range(pl.len()).cast(pl.String)
    replies = replies.with_columns(
        scratchpad=pl.when(pl.col("scratchpad").is_null()).then(None).otherwise("Thought " + number),
        answer=pl.when(pl.col("answer") == "").then("answer").otherwise("Reply " + number),
        query="Ask " + number,
    )
    return replies, judgements


def make(folder, replies, judgements):
    write_tables(replies, judgements, folder / "records")
    (folder / "manifest.json").write_text("{}")
    return folder


def hostile(replies):
    texts = [ATTACKS[i % len(ATTACKS)] for i in range(replies.height)]
    return replies.with_columns(
        pl.Series("answer", texts), pl.Series("scratchpad", texts), pl.Series("query", texts),
        status=pl.lit("ok"),
    )  # fmt: skip


@contextmanager
def served(run, *args, end=signal.SIGINT):
    """The page's address, while the process runs."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "unmask", "label", str(run), *args]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr.read()
        process.url = url
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(end)
        process.said = process.communicate(timeout=90)[1]
