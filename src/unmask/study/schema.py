"""The JSON schema of a study file, from the same model that reads it."""

from __future__ import annotations

import json

from unmask.study.spec import Study


def schema_text() -> str:
    """The schema, the same bytes for the same model."""
    schema = Study.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "unmask study",
    }
    return json.dumps(schema | head, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
