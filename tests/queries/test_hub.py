"""A Hugging Face data set folder on disk."""

import polars as pl
import pytest

from unmask.errors import QueryError
from unmask.queries import load_queries


def shard(folder, name, *texts):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({"prompt": list(texts)})
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


def readme(folder, front):
    (folder / "README.md").write_text(f"---\n{front}---\n# A data set\n")


def texts(spec):
    return [query.text for query in load_queries(spec)]


def refused(spec):
    with pytest.raises(QueryError) as caught:
        load_queries(spec)
    return caught.value


def test_shards_in_data_make_one_split_in_order(tmp_path):
    shard(tmp_path, "data/train-00001-of-00002.parquet", "Sing")
    shard(tmp_path, "data/train-00000-of-00002.parquet", "Hum")
    assert texts(f"hf:{tmp_path}") == ["Hum", "Sing"]
    assert load_queries(f"hf:{tmp_path}:train").name == f"hf-{tmp_path.name}"


def test_several_splits_must_be_chosen_from(tmp_path):
    shard(tmp_path, "data/train-00000-of-00001.parquet", "Hum")
    shard(tmp_path, "data/test-00000-of-00001.parquet", "Sing")
    assert texts(f"hf:{tmp_path}:test") == ["Sing"]
    assert refused(f"hf:{tmp_path}").message == "2 splits: test, train"
    assert "nearest: 'train'" in refused(f"hf:{tmp_path}:trian").message


def test_configs_of_the_readme_decide_and_give_the_licence(tmp_path):
    shard(tmp_path, "a/x.csv", "Hum")
    shard(tmp_path, "b/y.parquet", "Sing")
    shard(tmp_path, "data/train-00000-of-00001.parquet", "never read")
    readme(
        tmp_path,
        "license: cc-by-4.0\nconfigs:\n"
        "- config_name: soft\n  data_files:\n  - split: test\n    path: a/*.csv\n"
        "- config_name: loud\n  data_files: b/y.parquet\n",
    )
    assert texts(f"hf:{tmp_path}:soft/test") == ["Hum"]
    assert texts(f"hf:{tmp_path}:loud/train") == ["Sing"]
    assert load_queries(f"hf:{tmp_path}:soft/test").licence == "cc-by-4.0"


def test_a_bad_cell_names_its_shard_and_row(tmp_path):
    shard(tmp_path, "data/train-00000-of-00002.parquet", "Hum")
    shard(tmp_path, "data/train-00001-of-00002.parquet", "Sing", "")
    assert refused(f"hf:{tmp_path}").where.endswith("data/train-00001-of-00002.parquet, row 2")


def test_links_in_the_cache_of_the_hub_are_followed_to_its_blobs_only(tmp_path):
    blob = shard(tmp_path, "hub/blobs/abc.parquet", "Hum")
    data = tmp_path / "hub/snapshots/rev/data"
    data.mkdir(parents=True)
    (data / "train-00000-of-00001.parquet").symlink_to(blob)
    assert texts(f"hf:{data.parent}") == ["Hum"]
    outside = shard(tmp_path, "outside.parquet", "secret")
    (data / "train-00000-of-00001.parquet").unlink()
    (data / "train-00000-of-00001.parquet").symlink_to(outside)
    assert "leads out of the folder" in refused(f"hf:{data.parent}").message


@pytest.mark.parametrize("path", ["../*.csv", "/etc/*", "https://example.org/x.csv"])
def test_a_readme_cannot_lead_outside(tmp_path, path):
    shard(tmp_path, "x.csv", "Hum")
    folder = tmp_path / "set"
    folder.mkdir()
    readme(folder, f"configs:\n- config_name: default\n  data_files: '{path}'\n")
    problem = refused(f"hf:{folder}")
    assert "leads out of the folder" in problem.message
    assert problem.where.endswith("README.md")  # the pattern itself, before any file is looked at


def test_what_is_not_such_a_folder_is_refused(tmp_path):
    assert "nothing is downloaded" in refused("hf:someone/some-set").hint
    assert refused(f"hf:{tmp_path}").message == "no data files"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.parquet").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert refused(f"hf:{tmp_path}").hint == "git lfs pull"
    readme(tmp_path, "configs: [unclosed\n")
    assert refused(f"hf:{tmp_path}").message == "the front matter is not YAML"
    readme(tmp_path, "configs:\n- config_name: default\n  data_files: gone/*.csv\n")
    assert "no file fits 'gone/*.csv'" in refused(f"hf:{tmp_path}").message
