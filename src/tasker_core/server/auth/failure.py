"""How a request without the right credentials is turned away."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

REASON_HEADER, SEVERITY_HEADER = FAILURE_HEADERS = ("x-auth-failure-reason", "x-auth-failure-severity")


class Reason(StrEnum):
    """Why: told in the header ``x-auth-failure-reason``."""

    MISSING = "missing"
    EXPIRED = "expired"
    INVALID = "invalid"
    MALFORMED = "malformed"
    FORBIDDEN = "forbidden"


SEVERITIES: Mapping[Reason, tuple[str, int | None]] = MappingProxyType(
    {
        Reason.MISSING: ("low", None),
        Reason.EXPIRED: ("low", None),
        Reason.MALFORMED: ("medium", 5),
        Reason.FORBIDDEN: ("medium", 5),
        Reason.INVALID: ("high", 60),
    }
)
"""How bad each looks, and after how many seconds to come back: an honest client's token expires, it isn't forged."""


class AuthFailure(Exception):
    """Credentials that don't do. The message is for the caller, and holds nothing of what they sent."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
        self.severity, self.retry_after = SEVERITIES[reason]

    @property
    def status(self) -> int:
        return 403 if self.reason is Reason.FORBIDDEN else 401

    @property
    def code(self) -> str:
        if self.reason is Reason.FORBIDDEN:
            return "FORBIDDEN"
        return "UNAUTHORIZED" if self.reason is Reason.MISSING else "AUTHENTICATION_FAILED"

    @property
    def headers(self) -> dict[str, str]:
        said = {REASON_HEADER: self.reason.value, SEVERITY_HEADER: self.severity}
        if self.retry_after is not None:
            said["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            said["WWW-Authenticate"] = "Bearer"
        return said


class KeysUnavailableError(Exception):
    """The signer's keys can't be had just now, which is no fault of the caller's."""
