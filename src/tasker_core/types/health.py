"""A worker's health, figures and settings, as :mod:`tasker_core.observability` reports them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class ComponentHealth(BaseModel):
    """One part of a worker. ``status`` is healthy, degraded or unhealthy."""

    name: str
    status: str
    message: str | None = None
    duration_ms: float | None = None


class HealthCheck(BaseModel):
    """A worker as a whole and its parts."""

    status: str
    is_healthy: bool
    worker_id: str | None = None
    version: str | None = None
    components: dict[str, ComponentHealth] = Field(default_factory=dict)


class WorkerMetrics(BaseModel):
    """What a worker has done since it started, and what it is doing."""

    steps_claimed: int = 0
    steps_succeeded: int = 0
    steps_failed: int = 0
    steps_retried: int = 0
    steps_timed_out: int = 0
    leases_lost: int = 0
    in_progress: int = 0
    slots: int = 0
    slots_free: int = 0
    uptime_seconds: float = 0.0


class WorkerConfig(BaseModel):
    """The settings a worker runs with."""

    environment: str = "development"
    worker_id: str | None = None
    namespaces: list[str] = Field(default_factory=list)
    handlers: list[str] = Field(default_factory=list)
    concurrency: int = 10
    database: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
