"""What a case has the scripted server do otherwise: refuse, or lose the request or its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """``body`` None: the answer has none."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


LOST = Answer(0, None)
"""No answer: the connection is cut."""

ONE_REPORT = {409, 413, 422}
"""Statuses that are those of one report; in a batch the others aren't concerned."""

CODES = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "WORKER_UNKNOWN",
    409: "LEASE_LOST",
    413: "PAYLOAD_TOO_LARGE",
    422: "INVALID_RESULT",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    503: "BACKPRESSURE",
}


def refusal(status: int, code: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    code = code or CODES.get(status, "REFUSED")
    return Answer(status, {"error": {"code": code, "message": f"{code}, as the case wants it"}}, headers or {})


@dataclass
class Rule:
    """For the next ``left`` requests that match ``to``: ``refuse`` them, or ``lose`` the ``request`` or the
    ``answer``, which then was worked off all the same."""

    to: dict[str, Any]
    left: int = 1
    lose: str | None = None
    refuse: Answer | None = None

    @property
    def one(self) -> bool:
        """It is about one report of a batch, not about the request."""
        return self.refuse is not None and (
            self.refuse.status in ONE_REPORT or (self.refuse.body or {})["error"]["code"] == "LEASE_UNKNOWN"
        )
