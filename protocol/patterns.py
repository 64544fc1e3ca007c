"""Patterns: what must be there of a value. What a pattern doesn't name may be anything."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

ABSENT = object()


def mismatch(pattern: Any, value: Any, at: str = "") -> str | None:
    """Where and how ``value`` isn't what ``pattern`` asks for; None where it is.

    >>> mismatch({"a": 1}, {"a": 1, "b": 2})
    >>> mismatch({"a": {"$type": "uuid"}}, {"a": "x"})
    "a: 'x' is no uuid"
    """
    if isinstance(pattern, Mapping):
        word = next(iter(pattern), "")
        if len(pattern) == 1 and word.startswith("$"):
            if word not in WORDS:
                raise ValueError(f"no pattern is called {word}; there are {', '.join(WORDS)}")
            return WORDS[word](pattern[word], value, at)
        return _object(pattern, value, at)
    if isinstance(pattern, list):
        return _list(pattern, value, at)
    return None if same(pattern, value) else f"{_place(at)}{_short(value)} instead of {_short(pattern)}"


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; 1 and 1.0 are, 1 and true aren't, and 2^53 and 2^53 + 1 aren't."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _object(pattern: Mapping[str, Any], value: Any, at: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{_place(at)}{_short(value)} is no object"
    for key, each in pattern.items():
        if key not in value and each != {"$absent": True}:
            return f"{_place(at)}no {key!r} in {_short(dict(value))}"
        if wrong := mismatch(each, value.get(key, ABSENT), f"{at}.{key}" if at else key):
            return wrong
    return None


def _list(pattern: list[Any], value: Any, at: str) -> str | None:
    if not isinstance(value, list) or len(value) != len(pattern):
        return f"{_place(at)}{_short(value)} is no list of {len(pattern)}"
    wrongs = (mismatch(each, value[place], f"{at}.{place}") for place, each in enumerate(pattern))
    return next((wrong for wrong in wrongs if wrong), None)


def _type(name: str, value: Any, at: str) -> str | None:
    return None if TYPES[name](value) else f"{_place(at)}{_short(value)} is no {name}"


def _one_of(patterns: list[Any], value: Any, at: str) -> str | None:
    wrongs = [mismatch(each, value, at) for each in patterns]
    return None if None in wrongs else f"{_place(at)}none of {len(patterns)}: {'; '.join(filter(None, wrongs))}"


def _all(patterns: list[Any], value: Any, at: str) -> str | None:
    return next((wrong for each in patterns if (wrong := mismatch(each, value, at))), None)


def _contains(pattern: Any, value: Any, at: str) -> str | None:
    if isinstance(value, list) and any(mismatch(pattern, each) is None for each in value):
        return None
    return f"{_place(at)}{_short(value)} contains no {_short(pattern)}"


def _each(pattern: Any, value: Any, at: str) -> str | None:
    return _list([pattern] * len(value), value, at) if isinstance(value, list) else f"{_place(at)}no list"


def _length(pattern: Any, value: Any, at: str) -> str | None:
    if not isinstance(value, list | str | Mapping):
        return f"{_place(at)}{_short(value)} has no length"
    return mismatch(pattern, len(value), f"{at}.length")


def _not(pattern: Any, value: Any, at: str) -> str | None:
    return None if mismatch(pattern, value) else f"{_place(at)}{_short(value)} is what must not be"


def _regex(pattern: str, value: Any, at: str) -> str | None:
    found = isinstance(value, str) and re.search(pattern, value)
    return None if found else f"{_place(at)}{_short(value)} doesn't match {pattern}"


def _at_least(least: float, value: Any, at: str) -> str | None:
    return None if _is_number(value) and value >= least else f"{_place(at)}{_short(value)} is not at least {least}"


def _at_most(most: float, value: Any, at: str) -> str | None:
    return None if _is_number(value) and value <= most else f"{_place(at)}{_short(value)} is not at most {most}"


def _exactly(whole: Any, value: Any, at: str) -> str | None:
    return None if same(whole, value) else f"{_place(at)}{_short(value)} is not exactly {_short(whole)}"


def _absent(wanted: bool, value: Any, at: str) -> str | None:
    if (value is ABSENT) is wanted:
        return None
    return f"{_place(at)}{'is there' if wanted else 'is missing'}"


WORDS: dict[str, Callable[[Any, Any, str], str | None]] = {
    "$type": _type,
    "$one_of": _one_of,
    "$all": _all,
    "$contains": _contains,
    "$each": _each,
    "$length": _length,
    "$not": _not,
    "$regex": _regex,
    "$at_least": _at_least,
    "$at_most": _at_most,
    "$exactly": _exactly,
    "$absent": _absent,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


TYPES: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: value is not ABSENT,
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "list": lambda value: isinstance(value, list),
    "uuid": _is_uuid,
}


def _place(at: str) -> str:
    return f"{at}: " if at else ""


def _short(value: Any) -> str:
    text = "nothing" if value is ABSENT else repr(value)
    return text if len(text) <= 300 else f"{text[:240]}... ({len(text)} characters)"
