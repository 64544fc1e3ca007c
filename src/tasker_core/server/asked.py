"""Which tasks a list is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime

from tasker_core.engine.requests import context_field
from tasker_core.rules.explanation import EPOCH
from tasker_core.server.auth.mask import SEES_EVERYTHING
from tasker_core.server.callers import demand, principal_of
from tasker_core.server.shapes.base import NO_NUL
from tasker_core.words import TaskState

Text: TypeAlias = Annotated[str | None, Query(max_length=255, pattern=NO_NUL)]
Since: TypeAlias = Annotated[AwareDatetime | None, Query(description="Then or later.")]
Before: TypeAlias = Annotated[AwareDatetime | None, Query(description="Earlier than that.")]


def asked_tasks(
    request: Request,
    namespace: Text = None,
    name: Annotated[str | None, Query(max_length=255, pattern=NO_NUL, description="The template's name.")] = None,
    version: Annotated[str | None, Query(max_length=50, pattern=NO_NUL, description="The template's version.")] = None,
    status: TaskState | None = None,
    initiator: Text = None,
    source_system: Text = None,
    correlation_id: UUID | None = None,
    parent_correlation_id: UUID | None = None,
    tag: Annotated[str | None, Query(max_length=255, pattern=NO_NUL, description="One of its tags.")] = None,
    created_after: Since = None,
    created_before: Before = None,
    updated_after: Since = None,
    updated_before: Before = None,
    context_path: Annotated[
        str | None, Query(max_length=1_000, description="A field of the context: customer.id, items[0].sku.")
    ] = None,
    context_value: Annotated[
        str | None, Query(max_length=1_000, description="What the field is; needs tasks:context_read.")
    ] = None,
) -> dict[str, Any]:
    """The filters that are given, as the store knows them."""
    field = context_field(context_path, context_value)
    if field is not None:
        demand(request, principal_of(request), SEES_EVERYTHING)
    return {
        "namespace": namespace, "name": name, "version": version, "state": status, "initiator": initiator,
        "source_system": source_system, "correlation_id": _text(correlation_id), "tag": tag, "context": field,
        "parent_correlation_id": _text(parent_correlation_id),
        "created_after": _micros(created_after), "created_before": _micros(created_before),
        "updated_after": _micros(updated_after), "updated_before": _micros(updated_before),
    }  # fmt: skip


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


AskedTasks: TypeAlias = Annotated[dict[str, Any], Depends(asked_tasks)]
