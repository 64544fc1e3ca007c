"""How things went."""

from __future__ import annotations

from datetime import datetime

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
