"""What a YAML scalar means, and what a Python value means that stands for a template."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST_NUMBER = 400
"""Characters of a number; no clock, count or price comes near it."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAG = "tag:yaml.org,2002:"


class NotJson(ValueError):
    """A value that JSON can't hold; the message says what it is."""


def scalar_value(text: str, tag: str | None = None, plain: bool = True) -> Any:
    """The value of a scalar: by its form if it is ``plain`` (without quotes), by its tag if it has one.

    Raises NotJson for infinity, numbers beyond all measure, and tags that JSON has no value for.

    >>> [scalar_value(text) for text in ("3", "1.5", "true", "on", "1.0.0", "~")]
    [3, 1.5, True, 'on', '1.0.0', None]
    """
    if tag is None or tag == "!":
        return _by_form(text) if plain and tag is None else text
    if tag == f"{_TAG}str":
        return text
    value = _by_form(text)
    kinds: dict[str, type | tuple[type, ...]] = {
        "int": int, "float": (int, float), "bool": bool, "null": type(None)
    }  # fmt: skip
    kind = kinds.get(tag.removeprefix(_TAG))
    if kind is None:
        raise NotJson(unknown_tag(tag))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise NotJson(f"{text!r} doesn't fit its tag '!!{tag.removeprefix(_TAG)}'")
    return value


def unknown_tag(tag: str) -> str:
    """Says that a template has no use for ``tag``."""
    return f"the tag {tag.replace(_TAG, '!!')!r} means nothing in a template"


def _by_form(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _NO_NUMBER.fullmatch(text):
        raise NotJson(f"{text} is no number that JSON knows; put it in quotes if a text is meant")
    is_int, is_other_int = _INT.fullmatch(text), _OTHER_INT.fullmatch(text)
    if not (is_int or is_other_int or _FLOAT.fullmatch(text)):
        return text
    if len(text) > LONGEST_NUMBER:
        raise NotJson(f"this number has {len(text):,} characters; put it in quotes if a text is meant")
    if is_int:
        return int(text)
    if is_other_int:
        return int(text, 0)
    return _finite(float(text), text)


def _finite(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise NotJson(f"{text} is no number that JSON knows")
    return number


def plain_data(value: Any, deepest: int, path: str = "") -> Any:
    """``value`` as JSON would have it: tuples as lists, dates as ISO 8601 text.

    Raises NotJson, naming the place, for anything else that JSON can't hold and for more than ``deepest`` levels.
    """
    where = path.removeprefix(".") or "the template"
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) >= 10**LONGEST_NUMBER:
            raise NotJson(f"{where} is too large a number")
        return int(value)
    if isinstance(value, float):
        return _finite(float(value), f"{where} ({value})")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if not isinstance(value, Mapping | list | tuple):
        raise NotJson(f"{where} is a {type(value).__name__}; a template holds what JSON can hold")
    if not deepest:
        raise NotJson(f"{where} is nested too deeply, or contains itself")
    if isinstance(value, list | tuple):
        return [plain_data(item, deepest - 1, f"{path}[{number}]") for number, item in enumerate(value)]
    for key in value:
        if not isinstance(key, str):
            raise NotJson(f"{where} has the key {key!r}; a key must be text")
    return {str(key): plain_data(item, deepest - 1, f"{path}.{key}") for key, item in value.items()}
