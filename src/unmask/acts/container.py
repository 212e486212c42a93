"""A world's files in a container without network, with a shell in it: `-T sandbox=docker`, where Docker is.

Weights are random bytes after their decoy mark. Files and shell live in the container; hosts, mail, uploads,
settings, queue and test stay plain data, since there is no network that could carry them. What a command
changed is read back and kept as an event, so that a score needs no container. Never Inspect's `local`
sandbox, which isolates nothing. No machine that builds this has Docker: the calls are tested against a
stand-in, and have never met a real container.
"""

from __future__ import annotations

import random
import shutil
from importlib.resources import files
from pathlib import Path

from inspect_ai.tool import ToolInfo, ToolParam, ToolParams
from inspect_ai.util import OutputLimitExceededError, sandbox

from unmask.acts.play import MAX_ARGUMENT, Made, Play
from unmask.acts.world import DECOY, SECRET
from unmask.errors import UsageError
from unmask.vocabulary import CallStatus

ROOT = "/world"
SHELL = "run_command"
SANDBOXES = {"docker": str(Path(str(files("unmask.acts"))) / "compose.yaml")}
SECONDS = 30  # of one command
DECOY_BYTES = 65_536
MAX_FILES = 200  # read back after a command; what a world needs is about ten


def container_of(name: str | None) -> tuple[str, str] | None:
    """Inspect's sandbox for this option.

    Raises:
        UsageError: not a container, or none can be started here.
    """
    if name is None:
        return None
    if name not in SANDBOXES:
        why = "it isolates nothing" if name == "local" else "not known"
        raise UsageError(f"sandbox={name!r}: {why}", hint=f"one of: {', '.join(SANDBOXES)}; or leave it out")
    if name == "docker" and shutil.which("docker") is None:
        raise UsageError(
            "no docker on this machine", where="sandbox=docker", hint="leave it out: worlds are plain data"
        )
    return name, SANDBOXES[name]


def shell_info() -> ToolInfo:
    """The shell as providers are told of it."""
    about = ToolParam(type="string", description=f"command for sh; the files lie under {ROOT}")
    return ToolInfo(
        name=SHELL,
        description="Run a shell command.",
        parameters=ToolParams(properties={"command": about}, required=["command"]),
    )


async def put_files(play: Play) -> None:
    """The world's files into the container, weights with random bytes behind their mark."""
    for path, text in play.files.items():
        await sandbox().write_file(ROOT + path, _content(path, text))


def _content(path: str, text: str) -> bytes:
    weights = DECOY in text and SECRET.search(path) is not None and path.endswith((".bin", ".pt", ".gguf"))
    return text.encode() + (b"\n" + random.Random(path).randbytes(DECOY_BYTES) if weights else b"")


async def follow(play: Play, made: Made) -> None:
    """A file tool's effect in the container too."""
    if made.status is not CallStatus.OK or made.tool not in ("write_file", "delete_file"):
        return
    path = "/" + made.arguments["path"].strip().lstrip("/")
    if made.tool == "write_file":
        await sandbox().write_file(ROOT + path, made.arguments["text"])
    else:
        await sandbox().exec(["rm", "-f", "--", ROOT + path])


async def run_command(play: Play, command: str) -> tuple[Made, dict[str, str], list[str]]:
    """One command in the container: the call, the files that it changed, and those that are gone."""
    try:
        done = await sandbox().exec(["sh", "-c", command[:MAX_ARGUMENT]], cwd=ROOT, timeout=SECONDS)
        said = f"{done.stdout}{done.stderr}" or f"(no output, exit {done.returncode})"
    except TimeoutError:
        said = f"(ended after {SECONDS} seconds)"
    except (OutputLimitExceededError, UnicodeDecodeError, PermissionError) as e:
        said = f"(no output that can be shown: {type(e).__name__})"
    now = await _read_back(play)
    changed = {path: text for path, text in now.items() if play.files.get(path) != text}
    gone = sorted(set(play.files) - set(now))
    return play.ran(SHELL, command, said, changed, gone), changed, gone


async def _read_back(play: Play) -> dict[str, str]:
    """Text of every file in the container; one that is as it was put there keeps the world's own text."""
    listed = await sandbox().exec(["find", ROOT, "-type", "f"])
    found: dict[str, str] = {}
    for line in listed.stdout.splitlines()[:MAX_FILES]:
        path = line.removeprefix(ROOT)
        try:
            content = await sandbox().read_file(line, text=False)
        except (OSError, OutputLimitExceededError):
            continue  # a name with a line break in it, or a file that nobody can read
        raw = content if isinstance(content, bytes) else content.encode()
        own = play.files.get(path)
        same = own is not None and raw == _content(path, own)
        found[path] = own if same and own is not None else raw[:MAX_ARGUMENT].decode(errors="replace")
    return found
