"""Masking what shouldn't be seen: values in contexts and results whose keys sound like secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

REDACTED_KEYS = ("token", "password", "secret", "authorization", "card")
MASK = "[redacted]"
PAYLOADS = frozenset({"context", "result", "metadata", "detail", "payload"})
"""What in an answer comes from callers and handlers."""

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
        return as_it_is
    secret = re.compile("|".join(wanted)).search

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: MASK if secret(_folded(key)) else masked(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [masked(inner) for inner in value]
        return value

    return masked


def payloads_redacted(redact: Redact) -> Redact:
    """A function that masks with ``redact`` what callers and handlers put into an answer, not the answer's own words.

    >>> shown = payloads_redacted(redaction(["name"]))
    >>> shown({"name": "checkout", "context": {"name": "Ada"}, "steps": [{"name": "pay", "results": {"result": [1]}}]})
    {'name': 'checkout', 'context': {'name': '[redacted]'}, 'steps': [{'name': 'pay', 'results': {'result': [1]}}]}
    """

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: redact(inner) if key in PAYLOADS else shown(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shown(inner) for inner in value]
        return value

    return shown


def as_it_is(value: Any) -> Any:
    """For those who may see everything."""
    return value


def _folded(key: str) -> str:
    return re.sub(r"[-_\s]", "", key).casefold()
