"""From the headers of a request to who sent it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.failure import AuthFailure, Reason
from tasker_core.server.auth.keys import LONGEST_KEY, KeyRing
from tasker_core.server.auth.principal import NOBODY, Principal
from tasker_core.server.auth.tokens import Tokens

TAKEN = (
    "authorization",
    "host",
    "origin",
    "cookie",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")


class Headers(Protocol):
    """The headers of a request, each with all its values."""

    def getlist(self, key: str) -> Sequence[str]: ...


class Authenticator:
    """Knows callers by an API key in ``api_key_header``, or by a token in ``Authorization: Bearer``."""

    def __init__(self, keys: KeyRing, tokens: Tokens | None = None, api_key_header: str = "X-API-Key") -> None:
        if not _HEADER.fullmatch(api_key_header) or api_key_header.lower() in TAKEN:
            raise InvalidRequestError(
                f"api_key_header: {api_key_header!r} can't be the header of API keys; X-API-Key is one",
                field="api_key_header",
            )
        self._keys, self._tokens, self.api_key_header = keys, tokens, api_key_header

    def begin(self) -> None:
        """Get what tokens are checked with, in the running event loop."""
        if self._tokens is not None:
            self._tokens.begin()

    async def identify(self, headers: Headers) -> Principal:
        """Who sent ``headers``: NOBODY without credentials. Raises AuthFailure, or KeysUnavailableError."""
        keys, authorizations = headers.getlist(self.api_key_header), headers.getlist("Authorization")
        if not keys and not authorizations:
            return NOBODY
        if len(keys) + len(authorizations) > 1:
            raise AuthFailure(Reason.MALFORMED, "give one credential: an API key or a token, once")
        return self._bearer_of_key(keys[0]) if keys else await self._bearer_of_token(authorizations[0])

    def _bearer_of_key(self, key: str) -> Principal:
        if not key or len(key) > LONGEST_KEY:
            raise AuthFailure(Reason.MALFORMED, f"{self.api_key_header} must hold an API key")
        bearer = self._keys.find(key)
        if bearer is None:
            raise AuthFailure(Reason.INVALID, "there is no such API key")
        return bearer

    async def _bearer_of_token(self, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthFailure(Reason.MALFORMED, "Authorization must be 'Bearer', a space, and a token")
        if self._tokens is None:
            raise AuthFailure(Reason.INVALID, f"this server takes no tokens: send an API key in {self.api_key_header}")
        return await self._tokens.read(token.strip())
