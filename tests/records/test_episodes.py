"""Logs of acts are read by the same rules as those of replies."""

from __future__ import annotations

import zipfile

import pytest

from unmask.errors import RecordsError
from unmask.records.episodes import read_episode_logs


def test_a_log_of_acts_that_unpacks_without_end_is_named_and_not_opened(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.eval", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("header.json", " " * 1_000_001)
    monkeypatch.setattr("unmask.records.logs.MAX_PART", 1_000_000)
    monkeypatch.setattr("unmask.records.logs.read_eval_log", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(RecordsError, match="unpacks to parts of more than 1,000,000 bytes"):
        read_episode_logs(tmp_path)
