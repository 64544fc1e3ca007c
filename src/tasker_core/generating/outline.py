"""A template to begin with: its steps, what they wait for, schemas to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from tasker_core.rules.template_text import read_mapping


def outline(
    name: str, namespace: str, version: str, steps: Sequence[str], params: Sequence[str] = ()
) -> dict[str, Any]:
    """The content of a template. A step may have what it waits for after a colon, ``ship:pay,pick``; a parameter, a
    field of the context, its type after an equals sign, ``order_id=integer``. Raises TemplateError.
    """
    fields: dict[str, Any] = {}
    for param in params:
        field, _, kind = param.partition("=")
        fields[field] = {"type": kind or "string"}
    schema = {"type": "object", "required": list(fields), "properties": fields}
    content = {
        "name": name,
        "namespace_name": namespace,
        "version": version,
        **({"input_schema": schema} if fields else {}),
        "steps": [_step(name, each) for each in steps],
    }
    read_mapping(content, f"template {name}", strict=True)
    return content


def as_yaml(content: dict[str, Any]) -> str:
    """The text of a template's file."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _step(template: str, said: str) -> dict[str, Any]:
    step, _, parents = said.partition(":")
    return {
        "name": step,
        "handler": {"callable": f"{template}_{step}"},
        "dependencies": [parent.strip() for parent in parents.split(",") if parent.strip()],
        "retry": {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 1_000},
        "result_schema": {"type": "object", "required": ["done"], "properties": {"done": {"type": "boolean"}}},
    }
