"""What an application talks to Tasker with."""

from __future__ import annotations

from tasker_core.client.client import TaskerClient
from tasker_core.types import (
    HealthResponse,
    PaginationInfo,
    StepAuditResponse,
    StepResponse,
    TaskListResponse,
    TaskResponse,
)

__all__ = [
    "HealthResponse",
    "PaginationInfo",
    "StepAuditResponse",
    "StepResponse",
    "TaskListResponse",
    "TaskResponse",
    "TaskerClient",
]
