"""A form made from the JSON Schema of a context, and the context made from what is filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasker_core.errors import InvalidRequestError

WANTED = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
PLAIN = ("string", "integer", "number", "boolean")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``kind`` is string, integer, number, boolean, choice, or json for what has parts."""

    name: str
    kind: str
    is_required: bool
    description: str = ""
    default: str = ""
    choices: Sequence[str] = ()
    least: float | None = None
    most: float | None = None


def fields_of(schema: Mapping[str, Any] | None) -> Sequence[Field] | None:
    """The fields of an object's schema; None for a schema that no form can be made of.

    >>> fields_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    [Field(name='n', kind='integer', is_required=True, description='', default='', choices=(), least=None, most=None)]
    """
    properties = schema.get("properties") if schema else None
    if not isinstance(properties, Mapping) or not properties:
        return None
    required = set((schema or {}).get("required", ()))
    return [_field(name, said if isinstance(said, Mapping) else {}, name in required)
            for name, said in properties.items()]  # fmt: skip


def _field(name: str, said: Mapping[str, Any], is_required: bool) -> Field:
    kind = said.get("type")
    choices = tuple(json.dumps(value, ensure_ascii=False) for value in said.get("enum", ()))
    shown = "choice" if choices else kind if kind in PLAIN else "json"
    default = said.get("default", said.get("const"))
    text = "" if default is None else default if shown == "string" else json.dumps(default, ensure_ascii=False)
    return Field(
        name, str(shown), is_required, str(said.get("description") or said.get("title") or ""), str(text), choices,
        said.get("minimum"), said.get("maximum"),
    )  # fmt: skip


def context_of(fields: Sequence[Field], given: Mapping[str, str]) -> dict[str, Any]:
    """The context that a filled form says. Raises InvalidRequestError, naming the field.

    >>> fields = fields_of({"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}})
    >>> context_of(fields, {"field.n": "4", "field.s": ""})
    {'n': 4}
    """
    context: dict[str, Any] = {}
    for field in fields:
        text = given.get(f"field.{field.name}", "")
        if text == "" and not (field.is_required and field.kind == "string"):
            continue
        if field.kind == "string":
            context[field.name] = text
            continue
        try:
            context[field.name] = json.loads(text)
        except ValueError:
            wanted = WANTED.get(field.kind, "JSON")
            raise InvalidRequestError(f"{field.name}: must be {wanted}, not {text!r}", field=field.name) from None
    return context
