"""What can be told of an expression without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from tasker_core.check.schemas import UNKNOWN, Schema

_MADE_BY: Mapping[str, str] = {
    "len": "integer", "int": "integer", "str": "string", "float": "number", "bool": "boolean",
    "sorted": "array", "list": "array", "dict": "object",
}  # fmt: skip


def text_of(node: ast.expr | None, module: ModuleType, bound: frozenset[str] = frozenset()) -> str | None:
    """The text that an expression always is: a literal, or a constant of the module; None for all else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    value = global_of(node, module, bound)
    return str(value) if isinstance(value, str) else None


def global_of(node: ast.expr | None, module: ModuleType, bound: frozenset[str] = frozenset()) -> Any:
    """What a name of the module, or an attribute of one, stands for; None where that can't be told."""
    if isinstance(node, ast.Name):
        return None if node.id in bound else vars(module).get(node.id)
    if isinstance(node, ast.Attribute):
        whole = global_of(node.value, module, bound)
        is_plain = isinstance(whole, type | ModuleType)
        return getattr(whole, node.attr, None) if is_plain else None
    return None


def schema_of(node: ast.expr, module: ModuleType, values: Schema = UNKNOWN) -> Schema:
    """The shape of what an expression gives; ``values`` is that of the values of a dict with literal keys."""
    match node:
        case ast.Constant(value=bool()):
            return {"type": "boolean"}
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.Constant(value=str()) | ast.JoinedStr():
            return {"type": "string"}
        case ast.Constant(value=int()):
            return {"type": "integer"}
        case ast.Constant(value=float()):
            return {"type": "number"}
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return {"type": "boolean"}
        case ast.List() | ast.ListComp():
            return {"type": "array"}
        case ast.Dict():
            return literal_object(node, module, values) or {"type": "object"}
        case ast.Call(func=ast.Name(id=name)) if name in _MADE_BY and name not in vars(module):
            return {"type": _MADE_BY[name]}
    return UNKNOWN


def literal_object(node: ast.expr, module: ModuleType, values: Schema = UNKNOWN) -> dict[str, Any] | None:
    """The closed shape of a dict whose keys are all literal; None for any other expression."""
    if not isinstance(node, ast.Dict):
        return None
    properties: dict[str, Schema] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        name = text_of(key, module) if key is not None else None
        if name is None:
            return None
        properties[name] = schema_of(value, module) or values
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def either(shapes: list[dict[str, Any]]) -> dict[str, Any]:
    """The shape of what has one of several closed shapes."""
    if len(shapes) == 1:
        return shapes[0]
    properties: dict[str, Schema] = {}
    for shape in shapes:
        for name, schema in shape["properties"].items():
            properties[name] = schema if properties.get(name, schema) == schema else UNKNOWN
    required = [name for name in properties if all(name in shape["required"] for shape in shapes)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
