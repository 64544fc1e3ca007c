"""Dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from tasker_core.engine.requeue import FASTEST, MOST_AT_ONCE, SLOWEST
from tasker_core.server.shapes.base import NO_NUL, Action, Actor, Shape
from tasker_core.words import Death, TaskState

Status: TypeAlias = Literal["pending", "manually_resolved", "permanently_failed", "cancelled"]


class DlqEntry(Shape):
    dlq_entry_uuid: UUID
    task_uuid: UUID
    namespace: str
    task_name: str
    task_state: TaskState = Field(description="Where the task stands now.")
    original_state: TaskState | None = Field(description="Where it stood when the entry was written.")
    step_uuid: UUID | None = Field(description="The step that it is about; null for the task as a whole.")
    step_name: str | None
    dlq_reason: Death
    title: str = Field(description="The fault in a line, without what differs from task to task.")
    fingerprint: str = Field(description="The same for entries of the same fault.")
    dlq_timestamp: datetime
    resolution_status: Status
    resolution_timestamp: datetime | None
    resolution_notes: str | None
    resolved_by: str | None
    requeued_for: datetime | None = Field(description="When what was requeued may run.")
    detail: dict[str, Any]
    metadata: dict[str, Any]


class WholeDlqEntry(DlqEntry):
    task_snapshot: dict[str, Any] | None = Field(
        description="The task when the entry was written: `task`, `context`, `steps`, `attempts`, `transitions`."
    )


class DlqGroup(Shape):
    fingerprint: str
    title: str
    dlq_reason: Death
    namespace: str
    task_name: str
    step_name: str | None
    entries: int
    first_entry: datetime
    last_entry: datetime
    example_dlq_entry_uuid: UUID
    detail: dict[str, Any] = Field(description="That of the example.")


class QueuedDlqEntry(DlqEntry):
    minutes_in_dlq: float
    priority_score: float


class DeadLetterUpdate(Shape):
    """What became of a dead letter; what isn't given stays."""

    resolution_status: Status | None = None
    resolution_notes: str | None = Field(None, max_length=10_000, pattern=NO_NUL)
    resolved_by: str | None = Field(None, max_length=255, pattern=NO_NUL)
    metadata: dict[str, Any] | None = None


class DeadLetterSending(Action):
    """A task that somebody should look at."""

    task_uuid: UUID
    by: Actor = None


class Requeueing(Action):
    """What a dead letter stands for is to run again."""

    by: Actor = None


class GroupRequeueing(Shape):
    """What the pending dead letters of one fault stand for is to run again."""

    reason: str = Field("", max_length=500, pattern=NO_NUL, description="Why, for the record.")
    by: Actor = None
    rate: float | None = Field(
        None, ge=SLOWEST, le=FASTEST, description="So many tasks a second run again; all at once without it."
    )
    limit: int = Field(MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE, description="So many at most; ask again for the others.")


class Refusal(Shape):
    dlq_entry_uuid: UUID
    message: str


class GroupRequeued(Shape):
    requeued: int
    remaining: int = Field(description="Those of the group that are still pending, the refused ones included.")
    first_run_at: datetime | None
    last_run_at: datetime | None
    refused: list[Refusal]


class DeadLetterStats(Shape):
    dlq_reason: Death
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
    staleness_threshold_minutes: float | None = Field(description="Null where no limit counts, since the task moves.")
    limit: str | None = Field(description="The limit that it will exceed first.")
    waits_for: str | None
    health_status: Literal["healthy", "warning", "stale"]
