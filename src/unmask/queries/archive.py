"""Files of a Python package, from a wheel or a folder on disk, without unpacking or importing it.

The wheel is hostile: nothing is written, names that lead outside are refused, and no member is read
beyond its limit. Knows nothing of what the files mean.
"""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from unmask.errors import QueryError
from unmask.queries.files import MAX_BYTES, read_bytes

MAX_MEMBERS = 20_000
MAX_RATIO = 200  # text shrinks 3 to 10 times; deflate can reach 1,032
UNREADABLE = (
    zipfile.BadZipFile,
    UnicodeDecodeError,  # a member's own header may call bytes UTF-8 that are not
    zlib.error,
    lzma.LZMAError,
    OSError,
    NotImplementedError,
    RuntimeError,
    EOFError,
)
SMALL = 2**20  # below this, a high ratio does no harm


@dataclass(frozen=True)
class Package:
    """A package's files by path inside it (`data/rows.csv`), each read when asked."""

    name: str
    version: str | None
    files: Mapping[str, Callable[[], bytes]]


def open_package(path: Path, name: str, under: str) -> Package:
    """The files below `under` of package `name`.

    Args:
        path: a wheel, a folder that holds the package's folder, or that folder itself.
        name: import name of the package.
        under: only files below this folder of the package are listed.

    Raises:
        QueryError: not there, not a wheel, a wheel without the package, or one that is dangerous to read.
    """
    if path.is_dir():
        return _from_folder(path, name, under)
    if not path.exists():
        raise QueryError(
            f"no wheel or folder of {name}", where=str(path), hint=f"pip download --no-deps {name}"
        )
    return _from_wheel(path, name, under)


def _from_folder(path: Path, name: str, under: str) -> Package:
    root = path if path.name == name and not (path / name).is_dir() else path / name
    if not root.is_dir():
        raise QueryError(
            f"no package {name} in this folder", where=str(path), hint="give a wheel or its folder"
        )
    versions = [
        info.name.removeprefix(f"{name}-").removesuffix(".dist-info")
        for info in root.parent.glob(f"{name}-*.dist-info")
    ]
    files = {
        file.relative_to(root).as_posix(): partial(read_inside, file, root)
        for file in sorted((root / under).rglob("*"))
        if file.is_file()
    }
    return Package(name, versions[0] if len(versions) == 1 else None, files)


def read_inside(file: Path, root: Path) -> bytes:
    """The file's bytes, unless a link leads out of `root`."""
    if not file.resolve().is_relative_to(root.resolve()):
        raise QueryError("a link leads out of the folder", where=str(file), hint="copy the file instead")
    return read_bytes(file)


def _from_wheel(path: Path, name: str, under: str) -> Package:
    if path.stat().st_size > MAX_BYTES:
        raise QueryError(f"a wheel larger than {MAX_BYTES // 2**20} MB", where=str(path))
    try:
        with zipfile.ZipFile(path) as wheel:
            members = wheel.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as problem:
        raise QueryError(f"not a wheel: {problem}", where=str(path)) from problem
    _refuse_dangerous(members, path)
    prefix = f"{name}/{under}/"
    files = {
        member.filename.removeprefix(f"{name}/"): partial(_read_member, path, member)
        for member in members
        if member.filename.startswith(prefix) and not member.is_dir()
    }
    if not files:
        raise QueryError(f"no {prefix} in this wheel", where=str(path), hint=f"a wheel of {name} is needed")
    infos = {PurePosixPath(member.filename).parts[0] for member in members}
    versions = [info[len(name) + 1 : -10] for info in infos if info.endswith(".dist-info")]
    return Package(name, versions[0] if len(versions) == 1 else None, files)


def _refuse_dangerous(members: list[zipfile.ZipInfo], path: Path) -> None:
    if len(members) > MAX_MEMBERS:
        raise QueryError(f"{len(members):,} files in the wheel; at most {MAX_MEMBERS:,}", where=str(path))
    seen: set[str] = set()
    for member in members:
        parts = PurePosixPath(member.filename).parts
        where = f"{path}, {member.filename[:120]!r}"
        if not parts or parts[0] == "/" or ".." in parts or "\\" in member.filename or ":" in parts[0]:
            raise QueryError("a name in the wheel leads outside of it", where=where, hint="do not trust it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise QueryError("a link in the wheel", where=where, hint="do not trust it")
        if member.filename in seen:
            raise QueryError("a name comes twice in the wheel", where=where, hint="do not trust it")
        seen.add(member.filename)


def _read_member(path: Path, member: zipfile.ZipInfo) -> bytes:
    where = f"{path}, {member.filename[:120]}"
    if member.file_size > MAX_BYTES:
        raise QueryError(f"unpacks to more than {MAX_BYTES // 2**20} MB", where=where)
    if member.file_size > SMALL and member.file_size > MAX_RATIO * member.compress_size:
        raise QueryError(f"unpacks to {member.file_size:,} bytes from {member.compress_size:,}", where=where)
    try:
        with zipfile.ZipFile(path) as wheel, wheel.open(member) as file:
            return file.read(MAX_BYTES)
    except UNREADABLE as problem:
        raise QueryError(f"cannot unpack: {problem}", where=where) from problem
