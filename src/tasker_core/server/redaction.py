"""Masking what shouldn't be seen: values in contexts and results whose keys sound like secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

REDACTED_KEYS = ("token", "password", "secret", "authorization", "card")
MASK = "[redacted]"

Redact: TypeAlias = Callable[[Any], Any]


def redaction(keys: Sequence[str] = REDACTED_KEYS) -> Redact:
    """A function that masks JSON values: the whole value below each key that contains one of ``keys``, in any case.

    A part of a key suffices, and ``-``, ``_`` and spaces don't count: to mask too much is a nuisance, to mask too
    little a leak. What it is given stays as it was.

    >>> redact = redaction()
    >>> redact({"order": 7, "cardNumber": "4111", "user": [{"PASSWORD": {"old": 1}}]})
    {'order': 7, 'cardNumber': '[redacted]', 'user': [{'PASSWORD': '[redacted]'}]}
    >>> redaction(["api_key"])({"Api-Key": "k", "token": "t"})
    {'Api-Key': '[redacted]', 'token': 't'}
    """
    wanted = [re.escape(folded) for key in keys if (folded := _folded(key))]
    if not wanted:
        return lambda value: value
    secret = re.compile("|".join(wanted)).search

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: MASK if secret(_folded(key)) else masked(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [masked(inner) for inner in value]
        return value

    return masked


def _folded(key: str) -> str:
    return re.sub(r"[-_\s]", "", key).casefold()
