"""Starting a worker, asking how it is, and logging."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tasker_core.types.enums import WorkerState


class BootstrapConfig(BaseModel):
    """How a worker starts. A key that isn't one of these is refused.

    Args:
        worker_id: the worker's name; else host and process.
        namespace: accepted, and says nothing: ``Worker.start(namespaces=...)`` serves some only.
        config_path: a file of settings, a ``tasker.toml`` or a published ``worker.toml``.
        log_level: from which level on Tasker's loggers speak, if it is given.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    worker_id: str | None = None
    namespace: str = "default"
    config_path: str | None = None
    log_level: str = Field(default="info", pattern="^(trace|debug|info|warn|error)$")


class BootstrapResult(BaseModel):
    """How the start went. ``success`` is True only when ``status`` is ``started``."""

    success: bool
    handle_id: str | None = None
    worker_id: str | None = None
    status: str
    message: str = ""
    error_message: str | None = None


class WorkerStatus(BaseModel):
    """How a worker is."""

    running: bool = False
    state: WorkerState = WorkerState.STOPPED
    worker_id: str | None = None
    environment: str | None = None
    namespaces: list[str] = Field(default_factory=list)
    handlers: list[str] = Field(default_factory=list)
    in_progress: int = 0


class LogContext(BaseModel):
    """What a log line is about; other fields may be added."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    correlation_id: str | None = None
    task_uuid: str | None = None
    step_uuid: str | None = None
    namespace: str | None = None
    operation: str | None = None
    handler: str | None = None
    duration_ms: float | None = None

    def to_fields(self) -> dict[str, Any]:
        """The fields that are set."""
        return self.model_dump(exclude_none=True)
