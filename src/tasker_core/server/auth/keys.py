"""API keys: made from 256 bits of chance, kept as SHA-256, compared in constant time.

A fast hash is right here. What slow ones protect is guessable; nobody guesses a key like these, with any hash. So keys
that could be guessed are refused instead, where they are hashed.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.principal import LONGEST_NAME, Principal
from tasker_core.server.permissions import granted, why_unknown

PREFIX = "tsk_"
"""Begins every key that Tasker makes, so that a scanner finds one where it shouldn't be."""
SHORTEST_KEY, LONGEST_KEY = 32, 256
LEAST_BITS = 100
"""How much a key's characters must say: 32 random hexadecimal digits say about 115 bits by this measure."""

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the configuration holds it.

    Args:
        hash: ``sha256:`` and 64 hexadecimal digits, as ``tasker auth hash-key`` prints it.
        permissions: what its bearer may do, such as ``tasks:create`` or ``tasks:*``.
        description: whose key it is; the record and the log name it so.
    """

    hash: str
    permissions: tuple[str, ...]
    description: str = ""


def new_key() -> str:
    """A new key.

    >>> len(new_key()), why_weak(new_key())
    (47, None)
    """
    # One in a thousand has no digit, and would be refused.
    while why_weak(key := PREFIX + secrets.token_urlsafe(32)):
        pass
    return key


def hash_key(key: str) -> str:
    """The hash of ``key`` for the configuration. Raises InvalidRequestError for a key that could be guessed.

    >>> hash_key("tsk_mlTyRR1Rj-hGTlbCD1pvDRVz9jXF4d5VkLSDxEs9nQY")
    'sha256:9a620d3bf23f5c2406ef054fe95bf75b8153b2322229950ab7432637040be579'
    """
    if weakness := why_weak(key):
        raise InvalidRequestError(f"this key {weakness}; `tasker auth generate-api-key` makes a good one", field="key")
    return _hashed(key)


def why_weak(key: str) -> str | None:
    """Why ``key`` won't do, or None."""
    if not key.isascii() or not key.isprintable() or " " in key:
        return "has characters that no header carries safely: use letters, digits and punctuation of ASCII"
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        return f"has {len(key)} characters: from {SHORTEST_KEY} to {LONGEST_KEY} are right"
    has_both = any(c.isalpha() for c in key) and any(c.isdigit() for c in key)
    shares = [count / len(key) for count in Counter(key).values()]
    bits = -len(key) * sum(share * math.log2(share) for share in shares)
    triples = [key[at : at + 3] for at in range(len(key) - 2)]
    repeats = len(set(triples)) < 0.8 * len(triples)
    if not has_both or repeats or bits < LEAST_BITS:
        return "looks as if somebody had thought it up: only chance makes keys that can't be guessed"
    return None


class KeyRing:
    """The keys that a server accepts. Raises InvalidRequestError for a hash or permission that isn't one."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._bearers = [(key.hash, _bearer(key, at)) for at, key in enumerate(keys, 1)]
        seen = Counter(known for known, _ in self._bearers)
        if repeated := [f"number {at}" for at, (known, _) in enumerate(self._bearers, 1) if seen[known] > 1]:
            raise InvalidRequestError(f"API keys {' and '.join(repeated)} are the same key", field="api_keys")

    def __len__(self) -> int:
        return len(self._bearers)

    def find(self, key: str) -> Principal | None:
        """Who bears ``key``, or None. Takes as long for every key of one length."""
        given = _hashed(key)
        found = None
        for known, bearer in self._bearers:
            if hmac.compare_digest(known, given):
                found = bearer
        return found


def _bearer(key: ApiKey, at: int) -> Principal:
    place = f"API key number {at}" + (f" ({key.description})" if key.description else "")
    if not _HASH.fullmatch(key.hash):
        raise InvalidRequestError(
            f"{place}: its hash must be sha256: and 64 hexadecimal digits; `tasker auth hash-key` prints it",
            field="api_keys",
        )
    if not key.permissions:
        raise InvalidRequestError(f"{place}: it has no permissions; `tasker auth show-permissions` lists them")
    for permission in key.permissions:
        if wrong := why_unknown(permission):
            raise InvalidRequestError(f"{place}: {wrong}", field="api_keys")
    return Principal(key.description[:LONGEST_NAME] or f"api key {at}", "api_key", granted(key.permissions))


def _hashed(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()
