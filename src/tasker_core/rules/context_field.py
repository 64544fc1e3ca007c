"""A field of a context, found by its path, and what it is compared with."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tasker_core.rules.payload import decode, encode
from tasker_core.words import JsonText

Part: TypeAlias = str | int

_PART = re.compile(r"""\.?([^\W\d][\w-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]""", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
DEEPEST, LONGEST_NUMBER = 100, 400


def read_path(text: str) -> tuple[Part, ...]:
    """The parts of a path: keys, and places in lists from 0. Raises ValueError, saying what would be right.

    >>> read_path("$.customer.id"), read_path('items[0]["a key"]')
    (('customer', 'id'), ('items', 0, 'a key'))
    """
    rest = text[1:] if text.startswith("$") else f".{text}" if not text.startswith("[") else text
    parts: list[Part] = []
    while rest:
        match = _PART.match(rest)
        if match is None or (rest[0] not in ".[") or len(parts) == DEEPEST:
            raise ValueError(f'must be a path like customer.id or items[0]["a key"]; found {text!r}')
        key, place, quoted = match.groups()
        parts.append(int(place) if place else decode(quoted) if quoted else key)
        rest = rest[match.end() :]
    if not parts:
        raise ValueError("must name a field, like customer.id")
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class ContextField:
    """The field of a context at ``path`` must have ``value``, a text that is taken as what the field is.

    >>> field = ContextField(("customer", "id"), "42")
    >>> [field.is_in(context) for context in ('{"customer":{"id":42}}', '{"customer":{"id":"42"}}', '{"customer":42}')]
    [True, True, False]
    """

    path: Sequence[Part]
    value: str

    def is_in(self, context: JsonText) -> bool:
        """Whether ``context`` has such a field. A value that can't be what the field is doesn't match."""
        value: Any = decode(context)
        for part in self.path:
            fits = isinstance(value, dict) and part in value
            if isinstance(part, int):
                fits = isinstance(value, list) and part < len(value)
            if not fits:
                return False
            value = value[part]
        return _is(value, self.value)

    @property
    def needles(self) -> list[str]:
        """Texts that a context which matches has in it, as it is stored."""
        keys = [f"{encode(part, 'path')}:" for part in self.path if isinstance(part, str)]
        # A number may be written in several ways.
        return keys if _NUMBER.fullmatch(self.value) else [*keys, encode(self.value, "value")[1:-1]]


def _is(field: Any, text: str) -> bool:
    match field:
        case str():
            return field == text
        case bool() | None:
            return text == ("null" if field is None else str(field).lower())
        case int() | float() if len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text):
            if _WHOLE.fullmatch(text):
                return bool(field == int(text))
            return math.isfinite(float(text)) and bool(field == float(text))
    return False
