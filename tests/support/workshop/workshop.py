"""A store with a client, this process's handlers and its worker."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tasker_core import TaskerClient, Worker
from tasker_core.registry import HandlerRegistry
from tasker_core.step_handler import StepHandler, step_handler
from tasker_core.types import StepAuditResponse, StepResponse, TaskResponse
from tests.support.workshop.flows import NAMESPACE, flow

F = TypeVar("F", bound=Callable[..., Any])
PATIENCE = 20.0


class Workshop:
    """Everything that a test of a worker needs; ``close`` ends what was started. The store is a file in ``directory``,
    or at ``url``.

    Handlers that wait for ``self.gate`` are let go when the workshop closes, so that no test leaves one behind.
    """

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.directory = directory
        self.path = directory / "tasker.db"
        self.url = url or f"sqlite:///{self.path}"
        self.door: dict[str, Any] = {"database_url": self.url}
        """How clients find the store, as their arguments: itself, or by a server."""
        self.worker_door: dict[str, Any] = {"database_url": self.url}
        """The same for workers."""
        self.gate = threading.Event()
        HandlerRegistry.reset_instance()

    @cached_property
    def client(self) -> TaskerClient:
        return self.connect()

    def connect(self, *who: str, **options: Any) -> TaskerClient:
        """Another client of this store: through its server, where there is one."""
        return TaskerClient(*who, **{**self.door, **options})

    def handler(self, name: str) -> Callable[[F], F]:
        """Decorate a function, and register it as the handler ``name`` of this process."""

        def register(function: F) -> F:
            decorated = step_handler(name)(function)
            self.register(name, decorated)
            return decorated

        return register

    def register(self, name: str, handler: Any) -> None:
        HandlerRegistry.instance(skip_bootstrap=True).register(name, handler)

    def handler_class(self, cls: type[StepHandler]) -> type[StepHandler]:
        """Register a handler class under its own name."""
        self.register(cls.handler_name, cls)
        return cls

    def template(self, graph: Mapping[str, Sequence[str]], **options: Any) -> None:
        self.client.register_template(flow(graph, **options))

    def start(self, handler_packages: Sequence[str] | None = None, **settings: Any) -> Worker:
        """Start this process's worker on this store."""
        return Worker.start(handler_packages, **{**self.worker_door, "shutdown_timeout": 5.0, **settings})

    def create(self, name: str = "flow", context: Mapping[str, Any] | None = None, **wishes: Any) -> str:
        """Create a task; its UUID."""
        wishes = {"namespace": NAMESPACE, "context": context or {}, **wishes}
        return self.client.create_task(name, **wishes).task_uuid

    def finish(self, task: str, timeout: float = PATIENCE) -> TaskResponse:
        """Wait until the task is at rest."""
        return self.client.wait(task, timeout)

    def run(self, name: str = "flow", context: Mapping[str, Any] | None = None, **wishes: Any) -> TaskResponse:
        """Create a task and wait until it is at rest."""
        return self.finish(self.create(name, context, **wishes))

    def steps(self, task: str) -> dict[str, StepResponse]:
        return {step.name: step for step in self.client.list_task_steps(task)}

    def states(self, task: str) -> dict[str, str]:
        return {name: step.current_state for name, step in self.steps(task).items()}

    def result(self, task: str, step: str) -> Any:
        """What the step's handler returned."""
        found = self.steps(task)[step]
        assert found.results is not None and found.results["success"], found
        return found.results["result"]

    def error(self, task: str, step: str) -> dict[str, Any]:
        """The error of the step's last attempt."""
        found = self.steps(task)[step].results
        assert found is not None and found["error"] is not None, found
        error: dict[str, Any] = found["error"]
        return error

    def audit(self, task: str, step: str) -> list[StepAuditResponse]:
        """The step's attempts, the oldest first."""
        history = self.client.get_step_audit_history(task, self.steps(task)[step].step_uuid)
        return list(reversed(history))

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the store's file from the side."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: Any) -> None:
        """Change the store's file from the side."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            connection.execute(sql, values)

    def close(self) -> None:
        self.gate.set()
        try:
            Worker.reset_instance()
        finally:
            HandlerRegistry.reset_instance()
            if "client" in self.__dict__:
                self.client.close()
