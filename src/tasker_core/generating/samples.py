"""An example value for a schema: as little as it allows, in words that nobody takes for real."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 12
OF_A_FORMAT = {
    "date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z", "email": "ann@example.org",
    "uuid": "01980000-0000-7000-8000-000000000000", "uri": "https://example.org/", "hostname": "example.org",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
}  # fmt: skip
TRIED = (
    "example", "EXAMPLE", "Example", "a", "A", "0", "1", "12", "123", "1234", "12345", "AB", "ABC", "EUR", "abc-123",
    "ABC-123", "A1", "+4912345678", "1.0", "1.0.0", *OF_A_FORMAT.values(),
)  # fmt: skip
"""What a text is tried with that must match a pattern."""


def sample(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value that fits ``schema``, so far as that can be told from types, limits, choices and examples.

    >>> sample({"type": "object", "required": ["sku", "count"], "properties": {
    ...     "sku": {"type": "string", "minLength": 3}, "count": {"type": "integer", "minimum": 2}, "note": {}}})
    {'sku': 'example', 'count': 2}
    """
    root = schema if root is None else root
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    if depth > DEEPEST:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        found: Any = root
        for part in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        return sample(found, root, depth + 1) if isinstance(found, Mapping) else None
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list) and schema[key] and isinstance(schema[key][0], Mapping):
            return sample({**schema, key: None, **schema[key][0]}, root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    match kind:
        case "object":
            properties = schema.get("properties") or {}
            wanted = [key for key in schema.get("required", ()) if isinstance(key, str)]
            return {
                key: sample(properties[key], root, depth + 1) if isinstance(properties.get(key), Mapping) else "example"
                for key in wanted
            }
        case "array":
            items = schema.get("items") if isinstance(schema.get("items"), Mapping) else {}
            return [sample(items or {"type": "string"}, root, depth + 1)] * max(1, int(schema.get("minItems", 1)))
        case "string":
            return _string(schema)
        case "integer":
            return int(_number(schema))
        case "number":
            return float(_number(schema))
        case "boolean":
            return True
        case _:
            return None if kind == "null" else "example"


def _string(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in OF_A_FORMAT and "pattern" not in schema:
        return OF_A_FORMAT[schema["format"]]
    shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    if isinstance(pattern := schema.get("pattern"), str):
        for tried in TRIED:
            try:
                if shortest <= len(tried) <= longest and re.search(pattern, tried):
                    return tried
            except re.error:
                break
    made = "example" * (max(shortest, 1) // 7 + 1)
    wanted = max(shortest, 7)
    return made[: int(min(wanted, longest))]


def _number(schema: Mapping[str, Any]) -> float:
    step = schema.get("multipleOf", 1)
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    if least is None:
        most = schema.get("maximum", schema.get("exclusiveMaximum", step))
        return float(min(step, most - step if "exclusiveMaximum" in schema else most))
    number = math.ceil(least / step) * step
    return float(number + step if "exclusiveMinimum" in schema and number <= schema["exclusiveMinimum"] else number)
