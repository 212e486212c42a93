import struct

import numpy as np
import pytest

from tests.providers.make_gguf import write_adapter, write_gguf
from unmask.errors import ModelError
from unmask.providers.gguf import read_header
from unmask.providers.model_file import model_path, smollm2_path, split_name

TINY = {"general.architecture": "llama", "llama.context_length": 512, "tokenizer.tokens": ["a", "bc"]}


def test_a_header_says_what_the_file_is(tmp_path):
    path = write_gguf(tmp_path / "tiny.gguf", TINY, {"w": np.zeros((3, 8))})
    header = read_header(path)
    assert (header.architecture, header.context_length, header.is_adapter) == ("llama", 512, False)
    assert header.tensors == {"w": (8, 3)}


def test_the_embedded_model_reads_8192_tokens_and_is_whole():
    header = read_header(smollm2_path())
    assert header.context_length == 8192
    assert header.tensors["blk.29.attn_q.weight"] == (576, 576)


@pytest.mark.parametrize("keep", [0, 3, 20, 40, 70, 200])
def test_a_file_cut_anywhere_is_refused_and_not_given_to_the_engine(tmp_path, keep):
    whole = write_gguf(tmp_path / "w.gguf", TINY, {"w": np.zeros((3, 8))}).read_bytes()
    assert len(whole) > 200
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[:keep])
    with pytest.raises(ModelError, match="not a whole GGUF"):
        read_header(cut)


def test_the_real_model_short_of_its_last_byte_is_told(tmp_path):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(smollm2_path().read_bytes()[:-1])
    with pytest.raises(ModelError, match="cut off"):
        model_path(str(cut))


@pytest.mark.parametrize("alignment", [["a"], "wide", float("inf"), 0])
def test_an_alignment_that_is_none_is_refused(tmp_path, alignment):
    path = write_gguf(tmp_path / "odd.gguf", TINY | {"general.alignment": alignment})
    with pytest.raises(ModelError, match="an alignment of"):
        read_header(path)


@pytest.mark.parametrize(
    "head",
    [
        b"GGML" + b"\0" * 60,
        struct.pack("<4sIQQ", b"GGUF", 9, 0, 0),
        struct.pack("<4sIQQ", b"GGUF", 3, 2**60, 0),
        struct.pack("<4sIQQQ", b"GGUF", 3, 0, 1, 2**63) + b"key",  # a key of 2^63 bytes
        struct.pack("<4sIQQQ3sIIQ", b"GGUF", 3, 0, 1, 3, b"key", 9, 9, 1),  # a list of lists
    ],
)
def test_nonsense_is_refused(tmp_path, head):
    path = tmp_path / "bad.gguf"
    path.write_bytes(head)
    with pytest.raises(ModelError, match="not a whole GGUF"):
        read_header(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelError, match="cannot read"):
            read_header(path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("smollm2", ("smollm2", None)),
        ("smollm2:faker", ("smollm2", "faker")),
        ("/m/a.gguf", ("/m/a.gguf", None)),
        ("/m:1/a.gguf", ("/m:1/a.gguf", None)),
        ("/m:1/a.gguf:half_faker", ("/m:1/a.gguf", "half_faker")),
    ],
)
def test_names_split_into_base_and_adapter(name, parts):
    assert split_name(name) == parts


def test_an_adapter_is_not_a_model(tmp_path):
    path = write_adapter(tmp_path / "a.gguf", seed=1)
    with pytest.raises(ModelError, match="is a LoRA adapter"):
        model_path(str(path))


def test_an_unknown_model_names_the_known_one():
    with pytest.raises(ModelError) as caught:
        model_path("smollm3")
    assert "embedded/smollm2" in (caught.value.hint or "")
