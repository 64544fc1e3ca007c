"""What a value looks like, as JSON Schema, and whether what one step makes is what another one takes.

Only what is sure is told: an unknown shape agrees with everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

UNKNOWN: Schema = {}
DEEPEST = 12

_TAKES: dict[str, frozenset[str]] = {
    "integer": frozenset({"integer", "number"}),
    "number": frozenset({"number"}),
}
"""By the type of a value, the types that JSON Schema takes it for; else its own."""
_TAKES_LAX: dict[str, frozenset[str]] = {
    **_TAKES,
    "boolean": frozenset({"boolean", "integer", "number"}),
}
"""The same for pydantic, which is more lenient."""
_OBJECT, _ARRAY = frozenset({"object"}), frozenset({"array"})
_FROM_NUMBERS = frozenset({"date-time", "date", "time", "duration", "decimal"})


@dataclass(frozen=True)
class Shape:
    """A schema, with the whole document that its references lead into.

    ``is_closed`` tells that an object has no other fields than its ``properties``, as what a pydantic model dumps.
    """

    schema: Schema
    document: Schema
    is_closed: bool = False

    def at(self, schema: Schema) -> Shape:
        """A part of this shape."""
        return Shape(_resolved(schema, self.document), self.document, self.is_closed)

    @property
    def is_object(self) -> bool:
        return self.schema.get("type") == "object"

    @property
    def properties(self) -> Mapping[str, Schema]:
        found = self.schema.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def required(self) -> tuple[str, ...]:
        found = self.schema.get("required")
        return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()

    @property
    def other_names(self) -> Mapping[str, Sequence[str]]:
        """By property, the other names that a model takes it by."""
        found: Mapping[str, Sequence[str]] = self.schema.get("x-other-names", {})
        return found

    @property
    def is_complete(self) -> bool:
        """Whether every field that may be there is among ``properties``."""
        if self.schema.keys() & {"patternProperties", "allOf", "anyOf", "oneOf", "if", "$ref", "dependentSchemas"}:
            return False
        more = self.schema.get("additionalProperties")
        if self.is_closed:
            return self.is_object and more in (None, False) and "properties" in self.schema
        return more is False

    @property
    def lists_fields(self) -> bool:
        """Whether ``properties`` are all that its author thought of, though more may be there."""
        if self.schema.keys() & {"patternProperties", "allOf", "anyOf", "oneOf", "if", "$ref", "dependentSchemas"}:
            return False
        return bool(self.properties) and self.schema.get("additionalProperties") in (None, False)

    def field(self, name: str) -> Shape | None:
        """The shape of a field; None where it isn't among ``properties``."""
        schema = self.properties.get(name)
        return self.at(schema) if isinstance(schema, Mapping) else None

    def types(self) -> frozenset[str] | None:
        """The JSON types that a value may have; None where that can't be told."""
        return _types(self.schema, self.document, DEEPEST)

    def step_into(self, key: str | int) -> Shape | None:
        """What a subscript gets; None where nothing is known of it."""
        if isinstance(key, int):
            items = self.schema.get("items")
            return self.at(items) if isinstance(items, Mapping) else None
        return self.field(key)


@dataclass(frozen=True)
class Misfit:
    """Something that doesn't agree: at ``path``, of a ``kind`` (missing, may_be_missing, extra, type, null)."""

    kind: str
    path: tuple[str, ...]
    made: str = ""
    wanted: str = ""
    fields: tuple[str, ...] = ()
    """What is there, where ``kind`` is missing."""

    @property
    def field(self) -> str:
        return ".".join(self.path)


def whole(document: Schema, *, is_closed: bool = False) -> Shape:
    """The shape that a whole JSON Schema describes."""
    return Shape(_resolved(document, document), document, is_closed)


def misfits(made: Shape, wanted: Shape, *, lax: bool, path: tuple[str, ...] = ()) -> Iterator[Misfit]:
    """What of ``made`` isn't what ``wanted`` takes. ``lax``: pydantic takes it, and converts a little."""
    if len(path) > DEEPEST:
        return
    are, may_be = made.types(), wanted.types()
    if are and may_be:
        odd = [kind for kind in sorted(are - {"null"}) if not _fits(kind, made, may_be, wanted, lax)]
        if odd and len(odd) == len(are - {"null"}):
            yield Misfit("type", path, in_words(are), in_words(may_be))
            return
        if "null" in are and "null" not in may_be and are != {"null"}:
            yield Misfit("null", path, in_words(are), in_words(may_be))
    if are == _OBJECT and may_be == _OBJECT and wanted.is_object and made.is_object:
        yield from _fields(made, wanted, lax, path)
    elif are == _ARRAY and may_be == _ARRAY:
        ours, theirs = made.schema.get("items"), wanted.schema.get("items")
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            inner = (*path[:-1], f"{path[-1] if path else ''}[]")
            yield from misfits(made.at(ours), wanted.at(theirs), lax=lax, path=inner)


def _fields(made: Shape, wanted: Shape, lax: bool, path: tuple[str, ...]) -> Iterator[Misfit]:
    for name, theirs in wanted.properties.items():
        others = wanted.other_names.get(name, ())
        ours = next((found for key in (name, *others) if (found := made.field(key)) is not None), None)
        required = name in wanted.required
        if ours is None:
            if required and (made.is_complete or made.lists_fields) and not {name, *others} & {*made.required}:
                yield Misfit("missing", (*path, name), fields=tuple(made.properties))
        else:
            if required and not made.is_closed and made.lists_fields and name not in made.required:
                yield Misfit("may_be_missing", (*path, name))
            if isinstance(theirs, Mapping):
                yield from misfits(ours, wanted.at(theirs), lax=lax, path=(*path, name))
    if wanted.schema.get("additionalProperties") is False and made.is_closed and made.is_complete:
        accepted = {*wanted.properties, *(name for more in wanted.other_names.values() for name in more)}
        for name in made.properties:
            if name not in accepted:
                yield Misfit("extra", (*path, name), fields=tuple(wanted.properties))
    for name in wanted.required:
        if name not in wanted.properties and made.is_complete and name not in made.properties:
            yield Misfit("missing", (*path, name), fields=tuple(made.properties))


def takes(kind: str) -> frozenset[str]:
    """The types of JSON Schema that take a value of this one."""
    return _TAKES.get(kind, frozenset({kind}))


def _fits(kind: str, made: Shape, may_be: frozenset[str], wanted: Shape, lax: bool) -> bool:
    if (_TAKES_LAX.get(kind, frozenset({kind})) if lax else takes(kind)) & may_be:
        return True
    if not lax:
        return False
    if kind == "string":  # pydantic reads numbers from texts; a plain text is most likely none
        return bool(made.schema.keys() & {"format", "pattern", "enum", "const"}) and bool(
            may_be & {"integer", "number", "boolean"}
        )
    if kind in ("integer", "number") and "string" in may_be:
        return wanted.schema.get("format") in _FROM_NUMBERS
    return False


def _types(schema: Schema, document: Schema, deepest: int) -> frozenset[str] | None:
    schema = _resolved(schema, document)
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list):
        return frozenset(said)
    if "const" in schema or "enum" in schema:
        return frozenset(_type_of(value) for value in schema.get("enum", [schema.get("const")]))
    parts = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(parts, list) or not deepest:
        return None
    found: set[str] = set()
    for part in parts:
        inner = _types(part, document, deepest - 1) if isinstance(part, Mapping) else None
        if inner is None:
            return None
        found |= inner
    return frozenset(found)


def _type_of(value: Any) -> str:
    kinds: dict[type, str] = {
        bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"
    }  # fmt: skip
    return kinds.get(type(value), "null")


def _resolved(schema: Schema, document: Schema) -> Schema:
    for _ in range(DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target: Any = document
        for part in reference[2:].split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            return UNKNOWN
        schema = target
    return schema


def in_words(types: frozenset[str]) -> str:
    words = {"null": "nothing", "string": "text", "integer": "a whole number", "number": "a number",
             "boolean": "true or false", "array": "a list", "object": "an object"}  # fmt: skip
    named = [words.get(kind, kind) for kind in sorted(types - {"null"})] + (["nothing"] if "null" in types else [])
    return " or ".join(named)
