"""What a server answers: plain data, or an error that is raised as the one that the engine of this process would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tasker_core.client.templates import not_replaced
from tasker_core.errors import (
    ClientError,
    CredentialsError,
    DeadLetterNotFoundError,
    DuplicateTaskError,
    InvalidRequestError,
    NamespaceNotFoundError,
    NotPermittedError,
    PayloadTooLargeError,
    SchemaViolationError,
    ServerError,
    ServerOverloadedError,
    StepNotFoundError,
    SubscriptionNotFoundError,
    TaskNotFoundError,
    TaskStateError,
    TemplateError,
    UnknownTemplateError,
    WorkerNotFoundError,
)
from tasker_core.rules.findings import Finding
from tasker_core.rules.payload import decode
from tasker_core.words import Violation

NOT_FOUND: Mapping[str, type[ClientError]] = {
    "task": TaskNotFoundError,
    "step": StepNotFoundError,
    "template": UnknownTemplateError,
    "dead_letter": DeadLetterNotFoundError,
    "namespace": NamespaceNotFoundError,
    "subscription": SubscriptionNotFoundError,
    "worker": WorkerNotFoundError,
}
NOTHING = 204
ONCE_MORE = frozenset({408, 429, 502, 503, 504})
"""Statuses of answers that say: not now."""


def data_of(response: httpx.Response, url: str) -> Any:
    """The data of a good answer of the server at ``url``. Raises ClientError for any other."""
    if not response.is_success:
        raise error_of(response, url)
    if response.status_code == NOTHING:
        return None
    try:
        return decode(response.content)
    except ValueError:
        raise _stranger(response, url) from None


def error_of(response: httpx.Response, url: str) -> ClientError:
    """The error that an answer tells."""
    said = _said(response)
    if said is None:
        return _stranger(response, url)
    message, field = str(said.get("message", "")), said.get("field")
    details: Mapping[str, Any] = said.get("details") or {}
    match response.status_code, said.get("code"):
        case 404, "NOT_FOUND" if details.get("resource") in NOT_FOUND:
            return NOT_FOUND[details["resource"]](message)
        case 404, "WORKER_UNKNOWN":
            return WorkerNotFoundError(message)
        case 409, "CONFLICT" if "task_uuid" in details:
            return DuplicateTaskError(
                message, task_uuid=details["task_uuid"], same_context=details.get("same_context", True)
            )
        case 409, "CONFLICT" if "differences" in details:
            return not_replaced(message, details["differences"])
        case 400, "INVALID_STATE":
            return TaskStateError(message, state=details.get("state"))
        case 422, "SCHEMA_VIOLATION" if details.get("violations"):
            violations = [Violation(found["path"], found["message"]) for found in details["violations"]]
            return SchemaViolationError(message, violations=violations)
        case 422, "INVALID_TEMPLATE":
            return TemplateError(message, findings=_findings(details))
        case 413, _:
            return PayloadTooLargeError(message, field=field)
        case 401, _:
            return CredentialsError(
                f"{message}; {url} wants an API key (TASKER_API_KEY) or a token (TASKER_AUTH_TOKEN)"
            )
        case 403, _:
            return NotPermittedError(message)
        case ((400 | 415 | 422), _):
            return InvalidRequestError(message, field=field)
        case 503, "BACKPRESSURE" if "retry_after_seconds" in details:
            return ServerOverloadedError(f"{url}: {message}", retry_after=details["retry_after_seconds"])
        case status, _:
            request_id = response.headers.get("X-Request-ID", "?")
            error = ServerError(
                f"{url}: {message} ({status}, request {request_id})", retryable=status in ONCE_MORE, status=status
            )
            error.retry_after = seconds_asked_for(response)
            return error


def seconds_asked_for(response: httpx.Response) -> float | None:
    """For how many seconds an answer asks to wait."""
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else None


def _findings(details: Mapping[str, Any]) -> list[Finding]:
    return [
        Finding("error", "INVALID_TEMPLATE", found["message"], found["file"], found["line"], "")
        for found in details.get("findings", ())
    ]


def _said(response: httpx.Response) -> Mapping[str, Any] | None:
    """The error object of an answer, if it is one of Tasker's."""
    try:
        error = decode(response.text)["error"]
    except (ValueError, TypeError, KeyError):
        return None
    return error if isinstance(error, Mapping) else None


def _stranger(response: httpx.Response, url: str) -> ServerError:
    """The error for an answer that no server of Tasker gives: a proxy's, or another service's."""
    status = response.status_code
    if response.is_redirect:
        place = response.headers.get("Location", "elsewhere")
        why = f"leads on to {place}, which isn't followed; give the URL that answers itself"
    else:
        kind = response.headers.get("Content-Type", "no content type")
        why = f"answers {status} with {kind}, as no server of Tasker does; is the URL right, or does a proxy answer?"
    return ServerError(f"{url} {why}", retryable=status in ONCE_MORE, status=status)
