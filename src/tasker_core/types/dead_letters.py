"""What the client answers about dead letters: frozen values whose ``__dict__`` is JSON-able."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasker_core.types.client import build


@dataclass(frozen=True)
class DeadLetter:
    """What somebody should look at: a task, mostly a step of it, and why.

    ``task_snapshot`` is what the task was like when the letter was written; a list of letters is without it.
    """

    dlq_entry_uuid: str = ""
    task_uuid: str = ""
    namespace: str = ""
    task_name: str = ""
    task_state: str = ""
    original_state: str | None = None
    step_uuid: str | None = None
    step_name: str | None = None
    dlq_reason: str = ""
    title: str = ""
    fingerprint: str = ""
    dlq_timestamp: str | None = None
    resolution_status: str = ""
    resolution_timestamp: str | None = None
    resolution_notes: str | None = None
    resolved_by: str | None = None
    requeued_for: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    minutes_in_dlq: float | None = None
    priority_score: float | None = None
    task_snapshot: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeadLetter:
        return build(cls, data)


@dataclass(frozen=True)
class DeadLetterGroup:
    """Letters of one fault; ``detail`` is that of the example."""

    fingerprint: str = ""
    title: str = ""
    dlq_reason: str = ""
    namespace: str = ""
    task_name: str = ""
    step_name: str | None = None
    entries: int = 0
    first_entry: str | None = None
    last_entry: str | None = None
    example_dlq_entry_uuid: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeadLetterGroup:
        return build(cls, data)


@dataclass(frozen=True)
class DeadLetterStats:
    """How many letters of a reason there are, by status."""

    dlq_reason: str = ""
    total_entries: int = 0
    pending: int = 0
    manually_resolved: int = 0
    permanently_failed: int = 0
    cancelled: int = 0
    oldest_entry: str | None = None
    newest_entry: str | None = None
    avg_resolution_time_minutes: float | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeadLetterStats:
        return build(cls, data)


@dataclass(frozen=True)
class Requeued:
    """What became of a wish to requeue a group; ``refused`` are those that have nothing that could run again."""

    requeued: int = 0
    remaining: int = 0
    first_run_at: str | None = None
    last_run_at: str | None = None
    refused: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Requeued:
        return build(cls, data)


@dataclass(frozen=True)
class StandingTask:
    """An unfinished task, and how near it is to the limit that it will exceed first: None where it moves."""

    task_uuid: str = ""
    namespace: str = ""
    task_name: str = ""
    current_state: str = ""
    time_in_state_minutes: float = 0.0
    staleness_threshold_minutes: float | None = None
    limit: str | None = None
    waits_for: str | None = None
    health_status: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StandingTask:
        return build(cls, data)
