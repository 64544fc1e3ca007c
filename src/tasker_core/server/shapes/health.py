"""Health."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tasker_core.server.shapes.base import Shape


class HealthResponse(Shape):
    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime


class HealthCheck(Shape):
    status: Literal["healthy", "degraded", "unhealthy"]
    message: str
    duration_ms: float | None


class HealthInfo(Shape):
    version: str
    environment: str
    operational_state: Literal["startup", "normal", "graceful_shutdown", "stopped"]
    uptime_seconds: float
    waiting_requests: int


class DetailedHealthResponse(HealthResponse):
    checks: dict[str, HealthCheck]
    info: HealthInfo
