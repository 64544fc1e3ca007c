"""What an application talks to Tasker with."""

from __future__ import annotations

from tasker_core.client.async_client import AsyncTaskerClient
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
    "AsyncTaskerClient",
    "HealthResponse",
    "PaginationInfo",
    "StepAuditResponse",
    "StepResponse",
    "TaskListResponse",
    "TaskResponse",
    "TaskerClient",
]
