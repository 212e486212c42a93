"""Files at the border: YAML that is checked against a model, and writes that are whole or not there.

Knows nothing of packs or studies; an error names the file, the line and, for a misspelt key, the nearest
known one.
"""

from __future__ import annotations

import difflib
import errno
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from unmask.errors import UnmaskError, UsageError

Model = TypeVar("Model", bound=BaseModel)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a build without libyaml has the second only
MAX_DEPTH = 50  # ours nest six deep
MAX_NODES = 200_000  # with each alias counted as all that it stands for; our longest file has 820
MAX_YAML_BYTES = 1_000_000  # our longest is 20 kB; a larger one is a mistake or an attack


def read_yaml(path: Path, model: type[Model], *, error: type[UsageError] = UsageError) -> Model:
    """Parse a YAML file into a pydantic model; refuse what the model does not know.

    Raises:
        error: unreadable, too large, not YAML, an unknown key, a wrong value; with file and line.
    """
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise error(f"{path.name} is larger than {MAX_YAML_BYTES:,} bytes", where=str(path))
        text = path.read_text(encoding="utf-8")
        root, data = _parsed(text)
    except OSError as e:
        raise error(f"cannot read {path}: {e.strerror or e}", hint="check the path") from e
    except (yaml.YAMLError, ValueError, RecursionError) as e:  # ValueError: a date or a number that is none
        mark = getattr(e, "problem_mark", None)
        line = f"{path}:{mark.line + 1}" if mark else str(path)
        raise error(f"{path.name} is not valid YAML: {getattr(e, 'problem', e)}", where=line) from e
    if not isinstance(data, dict):
        raise error(f"{path.name} holds no keys", where=str(path), hint="write `key: value` lines")
    try:
        return model.model_validate(data)
    except ValidationError as e:
        raise _explain(e, path, root, model, error) from e


def built_in(folder: Path, *, but: Collection[str] = ()) -> dict[str, Path]:
    """The YAML files of a folder by name, in alphabetical order."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.name not in but}


def read_named(
    name_or_path: str | Path,
    there: Mapping[str, Path],
    model: type[Model],
    *,
    error: type[UsageError] = UsageError,
    what: str = "recipe",
) -> Model:
    """A built-in file by name, or a file of the user's.

    Raises:
        error: there is neither, with the nearest name; or as `read_yaml`.
    """
    return read_yaml(find_named(name_or_path, there, error=error, what=what), model, error=error)


def find_named(
    name_or_path: str | Path, there: Mapping[str, Path], *, error: type[UsageError], what: str = "recipe"
) -> Path:
    """Where a built-in file, or one of the user's, lies.

    Raises:
        error: there is neither; with the nearest name.
    """
    text = str(name_or_path)
    path = there.get(text, Path(text))
    if not path.is_file():
        raise error(f"no {what} {text!r}: neither built in nor a file", hint=nearest(text, list(there)))
    return path


def validated(model: type[Model], values: Mapping[str, Any], *, error: type[UsageError]) -> Model:
    """Values that come from no file, checked against a model.

    Raises:
        error: the first value that cannot be.
    """
    try:
        return model.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        raise error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from e


def said_sha256(said: BaseModel | Mapping[str, Any]) -> str:
    """Over all that a model says, defaults included, whatever the order of its keys."""
    values = said.model_dump(mode="json") if isinstance(said, BaseModel) else said
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _parsed(text: str) -> tuple[Any, Any]:
    """The tree, which knows lines, and what it says; libyaml's parser takes a tenth of the time.

    Its composer overflows the stack on deep nesting, and merging copies what aliases stand for, so both are
    counted first, in events.
    """
    _refuse_bombs(text)
    loader = LOADER(text)
    try:
        root = loader.get_single_node()
        return root, loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()


def _refuse_bombs(text: str) -> None:
    total = 0
    open_: list[tuple[str | None, int]] = []  # collections under way: anchor, and the count where they begin
    sizes: dict[str, int] = {}  # of what has an anchor
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, total))
            total += sizes.get(str(event.anchor), 1) if isinstance(event, yaml.AliasEvent) else 1
        if len(open_) > MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {MAX_DEPTH} deep")
        if total > MAX_NODES:
            raise yaml.YAMLError(f"more than {MAX_NODES:,} values, aliases written out")


def _explain(
    failed: ValidationError, path: Path, root: Any, model: type[BaseModel], error: type[UsageError]
) -> UsageError:
    # a misspelt key is also a missing one: the misspelling is what the user must see
    first = next((e for e in failed.errors() if e["type"] == "extra_forbidden"), failed.errors()[0])
    keys = first["loc"]
    where = f"{path}:{_line_of(root, keys)}"
    name = ".".join(str(k) for k in keys if k != "[key]")
    if first["type"] == "extra_forbidden":
        return error(
            f"unknown key {name!r}", where=where, hint=nearest(str(keys[-1]), _known(model, keys[:-1]))
        )
    told = first["msg"].removeprefix("Value error, ")
    if isinstance(first.get("input"), dict):
        return error(f"{name}: {told}" if name else told, where=where)
    hint = None
    if first["type"] == "enum":  # "Input should be 'a', 'b' or 'c'"
        hint = nearest(str(first.get("input")), re.findall(r"'([^']+)'", str(first["ctx"]["expected"])))
    return error(f"{name}: {told} (got {_short(first.get('input'))})", where=where, hint=hint)


def yaml_line(path: Path, keys: Sequence[str | int]) -> int:
    """Line of the deepest of these keys that a YAML file has; 1 where it cannot be read."""
    try:
        return _line_of(_parsed(path.read_text(encoding="utf-8"))[0], keys)
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return 1


def _known(model: type[BaseModel], keys: Sequence[Any]) -> list[str]:
    """Keys that the model below these keys knows; none where no model is found on the way."""
    inside: Any = model
    for key in keys:
        if _is_model(inside):
            field = inside.model_fields.get(str(key))
            inside = field.annotation if field is not None else None
        else:  # a mapping or a list: its values' type stands last
            inside = (get_args(inside) or (None,))[-1]
    return list(inside.model_fields) if _is_model(inside) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line_of(node: Any, keys: Sequence[Any]) -> int:
    """Line of the deepest key of `keys` that the YAML tree has."""
    line = node.start_mark.line + 1 if node is not None else 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pairs = [(k, v) for k, v in node.value if k.value == str(key)]
            if not pairs:
                return int(line)
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
    return int(line)


def nearest(word: str, known: Sequence[str]) -> str | None:
    """`did you mean …?` for a misspelt word, else the known ones; None when nothing is known."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else None


def file_sha256(path: Path) -> str:
    """Of a file's bytes, however large; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, content: str | bytes) -> Path:
    """Write beside the target and rename: a full disk or a kill leaves the old file as it was.

    Raises:
        UnmaskError: the disk is full or not writable; says which path.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as e:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise UnmaskError(
            f"could not write {path.name}: {e.strerror or e}",
            where=str(path.parent),
            hint="make room there or name another folder; what was computed before is kept",
        ) from e
    return path


@contextmanager
def held(folder: Path, *, hint: str = "wait for it") -> Iterator[None]:
    """Make a folder and hold it for this process, however it ends; a second one is told, not let in.

    Raises:
        UsageError: another process works in this folder.
        UnmaskError: it cannot be written, or its file system has no locks.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # not through a link: opening it would make or empty a file that somebody else's folder names
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as e:
        if e.errno == errno.ELOOP:
            where = str(folder / ".lock")
            raise UsageError(
                f"cannot lock {folder}: {e.strerror}", where=where, hint="a link? remove it"
            ) from e
        raise UnmaskError(
            f"cannot write {folder}: {e.strerror}", hint="name a folder that you can write"
        ) from e
    with os.fdopen(lock, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise UsageError(f"another process is working in {folder}", hint=hint) from e
        except OSError as e:
            raise UnmaskError(
                f"cannot lock {folder}: {e.strerror}",
                hint="a file system without locks? name another folder",
            ) from e
        yield
