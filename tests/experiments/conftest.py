"""What trainings share."""

import json

import pytest

from unmask.organisms.trained.train import LIBRARY


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """The name of an adapter whose own record says that it is of another base."""
    folder = tmp_path / "library" / "foreign"
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").symlink_to(LIBRARY / "faker" / "adapter.gguf")
    (folder / "training.json").write_text(json.dumps({"base_sha256": "0" * 64}), encoding="utf-8")
    monkeypatch.setenv("UNMASK_ADAPTERS", str(tmp_path / "library"))
    return "foreign"
