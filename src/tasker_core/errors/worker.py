"""What can go wrong with a worker as a whole."""

from __future__ import annotations

from tasker_core.errors.base import TaskerError


class WorkerNotInitializedError(TaskerError, RuntimeError):
    """No worker runs in this process."""


class WorkerBootstrapError(TaskerError, RuntimeError):
    """The worker could not start."""


class WorkerAlreadyRunningError(TaskerError, RuntimeError):
    """A worker runs in this process already."""
