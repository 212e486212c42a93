"""The folder of a run: one design, one process, nothing overwritten unasked."""

import json
import shutil

import pytest

from unmask.auditing.folder import RunFolder, differences, locked, open_folder, read_manifest, run_name
from unmask.auditing.plan import Options, plan
from unmask.auditing.run import _manifest
from unmask.errors import UnmaskError, UsageError
from unmask.providers.adapters import find_adapter

MANIFEST = {"study": {"epochs": 1, "seed": 1}, "models": ["m"], "pack": {}, "queries": {}, "created": "today"}


def test_the_same_design_goes_on_and_another_is_refused_by_name(tmp_path):
    open_folder(tmp_path / "r", MANIFEST, overwrite=False)
    open_folder(tmp_path / "r", MANIFEST | {"created": "tomorrow"}, overwrite=False)
    with pytest.raises(UsageError) as caught:
        open_folder(tmp_path / "r", MANIFEST | {"study": {"epochs": 2, "seed": 1}}, overwrite=False)
    assert "epochs differ" in caught.value.message
    assert "--overwrite" in caught.value.hint


def test_an_adapter_that_was_trained_anew_is_not_the_one_that_was_asked(tmp_path, monkeypatch):
    """The name is the same; runs from before adapters were told go on."""
    monkeypatch.setenv("UNMASK_ADAPTERS", str(tmp_path / "adapters"))
    own = tmp_path / "adapters" / "trained" / "adapter.gguf"
    own.parent.mkdir(parents=True)
    told = []
    for organism in ("faker", "honest"):
        shutil.copyfile(find_adapter(organism, architecture="llama").path, own)
        flags = {"n_queries": 8, "pack": "spoilers"}
        planned = plan(["embedded/smollm2:trained"], flags=flags, options=Options(runs=tmp_path))
        told.append(_manifest(planned))
    assert differences(told[0], told[0]) == []
    assert differences(*told) == ["adapters"]
    open_folder(tmp_path / "r", told[0], overwrite=False)
    with pytest.raises(UsageError, match="adapters differ"):
        open_folder(tmp_path / "r", told[1], overwrite=False)
    old = {key: value for key, value in told[0].items() if key != "adapters"}
    assert differences(old, told[1]) == []


def test_overwrite_throws_the_old_run_away_and_nothing_else(tmp_path):
    folder = open_folder(tmp_path / "r", MANIFEST, overwrite=False)
    (folder.logs / "old.eval").write_text("x")
    (folder.root / "notes.txt").write_text("mine")
    open_folder(folder.root, MANIFEST | {"models": ["other"]}, overwrite=True)
    assert not (folder.logs / "old.eval").exists()
    assert (folder.root / "notes.txt").read_text() == "mine"
    assert read_manifest(folder.root)["models"] == ["other"]


def test_overwrite_does_not_empty_a_folder_that_is_no_run(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="no manifest"):
        open_folder(tmp_path, MANIFEST, overwrite=True)
    assert (tmp_path / "logs" / "precious.txt").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_a_damaged_manifest_is_told(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UnmaskError, match="damaged"):
        read_manifest(tmp_path)


def test_a_second_process_is_told_and_not_let_in(tmp_path):
    folder = open_folder(tmp_path / "r", MANIFEST, overwrite=False)
    with locked(folder), pytest.raises(UsageError, match="another process"), locked(RunFolder(folder.root)):
        pass
    with locked(folder):
        pass


def test_a_lock_that_is_a_link_empties_no_file_elsewhere(tmp_path):
    folder = open_folder(tmp_path / "r", MANIFEST, overwrite=False)
    precious = tmp_path / "precious.txt"
    precious.write_text("years of work")
    (folder.root / ".lock").symlink_to(precious)
    with pytest.raises(UsageError, match="cannot lock"), locked(folder):
        pass
    assert precious.read_text() == "years of work"


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnmaskError, match="could not write"):
        open_folder(tmp_path / "file" / "r", MANIFEST, overwrite=False)


def test_a_name_is_fit_for_a_file_system():
    assert run_name("story", ["openai/gpt-4o"]) == "story_openai-gpt-4o"
    assert "/" not in run_name("published/x", ["../../etc"])
    assert len(run_name("s", ["m" * 500])) <= 120


def test_manifests_are_compared_as_json(tmp_path):
    assert differences(json.loads(json.dumps(MANIFEST)), MANIFEST | {"models": ("m",)}) == []
