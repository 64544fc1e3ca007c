"""Whom a server lets in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.authenticator import Authenticator
from tasker_core.server.redaction import REDACTED_KEYS, Redact, payloads_redacted, redaction

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Whom a server lets in. Without an ``authenticator``: this machine, which may do everything.

    Args:
        authenticator: knows callers by their credentials.
        any_address: without authentication, requests for every address are taken, not for this machine alone.
        hosts: without authentication, names that requests may be meant for besides this machine's own.
        origins: other sites whose pages may ask, such as ``https://shop.example``; with authentication also ``*``.
        redact: keys whose values are masked for who lacks ``tasks:context_read``.
        unknown_per_second: requests that each address may send without credentials that do; five times as many
            at once.
    """

    authenticator: Authenticator | None = None
    any_address: bool = False
    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()
    redact: Sequence[str] = REDACTED_KEYS
    unknown_per_second: float = 20.0

    def __post_init__(self) -> None:
        for origin in self.origins:
            if origin == "*" and self.authenticator is not None:
                continue
            if not _ORIGIN.fullmatch(origin):
                wrong = f"cors_origins: {origin!r} must be a site like https://shop.example, without a path"
                if origin == "*":
                    wrong = "cors_origins: '*' would let every page of the web in, since there is no authentication"
                raise InvalidRequestError(wrong, field="cors_origins")

    @cached_property
    def masked(self) -> Redact:
        """Masks what an answer shows of contexts and results."""
        return payloads_redacted(redaction(self.redact))
