"""A context's way back to the worker that runs the attempt."""

from __future__ import annotations

from typing import Any, Protocol


class AttemptLink(Protocol):
    """What a worker offers to the context of each attempt. In a unit test there is none, and nothing to answer."""

    def cancelled(self) -> bool:
        """Whether the task was cancelled or the lease lost."""
        ...

    def heartbeat(self, progress: Any) -> None:
        """Record progress; raise :class:`~tasker_core.errors.StepCancelledError` when the attempt should stop."""
        ...

    def transaction(self) -> Any:
        """The database connection whose transaction the attempt's end is committed with."""
        ...

    def read_result(self, step_name: str) -> Any | None:
        """What an earlier step's handler returned, for one whose result did not come along; None if there is none."""
        ...
