"""What several rooms' tests share: one engine for the whole session, on one thread."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from unmask.providers.engine import Engine
    from unmask.providers.pool import Pool

os.environ.setdefault("UNMASK_THREADS", "1")  # tests are rarely alone on a machine
if "PYTEST_XDIST_WORKER" in os.environ:  # a cache of its own: the one that began it has named one already
    del os.environ["UNMASK_CACHE"]
os.environ.setdefault("UNMASK_CACHE", tempfile.mkdtemp(prefix="unmask-tests-"))
settings.register_profile(
    "shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")  # a busy machine is no failed test


@pytest.fixture(scope="session")
def engine() -> Iterator[Pool | Engine]:
    """The embedded model's engine; `embedded/smollm2` in Inspect is served by the same one."""
    from unmask.providers.embedded import DEFAULT_SLOTS, DEFAULT_WINDOW
    from unmask.providers.model_file import smollm2_path
    from unmask.providers.pool import close_all, shared

    yield shared(smollm2_path(), slots=DEFAULT_SLOTS, window=DEFAULT_WINDOW)
    close_all()


@pytest.fixture(autouse=True)
def no_kept_models(monkeypatch):
    """Inspect keeps a model, its key and its address for the process: the next test's server has another."""
    monkeypatch.setattr("inspect_ai.model._model._models", {})


@pytest.fixture(scope="module")
def browser():
    from tests.chromium import ARGS, CHROMIUM, playwright

    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()
