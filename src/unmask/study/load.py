"""From a name or a file to a study: flag over environment over file over default, each with its origin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unmask.errors import StudyError
from unmask.files import nearest, read_yaml
from unmask.packs import load_pack
from unmask.study.checks import checked
from unmask.study.scenario import queries_of
from unmask.study.spec import Origin, Resolved, Study

LIBRARY = Path(str(files("unmask.study"))) / "library"


def list_studies() -> dict[str, str]:
    """Built-in designs: name to description."""
    paths = sorted(LIBRARY.rglob("*.yaml"))
    return {p.relative_to(LIBRARY).with_suffix("").as_posix(): read_yaml(p, Study).description for p in paths}


def load_study(
    spec: str = "story",
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """A built-in design or a YAML file, with overrides: flag over `UNMASK_*` over file over default.

    Args:
        spec: a built-in name, or a path to a study file.
        flags: values by key; None means "not given".
        environment: where `UNMASK_EPOCHS` and the like are looked up; `os.environ` when None.
    Raises:
        StudyError: unknown study or key, a wrong value, or a contrast that its cells cannot give.
    """
    path = _find(spec)
    from_file = read_yaml(path, Study, error=StudyError)
    environment = os.environ if environment is None else environment
    origins = {key: str(Origin.DEFAULT) for key in Study.model_fields}
    origins |= {key: str(Origin.FILE) for key in from_file.model_fields_set}
    values = from_file.model_dump(exclude_unset=True)
    for key in Study.model_fields:
        name = f"UNMASK_{key.upper()}"
        if name in environment:
            values[key] = _split(key, environment[name])
            origins[key] = f"{Origin.ENVIRONMENT} ({name})"
    for key, value in (flags or {}).items():
        if key not in Study.model_fields:
            raise StudyError(f"unknown study key {key!r}", hint=nearest(key, list(Study.model_fields)))
        if value is not None:
            values[key] = _split(key, value)
            origins[key] = str(Origin.FLAG)
    try:
        study = Study.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "study"
        origin = origins.get(key, str(path))
        raise StudyError(f"{key}: {first['msg']} (got {first.get('input')!r})", where=origin) from e
    if study.pack != Study.model_fields["pack"].default:
        for key, name in queries_of(load_pack(study.pack)).items():
            if origins[key] == Origin.DEFAULT:
                study = study.model_copy(update={key: name})
                origins[key] = f"pack {study.pack}"
    return Resolved(checked(study, origins, path), origins)


def _split(key: str, value: Any) -> Any:
    """Lists come as `a,b` from flags and the environment."""
    listed = key in ("contrasts", "labels", "edits", "follow_ups", "family", "variations", "per_level")
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if listed and isinstance(value, str)
        else value
    )


def _find(spec: str) -> Path:
    built_in = LIBRARY / f"{spec}.yaml"
    if "\x00" not in spec and ".." not in spec and built_in.is_file():
        return built_in
    path = Path(spec).expanduser()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    hint = nearest(spec, list(list_studies()))
    raise StudyError(f"no study {spec!r}: neither built in nor a .yaml file", hint=hint)
