"""What the engine does to the process that holds it: noise, memory, the way it ends."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine

ASK_AND_END = """
import asyncio, resource, sys
from inspect_ai.model import GenerateConfig, get_model
import inspect_ai, unmask._registry
model = get_model("embedded/smollm2")
asyncio.run(model.generate("Name a colour.", config=GenerateConfig(max_tokens=4)))
from unmask.auditing.environment import peak_memory_mb
open(sys.argv[1], "w").write(str(peak_memory_mb()))
"""


def test_it_ends_without_a_word_and_stays_small(tmp_path):
    peak = tmp_path / "peak"
    done = subprocess.run(
        [sys.executable, "-c", ASK_AND_END, str(peak)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert int(peak.read_text()) < 1_200  # MB


def test_a_child_that_was_started_on_the_way_does_not_double_the_peak():
    code = (
        "import subprocess\n"
        "from unmask.auditing.environment import peak_memory_mb\n"
        "held = bytearray(400_000_000)\n"
        "subprocess.run(['true'], check=True)\n"
        "print(peak_memory_mb())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 400 < int(done.stdout) < 700


def test_an_exception_while_the_engine_runs_ends_the_process_too():
    code = (
        "from unmask.providers.pool import shared\n"
        "from unmask.providers.model_file import smollm2_path\n"
        "shared(smollm2_path(), slots=1, window=256).tokenize('x')\n"
        "raise SystemExit(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
