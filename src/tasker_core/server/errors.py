"""Errors as HTTP says them: ``{"error": {"code", "message", "field"?, "details"?}}``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tasker_core.errors import (
    ClientError,
    DeadLetterNotFoundError,
    DuplicateTaskError,
    InvalidRequestError,
    NamespaceNotFoundError,
    PayloadTooLargeError,
    SchemaViolationError,
    StepNotFoundError,
    StoreDataError,
    StoreError,
    SubscriptionNotFoundError,
    TaskNotFoundError,
    TaskStateError,
    TemplateError,
    UnknownTemplateError,
    WorkerNotFoundError,
)
from tasker_core.server.threads import OverloadedError

log = logging.getLogger("tasker.server")

TRY_AGAIN_AFTER = "1"
"""Seconds, as a header says them."""
STATUS_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}
NOT_FOUND: Mapping[type[Exception], str] = {
    TaskNotFoundError: "task",
    StepNotFoundError: "step",
    DeadLetterNotFoundError: "dead_letter",
    UnknownTemplateError: "template",
    NamespaceNotFoundError: "namespace",
    SubscriptionNotFoundError: "subscription",
    WorkerNotFoundError: "worker",
}


class ApiError(Exception):
    """A request that is answered with an error: its status, its code for programs, its message for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.field, self.details, self.headers = field, details, headers


def error_body(error: ApiError) -> bytes:
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.field is not None:
        said["field"] = error.field
    if error.details is not None and "retry_after_seconds" in error.details:
        said["retry_after_seconds"] = error.details["retry_after_seconds"]
    if error.details is not None:
        said["details"] = dict(error.details)
    return json.dumps({"error": said}, separators=(",", ":")).encode()


def as_api_error(error: Exception) -> ApiError:
    """What an error of the engine is to a caller. What only concerns the operator is logged, not told."""
    match error:
        case ApiError():
            return error
        case PayloadTooLargeError():
            return ApiError(413, "PAYLOAD_TOO_LARGE", error.message, field=error.field)
        case SchemaViolationError():
            violations = [{"path": path, "message": message} for path, message in error.violations]
            return ApiError(
                422, "SCHEMA_VIOLATION", error.message, field=error.field, details={"violations": violations}
            )
        case InvalidRequestError():
            return ApiError(400, "BAD_REQUEST", error.message, field=error.field)
        case ClientError() if type(error) in NOT_FOUND:
            return ApiError(404, "NOT_FOUND", error.message, details={"resource": NOT_FOUND[type(error)]})
        case DuplicateTaskError():
            details = {"task_uuid": error.task_uuid, "same_context": error.same_context}
            return ApiError(409, "CONFLICT", error.message, details=details)
        case TaskStateError():
            state = {"state": error.state} if error.state else None
            return ApiError(400, "INVALID_STATE", error.message, details=state)
        case TemplateError():
            found = [{"message": f.message, "file": f.file, "line": f.line} for f in error.findings]
            return ApiError(422, "INVALID_TEMPLATE", error.message, details={"findings": found})
        case StoreDataError():
            log.info("the database refused a value: %s", error)
            return ApiError(400, "BAD_REQUEST", "a value in the request can't be stored")
        case StoreError() if error.retryable:
            log.warning("the store is not available: %s", error)
            return ApiError(503, "SERVICE_UNAVAILABLE", "the store is not available; try again", headers=_try_again())
        case StoreError():
            log.error("the store can't be used: %s", error)
            return ApiError(500, "DATABASE_ERROR", "the store can't be used; the server's log says why")
        case OverloadedError():
            return ApiError(
                503, "BACKPRESSURE", "the server has more requests than it can work off; try again",
                details={"retry_after_seconds": int(TRY_AGAIN_AFTER)}, headers=_try_again(),
            )  # fmt: skip
        case RequestValidationError():
            return _malformed(error)
        case HTTPException():
            code = STATUS_CODES.get(error.status_code, "BAD_REQUEST")
            return ApiError(error.status_code, code, str(error.detail), headers=error.headers)
    log.error("unexpected: %s", error, exc_info=error)
    return ApiError(500, "INTERNAL_ERROR", "something went wrong in the server; its log says what")


def answer_error(error: ApiError) -> Response:
    return Response(error_body(error), error.status, error.headers, "application/json")


def install(app: FastAPI) -> None:
    """Have ``app`` answer errors so."""

    def handle(_: Request, error: Exception) -> Response:
        return answer_error(as_api_error(error))

    for kind in (ApiError, ClientError, OverloadedError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _try_again() -> dict[str, str]:
    return {"Retry-After": TRY_AGAIN_AFTER}


def _malformed(error: RequestValidationError) -> ApiError:
    first = error.errors()[0]
    place, *names = first["loc"]
    field = ".".join(map(str, names)) or str(place)
    code = "INVALID_UUID" if str(first["type"]).startswith("uuid") else "BAD_REQUEST"
    return ApiError(400, code, f"{field}: {first['msg']}", field=field)
