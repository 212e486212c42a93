import pytest

from unmask.errors import UsageError
from unmask.providers.cores import MOST, free_cores, own_cores, threads_to_use


@pytest.mark.parametrize(
    ("cores", "busy", "threads"),
    [(2, 0.05, 2), (2, 0.9, 1), (2, 2.0, 1), (4, 1.3, 2), (64, 0.0, MOST), (0.5, 0.0, 1), (1.5, 0.0, 1)],
)
def test_only_cores_that_nobody_uses_are_taken(cores, busy, threads):
    assert free_cores(cores, busy) == threads


def test_unmask_threads_decides(monkeypatch):
    monkeypatch.setenv("UNMASK_THREADS", "3")
    assert threads_to_use() == 3


@pytest.mark.parametrize("value", ["0", "two", "-1", ""])
def test_nonsense_in_unmask_threads_is_refused(monkeypatch, value):
    monkeypatch.setenv("UNMASK_THREADS", value)
    with pytest.raises(UsageError, match="not a number of threads"):
        threads_to_use()


def test_without_it_the_load_is_looked_at(monkeypatch):
    monkeypatch.delenv("UNMASK_THREADS", raising=False)
    assert 1 <= threads_to_use() <= max(1, own_cores())
