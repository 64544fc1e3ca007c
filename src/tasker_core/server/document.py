"""The OpenAPI document: what FastAPI derives from the routes, and what it can't know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from tasker_core.server.auth.access import Access
from tasker_core.server.callers import permissions_of
from tasker_core.server.middleware import REQUEST_ID
from tasker_core.server.shapes.actions import BulkAction, NamespaceAction, TaskAction
from tasker_core.server.shapes.dead_letters import DeadLetterSending, DeadLetterUpdate, GroupRequeueing, Requeueing
from tasker_core.server.shapes.events import NewWebhook, SubscriptionChange, WebhookChange
from tasker_core.server.shapes.limits import BreakerWord, LimitWord
from tasker_core.server.shapes.steps import StepAction
from tasker_core.server.shapes.tasks import TaskBatch, TaskRequest
from tasker_core.server.shapes.templates import Template
from tasker_core.server.shapes.worker_protocol import (
    Heartbeat,
    LeaseCheckpoint,
    LeaseCompletion,
    LeaseFailure,
    LeaseRelease,
    PatientWish,
    ReadResult,
    Registration,
    Reports,
)
from tasker_core.server.shapes.workers import Draining

# Bodies that their routes read themselves, so that duplicate keys and the like are refused.
BODIES = (
    TaskRequest,
    TaskBatch,
    StepAction,
    TaskAction,
    BulkAction,
    NamespaceAction,
    DeadLetterUpdate,
    DeadLetterSending,
    Requeueing,
    GroupRequeueing,
    Template,
    NewWebhook,
    WebhookChange,
    SubscriptionChange,
    LimitWord,
    BreakerWord,
    Draining,
    Registration,
    PatientWish,
    Heartbeat,
    Reports,
    LeaseCompletion,
    LeaseFailure,
    LeaseCheckpoint,
    LeaseRelease,
    ReadResult,
)
DESCRIPTION = """Creates tasks and tells what became of them.

Every answer carries `X-Request-ID`: the caller's own, or one of the server. Errors are
`{"error": {"code", "message", "field"?, "details"?}}`; a 503 and a 429 say in `Retry-After` when to try again.
A create may be repeated after a lost answer if it carries a `task_uuid` of the caller's making."""


SCHEMES = ("ApiKey", "Bearer")


def document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``'s routes."""
    made: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=app.openapi_tags
    )
    _, bodies = models_json_schema(
        [(model, "validation") for model in BODIES], ref_template="#/components/schemas/{model}"
    )
    schemas = made["components"]["schemas"]
    _say_permissions(app, made)
    schemas |= bodies["$defs"]
    for operations in made["paths"].values():
        for operation in operations.values():
            # FastAPI's own answer to malformed parameters, which here is a 400.
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})[REQUEST_ID] = {
                    "schema": {"type": "string"}, "description": "The request's id.", "required": True,
                }  # fmt: skip
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return made


def _say_permissions(app: FastAPI, made: dict[str, Any]) -> None:
    """Each operation with its permission, and how to show that one has it where that is asked for."""
    access: Access = app.state.access
    if access.authenticator is not None:
        made["components"]["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": access.authenticator.api_key_header},
            "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        }
    for route, permissions in permissions_of(app):
        for method in route.methods or ():
            operation = made["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None and permissions:
                (operation["x-permission"],) = permissions
                if access.authenticator is not None:
                    operation["security"] = [{scheme: permissions} for scheme in SCHEMES]
