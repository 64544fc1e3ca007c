"""Typed pydantic models of a template's schemas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasker_core.generating.names import field_name, pascal, text, unused
from tasker_core.rules.template import Template

SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
LIMITS = {
    "minLength": "min_length", "maxLength": "max_length", "minItems": "min_length", "maxItems": "max_length",
    "pattern": "pattern", "minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}  # fmt: skip
KINDS_OF_LIMITS = {
    "str": {"minLength", "maxLength", "pattern"},
    "int": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "float": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "list": {"minItems", "maxItems"},
}
WIDTH = 120
SERIALIZER = '''class Said(BaseModel):
    """A model whose JSON has the keys of its schema, and leaves out what wasn't said."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    @model_serializer(mode="wrap")
    def _as_said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole: dict[str, Any] = dump(self)
        fields = type(self).model_fields
        silent = {field.alias or name for name, field in fields.items() if name not in self.model_fields_set}
        return {key: value for key, value in whole.items() if key not in silent}'''


@dataclass(slots=True)
class Models:
    """The models of one template: ``input`` is the class of its context, ``results`` that of each step's result.

    A schema that isn't of an object with properties has none.

    >>> template = Template.from_content({
    ...     "name": "order", "namespace_name": "shop", "version": "1.0.0",
    ...     "steps": [{"name": "pay", "handler": {"callable": "pay"}, "result_schema": {
    ...         "type": "object", "required": ["cents"], "properties": {"cents": {"type": "integer", "minimum": 1}}}}],
    ... })
    >>> print(Models.of(template).source().split("class ")[1])
    PayResult(BaseModel):
        cents: int = Field(ge=1)
    <BLANKLINE>
    """

    template: Template
    input: str | None = None
    input_has_other_names: bool = False
    results: dict[str, str] = field(default_factory=dict)
    _classes: dict[str, str] = field(default_factory=dict)
    _references: dict[str, str] = field(default_factory=dict)
    _uses: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, template: Template) -> Models:
        """The models that a template's schemas make."""
        models = cls(template)
        if (schema := template.input_schema) and _has_properties(schema):
            models.input = models._object(f"{pascal(template.name)}Input", schema, schema, {})
            models.input_has_other_names = any(field_name(key) != key for key in _properties(schema))
        for step in template.steps:
            if (schema := step.result_schema) and _has_properties(schema):
                models.results[step.name] = models._object(f"{pascal(step.name)}Result", schema, schema, {})
        return models

    def source(self) -> str:
        """The module's text."""
        classes = [*([SERIALIZER] if "model_serializer" in self._uses else []), *self._classes.values()]
        body = "\n\n\n".join(classes)
        head = f'"""What task template {self.template.identity} and its steps hand on, as models."""'
        typing = sorted(self._uses & {"Any", "Literal"})
        imports = [f"from typing import {', '.join(typing)}"] if typing else []
        names = sorted(({"BaseModel"} if classes else set()) | self._uses - {"Any", "Literal"}, key=str.swapcase)
        pydantic = [f"from pydantic import {', '.join(sorted(names))}"] if names else []
        blocks = ["\n".join(block) for block in (["from __future__ import annotations"], imports, pydantic) if block]
        return "\n\n".join([head, *blocks]) + (f"\n\n\n{body}\n" if body else "\n")

    def _object(self, name: str, schema: Mapping[str, Any], root: Mapping[str, Any], refs: dict[str, str]) -> str:
        name = unused(name, self._classes)
        self._classes[name] = ""
        required, lines, taken = set(schema.get("required", ())), list[str](), set[str]()
        has_silent = False
        for key, inner in _properties(schema).items():
            said = inner if isinstance(inner, Mapping) else {}
            own = unused(field_name(key), taken)
            taken.add(own)
            has_silent |= key not in required or own != key
            lines.append(self._field(own, key, said, key in required, self._type(said, name + pascal(key), root, refs)))
        closed = schema.get("additionalProperties") is False
        base = "Said" if has_silent else "BaseModel"
        if has_silent:
            self._uses |= {"ConfigDict", "SerializerFunctionWrapHandler", "model_serializer", "Any"}
        if closed:
            self._uses.add("ConfigDict")
            lines.insert(0, 'model_config = ConfigDict(extra="forbid")\n')
        if description := _one_line(schema.get("description")):
            lines.insert(0, f'"""{description}"""\n')
        body = "\n".join(f"    {line}" if line else "" for piece in lines for line in piece.split("\n"))
        self._classes[name] = f"class {name}({base}):\n{body.rstrip() or '    pass'}"
        # A class stands behind those that its fields name.
        self._classes[name] = self._classes.pop(name)
        return name

    def _field(self, name: str, key: str, schema: Mapping[str, Any], is_required: bool, kind: str) -> str:
        limits = [
            f"{LIMITS[limit]}={_literal(schema[limit])}"
            for limit in LIMITS
            if limit in schema and limit in KINDS_OF_LIMITS.get(kind.split("[")[0], ()) and _is_usable(schema[limit])
        ]
        default = None
        if not is_required:
            given = schema.get("default")
            simple = isinstance(given, str | int | float | bool) and kind.split("[")[0] in (
                "str",
                "int",
                "float",
                "bool",
            )
            default = _literal(given) if simple else "None"
            if default == "None" and "None" not in kind.split(" | ") and kind != "Any":
                kind = f"{kind} | None"
        alias = [f"alias={text(key)}"] if name != key else []
        if not limits and not alias:
            return f"{name}: {kind}" + (f" = {default}" if default is not None else "")
        self._uses.add("Field")
        arguments = [*([default] if default is not None else []), *alias, *limits]
        line = f"{name}: {kind} = Field({', '.join(arguments)})"
        if len(line) + 4 <= WIDTH:
            return line
        return f"{name}: {kind} = Field(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"

    def _type(self, schema: Mapping[str, Any], name: str, root: Mapping[str, Any], refs: dict[str, str]) -> str:
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, root, refs)
        if "const" in schema or "enum" in schema:
            return self._one_of([schema["const"]] if "const" in schema else schema["enum"])
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                ways = enumerate((way for way in schema[key] if isinstance(way, Mapping)), 1)
                return _union(self._type(way, f"{name}{at}", root, refs) for at, way in ways)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return _union(self._type({**schema, "type": kind}, name, root, refs) for kind in kinds)
        if _has_properties(schema):
            return self._object(name, schema, root, refs)
        if kinds == "array":
            items = schema.get("items")
            inner = self._type(items, f"{name}Item", root, refs) if isinstance(items, Mapping) else self._any()
            return f"list[{inner}]"
        if kinds == "object":
            more = schema.get("additionalProperties")
            inner = self._type(more, f"{name}Value", root, refs) if isinstance(more, Mapping) else self._any()
            return f"dict[str, {inner}]"
        return SIMPLE.get(str(kinds)) or self._any()

    def _referred(self, reference: str, root: Mapping[str, Any], refs: dict[str, str]) -> str:
        if reference in refs:
            return refs[reference]
        found: Any = root
        for part in reference.removeprefix("#").strip("/").split("/"):
            found = (
                found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) and part else None
            )
        if not reference.startswith("#/") or not isinstance(found, Mapping):
            return self._any()
        name = unused(pascal(reference.rpartition("/")[2]), self._classes)
        if not _has_properties(found):
            refs[reference] = self._any()
            refs[reference] = self._type(found, name, root, refs)
            return refs[reference]
        refs[reference] = name
        return self._object(name, found, root, refs)

    def _one_of(self, values: list[Any]) -> str:
        if not all(isinstance(value, str | int | bool | None) for value in values) or not values:
            return self._any()
        if values == [None]:
            return "None"
        self._uses.add("Literal")
        literals = [_literal(value) for value in values if value is not None]
        return f"Literal[{', '.join(literals)}]" + (" | None" if None in values else "")

    def _any(self) -> str:
        self._uses.add("Any")
        return "Any"


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object by name; of those that are only required nothing is said."""
    if schema.get("type", "object") != "object":
        return {}
    named = schema.get("properties")
    required = [key for key in schema.get("required", ()) if isinstance(key, str)]
    return {**(named if isinstance(named, Mapping) else {}), **{k: {} for k in required if k not in (named or {})}}


def _has_properties(schema: Mapping[str, Any]) -> bool:
    return bool(_properties(schema))


def _union(kinds: Any) -> str:
    parts = list(dict.fromkeys(part for kind in kinds for part in _parts(kind)))
    if "Any" in parts or not parts:
        return "Any"
    return " | ".join([*(part for part in parts if part != "None"), *(["None"] if "None" in parts else [])])


def _parts(kind: str) -> list[str]:
    """The members of a union that isn't inside brackets."""
    parts, depth, begin = [], 0, 0
    for at, sign in enumerate(kind):
        depth += (sign == "[") - (sign == "]")
        if sign == "|" and not depth:
            parts.append(kind[begin:at].strip())
            begin = at + 1
    return [*parts, kind[begin:].strip()]


def _literal(value: Any) -> str:
    return text(value) if isinstance(value, str) else repr(value)


def _is_usable(limit: Any) -> bool:
    if isinstance(limit, str):
        return all(sign not in limit for sign in ("(?=", "(?!", "(?<", "\\Z"))
    return isinstance(limit, int | float) and not isinstance(limit, bool) and math.isfinite(limit)


def _one_line(said: Any) -> str:
    """A description as the one line of a docstring."""
    if not isinstance(said, str):
        return ""
    line = " ".join(said.split()).replace("\\", "\\\\").replace('"""', "'''")
    line = line[: WIDTH - 15].rstrip()
    line = line if line.endswith((".", "!", "?")) or not line else f"{line}."
    return f"{line} " if line.endswith('"') else line
