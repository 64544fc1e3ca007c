"""How things went."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tasker_core.server.shapes.base import Shape


class PerformanceMetrics(Shape):
    total_tasks: int
    active_tasks: int
    completed_tasks: int
    failed_tasks: int
    completion_rate: float
    error_rate: float
    average_task_duration_seconds: float
    average_step_duration_seconds: float
    tasks_per_hour: float
    steps_per_hour: float
    system_health_score: float
    analysis_period_start: datetime
    calculated_at: datetime


class SlowStep(Shape):
    namespace_name: str
    task_name: str
    version: str
    step_name: str
    average_duration_seconds: float
    max_duration_seconds: float
    execution_count: int
    error_count: int
    error_rate: float
    last_executed_at: datetime | None


class SlowTask(Shape):
    namespace_name: str
    task_name: str
    version: str
    average_duration_seconds: float
    max_duration_seconds: float
    execution_count: int
    average_step_count: float
    error_count: int
    error_rate: float
    last_executed_at: datetime | None


class BottleneckAnalysis(Shape):
    slow_steps: list[SlowStep]
    slow_tasks: list[SlowTask]
    recommendations: list[str]


class QueueNow(Shape):
    namespace: str
    callable: str
    depth: int
    oldest_since: datetime | None
    oldest_seconds: float
    served: bool = Field(description="Whether a live worker serves the handler.")


class StandingNow(Shape):
    queues: list[QueueNow]
    ready_steps: int
    in_progress_steps: int
    waiting_for_retry_steps: int
    tasks: dict[str, int] = Field(description="Unfinished tasks by state.")
    workers: dict[str, int]
    dead_letters: int
    unserved: list[QueueNow]
    at: datetime


class Quantiles(Shape):
    p50: float | None
    p95: float | None


class Lately(Shape):
    """Attempts that ended in the last hours, in stretches; quantiles of the latest 5,000."""

    hours: int
    stretch_seconds: int
    ended: list[int]
    failed: list[int]
    attempts: int
    failed_attempts: int
    failure_rate: float
    waited_seconds: Quantiles
    ran_seconds: Quantiles
    at: datetime


class OverviewResponse(Shape):
    now: StandingNow
    hour: Lately
    day: Lately
