"""Payloads: contexts, results and errors, encoded once and kept as text from then on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic_core import from_json

from tasker_core.errors import PayloadError, PayloadTooLargeError
from tasker_core.words import JsonText

LARGEST_PAYLOAD = 1024 * 1024
DEEPEST_PAYLOAD = 100

_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_canonical = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)


def encode(value: Any, what: str, largest: int = LARGEST_PAYLOAD, deepest: int = DEEPEST_PAYLOAD) -> JsonText:
    """``value`` as JSON text: ASCII, key order kept, no NaN or infinity.

    ``what`` names the value in errors ("context", "result of step 'x'"); ``largest`` is in bytes, ``deepest`` levels.
    Raises PayloadError when the value isn't JSON or is too deep, PayloadTooLargeError when it is too large.

    >>> encode({"name": "café", "n": [1, 2]}, "context")
    '{"name":"caf\\\\u00e9","n":[1,2]}'
    """
    try:
        text = _encoder.encode(value)
    except RecursionError:
        raise PayloadError(f"the {what} is nested too deeply, or contains itself; at most {deepest} levels") from None
    except (TypeError, ValueError) as error:
        raise PayloadError(f"the {what} can't be written as JSON: {_culprit(value) or error}") from None
    if len(text) > largest:
        raise PayloadTooLargeError(
            f"the {what} is {len(text):,} bytes as JSON; at most {largest:,} are kept. "
            "Store large data elsewhere and pass a reference to it"
        )
    # A text with fewer brackets than levels can't be too deep: the usual case costs two counts and no walk.
    if text.count("{") + text.count("[") > deepest and _depth(value) > deepest:
        raise PayloadError(f"the {what} is nested deeper than {deepest} levels")
    return text


def decode(text: JsonText | bytes) -> Any:
    """The value that ``text`` holds."""
    try:
        return from_json(text)
    except ValueError:
        # A lone half of a surrogate pair is a valid text in Python and in its JSON, not so for the quick parser.
        return json.loads(text)


def parse(text: str | bytes, source: str, *, field: str | None = None) -> Any:
    """The value in somebody's JSON text: UTF-8, no key twice in one object, no NaN or infinity.

    Raises PayloadError, which names ``source``, line and column, and carries ``field``.

    >>> parse('{"n": 1, "n": 2}', "order.json")
    Traceback (most recent call last):
    ...
    tasker_core.errors.client.PayloadError: order.json: the key 'n' stands twice in one object
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        said = f"not UTF-8 text ({error.reason} at byte {error.start})"
    except json.JSONDecodeError as error:
        raise PayloadError(f"{source}:{error.lineno}:{error.colno}: not JSON: {error.msg}", field=field) from None
    except RecursionError:
        said = f"nested too deeply; at most {DEEPEST_PAYLOAD} levels"
    except ValueError as error:
        said = str(error)
    raise PayloadError(f"{source}: {said}", field=field)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of ``value``: keys sorted, so that their order doesn't matter."""
    return hashlib.sha256(_canonical.encode(value).encode()).hexdigest()


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        level = [
            item
            for v in level
            for item in (v.values() if isinstance(v, dict) else v)
            if isinstance(item, dict | list | tuple)
        ]
        deepest += 1
    return deepest


def _culprit(value: Any, path: str = "", seen: frozenset[int] = frozenset()) -> str | None:
    """Where in ``value`` the first thing is that JSON doesn't know."""
    if id(value) in seen:
        return f"{path or 'it'} contains itself"
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                return f"{path or 'it'} has a key that is a {type(key).__name__}"
            if found := _culprit(item, f"{path}[{key!r}]", seen | {id(value)}):
                return found
        return None
    if isinstance(value, list | tuple):
        items = enumerate(value)
        return next((found for n, item in items if (found := _culprit(item, f"{path}[{n}]", seen | {id(value)}))), None)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f"{path or 'it'} is {value}, which JSON doesn't know"
    if value is None or isinstance(value, str | int | float | bool):
        return None
    return f"{path or 'it'} is a {type(value).__name__}; convert it to text, a number, a list or a dict"
