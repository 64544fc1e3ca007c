"""Rows of the store, as the engine reads them."""

from __future__ import annotations

from typing import NamedTuple

from tasker_core.words import JsonText, Micros


class TemplateRow(NamedTuple):
    id: str
    namespace: str
    name: str
    version: str
    digest: str
    content: JsonText
    current: int


class TaskRow(NamedTuple):
    id: int
    uuid: str
    template_id: str
    namespace: str
    name: str
    version: str
    state: str
    priority: int
    total_steps: int
    created_at: Micros
    updated_at: Micros
    completed_at: Micros
    context: JsonText
    initiator: str
    source_system: str
    reason: str
    tags: JsonText
    correlation_id: str
    parent_correlation_id: str | None
    idempotency_key: str | None
    requested_at: Micros
    undo: int = 0
    paused_at: Micros | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    namespace_is_paused: int = 0


class StepRow(NamedTuple):
    task_id: int
    no: int
    name: str
    state: str
    lane: str
    run_at: Micros
    waits: int
    attempt: int
    fence: int
    crashes: int
    worker: int
    enqueued_at: Micros
    claimed_at: Micros
    ended_at: Micros


class AttemptRow(NamedTuple):
    no: int
    fence: int
    attempt: int
    ending: str
    state: str
    worker: int
    enqueued_at: Micros
    claimed_at: Micros
    ended_at: Micros
    reason: str
    result: JsonText | None
    error: JsonText | None


class TransitionRow(NamedTuple):
    no: int
    from_state: str
    to_state: str
    at: Micros
    actor: str
    reason: str
    verb: str


class WarningRow(NamedTuple):
    """``step`` and ``attempt`` are None where it is about the task itself."""

    task_id: int
    step: str | None
    attempt: int | None
    code: str
    path: str
    message: str
    at: Micros


class ClaimedRow(NamedTuple):
    task_id: int
    no: int
    name: str
    lane: str
    attempt: int
    fence: int
    crashes: int
    epoch: int
    rank: int


class HeldRow(NamedTuple):
    task_id: int
    no: int
    fence: int
    name: str
    attempt: int
    crashes: int
    template_id: str
    worker: int
    lane: str
    claimed_at: Micros
    epoch: int


class WorkerRow(NamedTuple):
    id: int
    uuid: str
    name: str
    host: str
    boot: str
    pid: int
    process_started: Micros
    version: str
    slots: int
    lanes: JsonText
    state: str
    started_at: Micros
    beat_at: Micros
    drained_by: str = ""
    drained_for: str = ""
    instance: str | None = None
    """What a worker that speaks through servers calls itself; of any other it is None."""
    owner: str = ""
    offer: JsonText = "{}"
    """What such a worker said that it runs."""


class RemoteRow(NamedTuple):
    """A worker that speaks through servers."""

    id: int
    uuid: str
    state: str
    owner: str
    offer: JsonText


class InputRow(NamedTuple):
    task_id: int
    uuid: str
    template_id: str
    context: JsonText
    correlation_id: str
    traceparent: str | None
