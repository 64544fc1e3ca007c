"""Which answers a route gives, for its documentation."""

from __future__ import annotations

from typing import Any, TypeAlias

from tasker_core.server.shapes.base import ErrorResponse

MEANINGS = {
    400: "Something in the request is malformed, or the state of what it is about doesn't allow it.",
    401: "No credentials, or none that do; `x-auth-failure-reason` says why.",
    403: "The caller may not do this, or the request was sent by another site's page or meant for another host.",
    404: "There is no such thing.",
    408: "Not answered in time.",
    409: "It exists already.",
    413: "The body or the context is too large.",
    414: "The path or the query is too long.",
    415: "The body isn't declared as JSON.",
    422: "Well-formed, but against a schema.",
    429: "Too many requests without credentials that do; `Retry-After` says when to try again.",
    500: "Something went wrong in the server.",
    503: "The store or the server has no room at the moment; try again.",
}
ALWAYS = (401, 403, 408, 413, 414, 429, 500, 503)


Answers: TypeAlias = dict[int | str, dict[str, Any]]


def answers(*statuses: int, besides: Answers | None = None) -> Answers:
    """The error answers of a route: these, and those that any route may give. ``besides`` are others."""
    errors: Answers = {
        status: {"model": ErrorResponse, "description": MEANINGS[status]} for status in (*statuses, *ALWAYS)
    }
    return errors | (besides or {})


def body(model: str, example: Any) -> dict[str, Any]:
    """What a route that reads its body itself says of it."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
