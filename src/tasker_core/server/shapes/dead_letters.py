"""Dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from tasker_core.server.shapes.base import NO_NUL, Shape
from tasker_core.words import TaskState

Status: TypeAlias = Literal["pending", "manually_resolved", "permanently_failed", "cancelled"]


class DlqEntry(Shape):
    dlq_entry_uuid: UUID
    task_uuid: UUID
    namespace: str
    task_name: str
    task_state: TaskState
    step_uuid: UUID
    step_name: str
    dlq_reason: str
    dlq_timestamp: datetime
    resolution_status: Status
    resolution_timestamp: datetime | None
    resolution_notes: str | None
    resolved_by: str | None
    detail: dict[str, Any]
    metadata: dict[str, Any]


class QueuedDlqEntry(DlqEntry):
    minutes_in_dlq: float
    priority_score: float


class DeadLetterUpdate(Shape):
    """What became of a dead letter; what isn't given stays."""

    resolution_status: Status | None = None
    resolution_notes: str | None = Field(None, max_length=10_000, pattern=NO_NUL)
    resolved_by: str | None = Field(None, max_length=255, pattern=NO_NUL)
    metadata: dict[str, Any] | None = None


class DeadLetterStats(Shape):
    dlq_reason: str
    total_entries: int
    pending: int
    manually_resolved: int
    permanently_failed: int
    cancelled: int
    oldest_entry: datetime | None
    newest_entry: datetime | None
    avg_resolution_time_minutes: float | None


class StalenessEntry(Shape):
    task_uuid: UUID
    namespace: str
    task_name: str
    current_state: TaskState
    time_in_state_minutes: float
    staleness_threshold_minutes: int
    health_status: Literal["healthy", "warning", "stale"]
