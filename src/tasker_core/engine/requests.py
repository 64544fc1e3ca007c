"""What is asked for when a task is created, checked field by field."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasker_core.errors import InvalidRequestError
from tasker_core.rules import semver
from tasker_core.rules.context_field import ContextField, read_path
from tasker_core.telemetry.tracing import is_traceparent

LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A wish for a task. ``task_uuid`` is made by whoever asks, so that asking again can't make a second task.

    Raises InvalidRequestError, naming the field, for what can't be a task.
    """

    name: str
    task_uuid: str
    namespace: str | None = None
    version: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    initiator: str = "system"
    source_system: str = "tasker-core"
    reason: str = "Task requested"
    tags: Sequence[str] = ()
    priority: int = 0
    correlation_id: str | None = None
    parent_correlation_id: str | None = None
    idempotency_key: str | None = None
    options: Mapping[str, Any] | None = None
    requested_at: datetime | str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        as_text(self.name, "name", 255)
        as_text(self.initiator, "initiator", 255)
        as_text(self.source_system, "source_system", 255)
        as_text(self.reason, "reason", 500)
        for name, longest in (("namespace", 255), ("version", 50), ("idempotency_key", 1_000)):
            if (value := getattr(self, name)) is not None:
                as_text(value, name, longest)
        if self.version not in (None, semver.LATEST) and (wrong := semver.problem(self.version)):
            raise InvalidRequestError(f"version {wrong}, or say {semver.LATEST!r}", field="version")
        for name in ("task_uuid", "correlation_id", "parent_correlation_id"):
            if (value := getattr(self, name)) is not None or name == "task_uuid":
                # In its usual spelling, since the store compares it as text.
                object.__setattr__(self, name, as_uuid(str(value) if isinstance(value, uuid.UUID) else value, name))
        as_mapping(self.context, "context")
        if not isinstance(self.tags, list | tuple) or not all(isinstance(tag, str) for tag in self.tags):
            raise InvalidRequestError("tags must be a list of texts", field="tags")
        if not isinstance(self.options, Mapping | None):
            raise InvalidRequestError("options must be a mapping of names to values", field="options")
        if self.traceparent is not None and not (
            isinstance(self.traceparent, str) and is_traceparent(self.traceparent)
        ):
            raise InvalidRequestError("traceparent must be one of W3C Trace Context, version 00", field="traceparent")
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise InvalidRequestError(f"priority must be a whole number, not {self.priority!r}", field="priority")
        if not LOWEST_PRIORITY <= self.priority <= HIGHEST_PRIORITY:
            raise InvalidRequestError(
                f"priority must lie between {LOWEST_PRIORITY} and {HIGHEST_PRIORITY}, not {self.priority}",
                field="priority",
            )


def read_request(wish: Mapping[str, Any], **defaults: Any) -> TaskRequest:
    """The request that ``wish`` makes; ``defaults`` stand for what it doesn't say. Raises InvalidRequestError."""
    known = TaskRequest.__dataclass_fields__
    for key in wish:
        if key not in known:
            raise InvalidRequestError(f"a task has no {key!r}; there are {', '.join(sorted(known))}", field=key)
    given = {key: value for key, value in wish.items() if value is not None}
    if isinstance(priority := given.get("priority"), float) and priority.is_integer():
        # JSON doesn't tell 5.0 from 5.
        given["priority"] = int(priority)
    if "name" not in given:
        raise InvalidRequestError("name is missing: which template is the task to be made from?", field="name")
    return TaskRequest(**{**defaults, **given})


def as_uuid(value: str, field: str) -> str:
    """``value`` in the usual spelling of a UUID. Raises InvalidRequestError for anything else."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise InvalidRequestError(f"{field} must be a UUID, not {value!r}", field=field) from None


def context_field(path: str | None, value: str | None) -> ContextField | None:
    """The field of a context that is asked for; None where none is. Raises InvalidRequestError."""
    if path is None and value is None:
        return None
    if path is None or value is None:
        missing, given = ("context_path", "context_value") if path is None else ("context_value", "context_path")
        raise InvalidRequestError(f"{missing} is missing: it goes with {given}", field=missing)
    try:
        return ContextField(read_path(path), value)
    except ValueError as error:
        raise InvalidRequestError(f"context_path {error}", field="context_path") from None


def as_mapping(value: Any, field: str) -> Mapping[str, Any]:
    """``value``, which must be a mapping. Raises InvalidRequestError for anything else."""
    if not isinstance(value, Mapping):
        message = f"{field} must be a mapping of names to values, not a {type(value).__name__}"
        raise InvalidRequestError(message, field=field)
    return value


def as_whole(value: Any, field: str, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``. Raises InvalidRequestError, naming the ``field``."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidRequestError(f"{field} must lie between {least} and {most:,}, not {value!r}", field=field)
    return value


def as_text(value: Any, field: str, longest: int, *, may_be_empty: bool = False) -> str:
    """``value``, a text of at most ``longest`` characters. Raises InvalidRequestError for anything else."""
    if not isinstance(value, str):
        raise InvalidRequestError(f"{field} must be text, not a {type(value).__name__}", field=field)
    if not (may_be_empty or value.strip()):
        raise InvalidRequestError(f"{field} must not be empty", field=field)
    if len(value) > longest:
        raise InvalidRequestError(f"{field} may be {longest} characters long, not {len(value)}", field=field)
    if "\x00" in value:
        raise InvalidRequestError(f"{field} must not hold a NUL character", field=field)
    try:
        value.encode()
    except UnicodeEncodeError:
        message = f"{field} holds half of a surrogate pair, which is no character"
        raise InvalidRequestError(message, field=field) from None
    return value
