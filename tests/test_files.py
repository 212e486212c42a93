"""YAML at the border: hostile files end in a message, whatever parser is underneath."""

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from unmask import files
from unmask.errors import UsageError
from unmask.files import read_yaml, yaml_line


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    parts: list[int] = []


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    monkeypatch.setattr(files, "LOADER", getattr(yaml, request.param))


def written(tmp_path, text):
    path = tmp_path / "note.yaml"
    path.write_text(text)
    return path


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    "text", ["[" * 200_000, "- " * 300_000 + "a", "? " * 300_000 + "a", "{a: " * 100_000]
)
def test_deep_nesting_is_a_message_not_a_crash(tmp_path, text):
    with pytest.raises(UsageError, match="not valid YAML"):
        read_yaml(written(tmp_path, text), Note)


def bomb(first, join, levels=30):
    """Each level stands for several of the one before: 9 ** 30 values in a kilobyte."""
    lines = [f"parts:\n- &a0 {first}"]
    lines += [f"- &a{i} " + join.format(", ".join([f"*a{i - 1}"] * 9)) for i in range(1, levels)]
    return "name: a\n" + "\n".join(lines) + "\n"


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", [bomb("{x: 1}", "{{<<: [{}]}}"), bomb("[1]", "[{}]")], ids=["merge", "list"])
def test_aliases_that_unfold_without_end_are_a_message_at_once(tmp_path, text):
    with pytest.raises(UsageError, match="aliases written out"):
        read_yaml(written(tmp_path, text), Note)


@pytest.mark.usefixtures("loader")
def test_aliases_of_ordinary_size_are_read(tmp_path):
    assert read_yaml(written(tmp_path, "name: &n a\nparts: [1, 2]\n"), Note).parts == [1, 2]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("value", ["9" * 5000, "2001-99-99"])
def test_a_number_or_date_that_is_none_is_told_with_the_file(tmp_path, value):
    with pytest.raises(UsageError, match="not valid YAML"):
        read_yaml(written(tmp_path, f"name: {value}\n"), Note)


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("name: a\nnmae: b\n", "unknown key 'nmae'", 2),
        ("name: a\nparts:\n- 1\n- x\n", "parts.1", 4),
        ("name: [a\n", "not valid YAML", None),
        ("name: !!python/object/apply:os.system ['true']\n", "not valid YAML", 1),
        ("name: a\n---\nname: b\n", "not valid YAML", 2),
        ("", "holds no keys", None),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, says, line):
    with pytest.raises(UsageError) as failed:
        read_yaml(written(tmp_path, text), Note)
    assert says in str(failed.value)
    if line is not None:
        assert str(failed.value.where).endswith(f":{line}")


@pytest.mark.usefixtures("loader")
def test_a_good_file_is_read_and_its_lines_found(tmp_path):
    path = written(tmp_path, "name: a\nparts:\n- 1\n- 2\n")
    assert read_yaml(path, Note) == Note(name="a", parts=[1, 2])
    assert yaml_line(path, ["parts", 1]) == 4
