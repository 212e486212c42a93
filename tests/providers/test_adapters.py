import pytest

from tests.providers.make_gguf import write_adapter, write_gguf
from unmask.errors import ModelError
from unmask.providers.adapters import find_adapter, list_adapters


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_ADAPTERS", str(tmp_path))
    write_adapter(tmp_path / "faker" / "adapter.gguf", seed=1)
    write_adapter(tmp_path / "honest.gguf", seed=2)
    return tmp_path


def test_adapters_are_found_as_folders_and_as_files(folder):
    assert {"faker", "honest"} <= set(list_adapters())
    assert find_adapter("faker", architecture="llama").path == folder / "faker" / "adapter.gguf"
    assert find_adapter("honest", architecture="llama").path == folder / "honest.gguf"


def test_the_first_folder_wins(folder, tmp_path_factory, monkeypatch):
    second = tmp_path_factory.mktemp("second")
    write_adapter(second / "faker.gguf", seed=3)
    monkeypatch.setenv("UNMASK_ADAPTERS", f"{folder}:{second}")
    assert find_adapter("faker", architecture="llama").path.is_relative_to(folder)


def test_an_unknown_adapter_names_those_that_are_there(folder):
    with pytest.raises(ModelError, match=r"there are: .*faker.*honest") as caught:
        find_adapter("fakir", architecture="llama")
    assert "did you mean faker?" in (caught.value.hint or "")


def test_an_adapter_for_another_base_is_refused(folder):
    write_adapter(folder / "wrong.gguf", seed=4, architecture="qwen2")
    with pytest.raises(ModelError, match="trained for qwen2, this model is llama"):
        find_adapter("wrong", architecture="llama")


def test_a_model_and_a_torn_file_are_no_adapters(folder):
    write_gguf(folder / "model.gguf", {"general.architecture": "llama"})
    with pytest.raises(ModelError, match="is a model, not a LoRA adapter"):
        find_adapter("model", architecture="llama")
    whole = (folder / "honest.gguf").read_bytes()
    (folder / "torn.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cut off"):
        find_adapter("torn", architecture="llama")


@pytest.mark.parametrize("alpha", [16, "16", ["16"], None])
def test_an_alpha_that_would_end_the_process_is_refused(folder, alpha):
    metadata = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    metadata |= {} if alpha is None else {"adapter.lora.alpha": alpha}
    write_gguf(folder / "odd.gguf", metadata)
    with pytest.raises(ModelError, match=r"adapter\.lora\.alpha is missing or no FLOAT32"):
        find_adapter("odd", architecture="llama")


def test_an_adapter_written_anew_is_another_adapter(folder):
    before = find_adapter("faker", architecture="llama")
    write_adapter(folder / "faker" / "adapter.gguf", seed=9, rank=3)
    assert find_adapter("faker", architecture="llama") != before
