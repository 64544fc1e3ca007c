"""An HTTP answer, and what it means for a step."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

ERROR_TYPES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    422: "unprocessable_entity",
    429: "rate_limited",
    500: "internal_server_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}

SECONDS_FOR_THE_UNREADABLE = 60
"""The delay taken from a Retry-After that is neither a number of seconds nor a date."""


class ApiResponse:
    """An HTTP answer with its body decoded.

    ``body`` is the decoded JSON when the content type says JSON and it is, else the text.
    """

    def __init__(self, response: httpx.Response, body: Any = None) -> None:
        self.raw_response = response
        self.status_code: int = response.status_code
        self.headers: dict[str, str] = dict(response.headers)
        self.body: Any = _decoded(response) if body is None else body

    @property
    def ok(self) -> bool:
        """A 2xx."""
        return 200 <= self.status_code < 300

    @property
    def is_client_error(self) -> bool:
        """A 4xx."""
        return 400 <= self.status_code < 500

    @property
    def is_server_error(self) -> bool:
        """A 5xx."""
        return 500 <= self.status_code < 600

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later: 408, 429, 500, 502, 503, 504."""
        return self.status_code in RETRYABLE_STATUSES

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait as the server asks, by a number or a date; None when it doesn't ask.

        A date is counted from the server's own ``Date``, since its clock may differ from this one's. 60 for what can't
        be read.
        """
        value = self.raw_response.headers.get("retry-after")
        if value is None:
            return None
        if value.strip().isdecimal():
            return int(value)
        until, now = _date(value), _date(self.raw_response.headers.get("date", "")) or datetime.now(UTC)
        return SECONDS_FOR_THE_UNREADABLE if until is None else max(0, ceil((until - now).total_seconds()))

    @property
    def error_type(self) -> str:
        """The kind of error that the status stands for."""
        if self.status_code in ERROR_TYPES:
            return ERROR_TYPES[self.status_code]
        if self.is_client_error:
            return "client_error"
        return "server_error" if self.is_server_error else "http_error"

    @property
    def detail(self) -> str:
        """What the server says went wrong, else the status's reason phrase."""
        if isinstance(self.body, dict):
            for key in ("error", "message", "detail", "error_message", "msg"):
                value = self.body.get(key)
                if isinstance(value, dict):
                    value = value.get("message")
                if isinstance(value, str) and value:
                    return value
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return "HTTP Error"

    def to_dict(self) -> dict[str, Any]:
        """``status_code``, ``headers`` and ``body``."""
        return {"status_code": self.status_code, "headers": self.headers, "body": self.body}


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _decoded(response: httpx.Response) -> Any:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return response.json()
        except ValueError:
            return response.text
    return response.text
