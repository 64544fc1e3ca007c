"""JSON Schemas: compiled once, asked often. Nothing is ever fetched: a ``$ref`` stays inside its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jsonschema_rs import ReferencingError, ValidationError, ValidationErrorKind, Validator, validator_for

from tasker_core.rules.findings import Path
from tasker_core.words import Violation

MOST_VIOLATIONS = 10
"""Of one payload; the first ones say what is wrong, and a large payload could have thousands."""
LONGEST_TEXT = 500

_ELSEWHERE = "leads to nothing in this schema; nothing is fetched from elsewhere"
_WHY_DANGLING = {
    "$ref": _ELSEWHERE,
    "$dynamicRef": _ELSEWHERE,
    "$recursiveRef": _ELSEWHERE,
    "$schema": "names no draft that is known; there are 4, 6, 7, 2019-09 and 2020-12",
}


class InvalidSchema(ValueError):
    """A mapping that isn't JSON Schema; ``path`` leads to what is wrong in it."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


class Schema:
    """A JSON Schema, ready to be asked. Raises InvalidSchema.

    >>> schema = Schema({"properties": {"quantity": {"type": "integer"}}, "required": ["sku"]})
    >>> for violation in schema.violations({"quantity": "two"}):
    ...     print(violation)
    "sku" is a required property
    /quantity: the value is not of type "integer"
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        check(schema)
        # Masked, since a message is stored, logged and shown where the payload itself may not be.
        self._validator = _compile(schema, mask="the value")

    def violations(self, value: Any) -> tuple[Violation, ...]:
        """What in ``value`` doesn't fit, at most ``MOST_VIOLATIONS``; () if all does."""
        try:
            if self._validator.is_valid(value):
                return ()
            found = islice(self._validator.iter_errors(value), MOST_VIOLATIONS)
            return tuple(Violation(pointer(error.instance_path), _short(error.message)) for error in found)
        except ValueError as error:
            return (Violation("", f"can't be checked: {_short(str(error))}"),)


def check(schema: Mapping[str, Any]) -> None:
    """Raise InvalidSchema for what isn't JSON Schema, or refers to something that the schema itself doesn't hold."""
    _compile(schema, mask=None)


def pointer(path: list[str | int]) -> str:
    """A path as JSON Pointer (RFC 6901).

    >>> pointer(["items", 0, "a/b"])
    '/items/0/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)[:LONGEST_TEXT]


def _compile(schema: Mapping[str, Any], mask: str | None) -> Validator:
    try:
        return validator_for(dict(schema), validate_formats=False, mask=mask, offline=True)
    except ValidationError as error:
        if isinstance(error.kind, ValidationErrorKind.Referencing):
            raise _dangling(schema, error.message) from None
        raise InvalidSchema(_short(error.message), tuple(error.instance_path)) from None
    except ReferencingError as error:
        raise _dangling(schema, str(error)) from None
    except ValueError as error:
        raise InvalidSchema(_short(str(error))) from None


def _dangling(schema: Mapping[str, Any], message: str) -> InvalidSchema:
    """The library doesn't tell where the reference stands: it is looked for by what the message quotes of it."""
    for path, reference in _references(schema, ()):
        document, _, fragment = reference.partition("#")
        if (document.removeprefix("./") or fragment) in message:
            return InvalidSchema(_short(f"{path[-1]} {reference!r} {_WHY_DANGLING[str(path[-1])]}"), path)
    return InvalidSchema(_short(message))


def _references(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _WHY_DANGLING and isinstance(item, str):
                yield (*path, key), item
            yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _references(item, (*path, number))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."
