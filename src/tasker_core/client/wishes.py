"""Wishes for tasks as the bodies of requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasker_core.engine.requests import TaskRequest
from tasker_core.rules.payload import encode

_PLAIN = (
    "name", "task_uuid", "namespace", "version", "initiator", "source_system", "reason", "priority", "correlation_id",
    "parent_correlation_id", "idempotency_key", "traceparent",
)  # fmt: skip


def task_body(wish: TaskRequest) -> str:
    """The JSON text of ``wish``. Raises PayloadError for a context that can't be kept."""
    context = encode(dict(wish.context), "context")
    said: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(wish, name)) is not None}
    said["tags"] = list(wish.tags)
    if wish.options is not None:
        said["options"] = dict(wish.options)
    if wish.requested_at is not None:
        said["requested_at"] = _moment(wish.requested_at)
    return f'{encode(said, "request")[:-1]},"context":{context}}}'


def batch_body(wishes: Sequence[TaskRequest]) -> str:
    """The JSON text of many wishes."""
    return f'{{"tasks":[{",".join(map(task_body, wishes))}]}}'


def _moment(value: datetime | str) -> str:
    # A time without a zone is this machine's, which the server doesn't know.
    return value.astimezone().isoformat() if isinstance(value, datetime) else value
