"""The audit as it is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tasker_core.server.shapes.base import Shape


class AuditResponse(Shape):
    task_uuid: UUID
    namespace: str
    name: str
    step_uuid: UUID | None
    step_name: str | None
    from_state: str
    to_state: str
    at: datetime
    actor: str
    reason: str
