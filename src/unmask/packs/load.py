"""From a name or a folder to a pack. The folder is hostile: no path leaves it, sizes are bounded.

Built-in packs and a user's own go the same way. A text that differs from its lock is refused here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml

from unmask.errors import PackError
from unmask.files import nearest, read_yaml, write_atomic
from unmask.packs.manifest import Manifest, unknown_braces
from unmask.packs.pack import Block, Pack, Passages
from unmask.packs.render import all_levels
from unmask.vocabulary import Consequence, PackSize

LIBRARY = Path(str(files("unmask.packs"))) / "library"
MAX_BYTES = 64_000  # of one text file; our longest is 5 kB
MAX_FILES = 600
IN_BLOCKS = frozenset({"first", "second", "facts", "company", "model"})
HEADER = re.compile(r"\A<!--[^\n]*-->\n")
LOCKS = re.compile(r"^locks:[^\n]*\n?(?:[ \t]+[^\n]*\n?|\n)*", re.MULTILINE)
BETWEEN = re.compile(r"^---[ \t]*$", re.MULTILINE)

Fingerprint = tuple[tuple[str, int, int], ...]


def list_packs() -> dict[str, str]:
    """Built-in packs: name to description."""
    return {name: load_pack(name).manifest.description for name in _built_in()}


def load_pack(name_or_path: str | Path, *, verify: bool = True) -> Pack:
    """Load a built-in pack by name, or any folder that holds a pack.yaml.

    Args:
        name_or_path: `helpful_only`, or a path; a name alone means the built-in one.
        verify: refuse texts that differ from their locks; False is for `pack check`, which lists them.
    Raises:
        PackError: no such pack, a malformed one, or a text that drifted from its lock. Names file and line.
    """
    root = _find(name_or_path)
    pack = _read(root, _fingerprint(root))
    if verify and pack.manifest.locks and (drifted := drift(pack)):
        raise PackError(
            f"pack {pack.name}: {drifted[0][1]}" + (f" (and {len(drifted) - 1} more)" if drifted[1:] else ""),
            where=str(root / drifted[0][0]),
            hint="put the text back, or raise the version and accept it: unmask pack check PACK --lock",
        )
    return pack


def drift(pack: Pack) -> list[tuple[str, str]]:
    """Files whose text is not the locked one, each with what is wrong; file paths are within the pack."""
    found = []
    locks = pack.manifest.locks
    for file in sorted(locks.keys() | pack.hashes.keys()):
        path = file if file == "pack.yaml" else f"blocks/{file}"
        if file not in locks:
            found.append((path, f"{_spoken(file)} is not locked"))
        elif file not in pack.hashes:
            found.append((path, f"{_spoken(file)} is locked, but it is gone"))
        elif locks[file] != pack.hashes[file]:
            found.append((path, f"{_spoken(file)} differs from its lock"))
    return found


def lock_pack(pack: Pack) -> Path:
    """Write the hashes of the pack's texts into its pack.yaml, as the last key; the rest stays as it is."""
    path = pack.path / "pack.yaml"
    kept = LOCKS.sub("", path.read_text(encoding="utf-8"))
    lines = [f"  {file}: {sha256}" for file, sha256 in pack.hashes.items()]
    return write_atomic(path, kept.rstrip() + "\n\nlocks:\n" + "\n".join(lines) + "\n")


def _spoken(file: str) -> str:
    return file if file == "pack.yaml" else f"block {Path(file).stem} ({file.split('/')[0]} size)"


def _built_in() -> list[str]:
    return sorted(path.parent.name for path in LIBRARY.glob("*/pack.yaml"))


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text in _built_in():
        return LIBRARY / text
    root = Path(text).expanduser() if "\0" not in text else Path("?")
    if not root.is_dir():
        hint = nearest(text, _built_in())
        raise PackError(f"no pack {text!r}: neither built in nor a folder", hint=hint)
    if not (root / "pack.yaml").is_file():
        raise PackError(
            "no pack.yaml in this folder", where=str(root), hint="docs/packs.md tells what it holds"
        )
    return root.resolve()


def _fingerprint(root: Path) -> Fingerprint:
    """Name, size and time of each file of the pack; refuses what must not be read."""
    seen = []
    paths = [root / "pack.yaml", root / "blocks"]
    for folder, folders, names in os.walk(root / "blocks"):
        paths += [Path(folder) / name for name in (*names, *folders) if not name.startswith(".")]
        folders[:] = [name for name in folders if not name.startswith(".")]
        if len(paths) > MAX_FILES:
            raise PackError(f"more than {MAX_FILES} files", where=str(root / "blocks"))
    for path in sorted(paths):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise PackError("a link that leads out of the pack", where=str(path), hint="copy the file in")
        if path.is_dir():
            if path.is_symlink():
                raise PackError("a link to a folder", where=str(path), hint="copy the folder")
            continue
        if not path.is_file():
            raise PackError("not a regular file", where=str(path))
        about = path.stat()
        if about.st_size > MAX_BYTES:
            raise PackError(f"{about.st_size:,} bytes; at most {MAX_BYTES:,}", where=str(path))
        seen.append((path.relative_to(root).as_posix(), about.st_size, about.st_mtime_ns))
    return tuple(seen)


@lru_cache(maxsize=16)
def _read(root: Path, fingerprint: Fingerprint) -> Pack:
    """Read the files of a fingerprint; the times in it make a changed folder another key."""
    _refuse_aliases(root / "pack.yaml")
    manifest = read_yaml(root / "pack.yaml", Manifest, error=PackError)
    found: dict[PackSize, dict[str, dict[str, dict[tuple[str, ...], Passages]]]] = {}
    for file, _, _ in fingerprint:
        if file != "pack.yaml":
            size, name, alternative, levels = _place(file, manifest, root)
            passages = _passages(
                root / file, file.removeprefix("blocks/"), manifest, _slots(name, levels, manifest)
            )
            found.setdefault(size, {}).setdefault(name, {}).setdefault(alternative, {})[levels] = passages
    sizes = {
        size: tuple(Block(name, manifest.blocks[name], found.get(size, {}).get(name, {})) for name in names)
        for size, names in manifest.sizes.items()
    }
    pack = Pack(manifest, root, sizes)
    _refuse_gaps(pack)
    return pack


def _refuse_aliases(path: Path) -> None:
    """An alias that names a list of aliases, nine deep, is a gigabyte once it is read."""
    try:
        text = path.read_text(encoding="utf-8")
        alias = next((t for t in yaml.scan(text) if isinstance(t, yaml.AliasToken)), None)
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # read_yaml says where
    if alias is not None:
        raise PackError("a YAML alias", where=f"{path}:{alias.start_mark.line + 1}", hint="write it out")


def _place(file: str, manifest: Manifest, root: Path) -> tuple[PackSize, str, str, tuple[str, ...]]:
    """Size, block, alternative and levels from `blocks/SIZE/BLOCK[@ALT][.LEVEL…].md`."""
    match = re.fullmatch(
        r"blocks/([a-z]+)/([a-z][a-z0-9_]*)(?:@([a-z][a-z0-9_]*))?((?:\.[a-z_]+)*)\.md", file
    )
    where = str(root / file)
    if match is None:
        hint = "blocks/SIZE/BLOCK[@ALTERNATIVE][.LEVEL].md"
        raise PackError("a file that is not part of a pack", where=where, hint=hint)
    size, name, alternative, dotted = match.groups(default="")
    if size not in manifest.sizes:
        raise PackError(f"unknown size {size!r}", where=where, hint=nearest(size, list(manifest.sizes)))
    if name not in manifest.sizes[PackSize(size)]:
        known = list(manifest.sizes[PackSize(size)])
        raise PackError(f"no block {name!r} in the {size} size", where=where, hint=nearest(name, known))
    levels = tuple(dotted.split(".")[1:])
    spec = manifest.blocks[name]
    if len(levels) > len(spec.by):
        by = ", ".join(spec.by) or "nothing"
        raise PackError(f"{len(levels)} levels, but block {name} varies by {by}", where=where)
    for factor, level in zip(spec.by, levels, strict=False):
        known = [known for known in manifest.levels_of(factor) if known not in spec.same]
        if level not in known:
            raise PackError(f"no level {level!r} of {factor}", where=where, hint=nearest(level, known))
    return PackSize(size), name, alternative, levels


def _slots(name: str, levels: tuple[str, ...], manifest: Manifest) -> frozenset[str]:
    """Placeholders that the texts of this block at these levels may hold."""
    more = {"value"} if manifest.values else set()
    if "observed" in manifest.blocks[name].by:
        more.add("chance")
    if str(Consequence.ALL_THREE) in levels:
        more.add("third")
    return IN_BLOCKS | more


def _passages(path: Path, file: str, manifest: Manifest, allowed: frozenset[str]) -> Passages:
    """The wordings of one file, cut at lines of three dashes; a comment in the first line is not text."""
    try:
        raw = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        raise PackError("not UTF-8", where=str(path)) from problem
    header = HEADER.match(raw)
    body = raw[header.end() :] if header else raw
    texts = tuple(text.strip() for text in BETWEEN.split(body))
    if len(texts) not in (1, manifest.passages):
        raise PackError(
            f"{len(texts)} wordings; pack.yaml says passages: {manifest.passages}",
            where=str(path),
            hint="divide them by lines of three dashes",
        )
    for number, line in enumerate(raw.splitlines(), start=1):
        if (brace := unknown_braces(line, allowed)) is not None and not (header and number == 1):
            known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
            raise PackError(
                f"{brace!r} is no placeholder", where=f"{path}:{number}", hint=f"a block may hold {known}"
            )
        if any(ord(char) < 32 and char != "\t" for char in line):
            raise PackError("a control character", where=f"{path}:{number}")
    return Passages(file, texts)


def _refuse_gaps(pack: Pack) -> None:
    """Every block has text for every level that the pack declares."""
    for size, blocks in pack.sizes.items():
        for block in blocks:
            for levels in all_levels(pack):
                if block.find(levels) is None and not block.spec.optional:
                    raise PackError(
                        f"block {block.name} has no text for {_asked(block, levels)}",
                        where=str(pack.path / "blocks" / str(size)),
                        hint=f"write {_wanted(block, levels)}",
                    )


def _asked(block: Block, levels: Mapping[str, str]) -> str:
    return ", ".join(f"{factor}={levels[factor]}" for factor in block.spec.by) or "any condition"


def _wanted(block: Block, levels: Mapping[str, str]) -> str:
    own = (block.spec.same.get(levels[factor], levels[factor]) for factor in block.spec.by)
    return ".".join((block.name, *own, "md"))
