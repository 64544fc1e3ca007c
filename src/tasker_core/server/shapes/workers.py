"""Workers as they are told of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tasker_core.server.shapes.base import Action, Actor, Shape


class ServedHandler(Shape):
    namespace: str
    callable: str


class WorkerResponse(Shape):
    worker_uuid: UUID
    name: str
    host: str
    pid: int
    state: str
    version: str
    slots: int
    held: int = Field(description="Steps that it runs.")
    held_since: datetime | None = Field(description="Since when it has run the one that it has run for longest.")
    drained_by: str | None = Field(description="Who has it take no more, where an operator does.")
    drained_for: str | None = Field(description="Why.")
    handlers: list[ServedHandler]
    started_at: datetime | None
    beat_at: datetime | None
    beat_age_seconds: float


class Draining(Action):
    """A worker is to finish what it runs and take no more."""

    by: Actor = None
