"""Everything that a client can ask: its arguments checked, and made into calls."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tasker_core.client.call import Call, Request
from tasker_core.client.filters import task_filters
from tasker_core.client.templates import read_any
from tasker_core.client.wishes import batch_body, task_body
from tasker_core.clock import RandomIds
from tasker_core.engine.requests import TaskRequest, as_uuid, read_request
from tasker_core.errors import ClientError, InvalidRequestError, TaskStateError
from tasker_core.rules.diagnosis import Diagnosis
from tasker_core.rules.explanation import Explanation
from tasker_core.rules.payload import encode
from tasker_core.types import HealthResponse, StepAuditResponse, StepResponse, TaskListResponse, TaskResponse
from tasker_core.words import TaskState

OnDuplicate: TypeAlias = Literal["raise", "return"]
LARGEST_PAGE = 1_000
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two questions where the server doesn't wait, because it is about to stop."""


class Calls:
    """The calls of a client that creates tasks as ``initiator`` of ``source_system``.

    ``longest_wait`` is for how many seconds one question may wait. All of them raise InvalidRequestError, naming the
    argument, for what can't be asked.
    """

    def __init__(self, initiator: str, source_system: str, longest_wait: float) -> None:
        self._initiator, self._source_system, self._longest_wait = initiator, source_system, longest_wait
        self._ids = RandomIds()

    def create_task(
        self, wish: Mapping[str, Any], on_duplicate: OnDuplicate, connection: object | None
    ) -> Call[TaskResponse]:
        refuse, request = _refuses(on_duplicate), self._request(wish)
        return Call(
            lambda local: local.create(request, refuse_duplicates=refuse, connection=connection),
            lambda: _creation("/v1/tasks", task_body(request), refuse, connection),
            TaskResponse.from_dict,
            bound=connection is not None,
        )

    def create_tasks(
        self, wishes: Sequence[Mapping[str, Any]], on_duplicate: OnDuplicate, connection: object | None
    ) -> Call[list[TaskResponse]]:
        refuse, requests = _refuses(on_duplicate), [self._request(wish) for wish in wishes]
        return Call(
            lambda local: local.create_many(requests, refuse_duplicates=refuse, connection=connection),
            lambda: _creation("/v1/tasks/batch", batch_body(requests), refuse, connection),
            lambda answer: [TaskResponse.from_dict(task) for task in answer["tasks"]],
            bound=connection is not None,
        )

    def get_task(self, task_uuid: str, waiting: float = 0.0, pause: float = 0.0) -> Call[TaskResponse]:
        """``waiting`` is for how many seconds to wait for the task to come to rest."""
        task = as_uuid(task_uuid, "task_uuid")
        query = {"wait_ms": round(waiting * 1_000)} if waiting else {}
        return Call(
            lambda local: local.task(task, waiting),
            lambda: Request(f"/v1/tasks/{task}", query=query),
            TaskResponse.from_dict,
            pause,
            waiting,
        )

    def wait(self, task_uuid: str, timeout: float | None) -> Generator[Call[TaskResponse], TaskResponse, TaskResponse]:
        """Yields questions until an answer is a task at rest, which is returned. Raises the builtin TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, wish = 0.0, 0.0
        while True:
            began = time.monotonic()
            left = self._longest_wait if deadline is None else max(0.0, deadline - began)
            wish = min(left, self._longest_wait)
            found = yield self.get_task(task_uuid, wish, min(pause, left))
            if TaskState(found.status).is_at_rest:
                return found
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                said = f"{found.status} after {timeout:g} s ({found.execution_status})"
                raise TimeoutError(f"task {found.task_uuid} is {said}")
            was_let_go = now - began < wish / 2
            pause = min(max(2 * pause, SHORTEST_PAUSE), LONGEST_PAUSE) if was_let_go else 0.0

    def list_tasks(self, limit: int, offset: int, wanted: Mapping[str, Any]) -> Call[TaskListResponse]:
        """``wanted`` are the filters, by name; None is for any."""
        if not 1 <= limit <= LARGEST_PAGE:
            raise InvalidRequestError(f"limit must lie between 1 and {LARGEST_PAGE:,}, not {limit}", field="limit")
        if offset < 0:
            raise InvalidRequestError(f"offset must not be negative, not {offset}", field="offset")
        filters, query = task_filters(wanted)
        return Call(
            lambda local: local.tasks(filters, limit, offset),
            lambda: Request("/v1/tasks", query={"limit": limit, "offset": offset, **query}),
            TaskListResponse.from_dict,
        )

    def cancel_task(self, task_uuid: str, reason: str) -> Call[dict[str, Any]]:
        task, actor = as_uuid(task_uuid, "task_uuid"), self._initiator
        return Call(
            lambda local: local.cancel(task, f"client {actor}", reason),
            lambda: Request(
                f"/v1/tasks/{task}", "DELETE", {"reason": reason, "cancelled_by": actor}, is_done=_is_cancelled
            ),
            lambda _: {"cancelled": True},
        )

    def list_task_steps(self, task_uuid: str, limit: int | None, offset: int) -> Call[list[StepResponse]]:
        task = as_uuid(task_uuid, "task_uuid")
        if (limit is not None and limit < 1) or offset < 0:
            raise InvalidRequestError("limit must be 1 or more, offset 0 or more", field="limit")
        page = {name: value for name, value in (("limit", limit), ("offset", offset)) if value}
        return Call(
            lambda local: local.steps(task, limit, offset),
            lambda: Request(_steps(task), query=page),
            lambda steps: [StepResponse.from_dict(step) for step in steps],
        )

    def get_step(self, task_uuid: str, step_uuid: str) -> Call[StepResponse]:
        task, step = as_uuid(task_uuid, "task_uuid"), as_uuid(step_uuid, "step_uuid")
        return Call(
            lambda local: local.step(task, step), lambda: Request(f"{_steps(task)}/{step}"), StepResponse.from_dict
        )

    def get_step_audit_history(self, task_uuid: str, step_uuid: str) -> Call[list[StepAuditResponse]]:
        task, step = as_uuid(task_uuid, "task_uuid"), as_uuid(step_uuid, "step_uuid")
        return Call(
            lambda local: local.audit(task, step),
            lambda: Request(f"{_steps(task)}/{step}/audit"),
            lambda entries: [StepAuditResponse.from_dict(entry) for entry in entries],
        )

    def explain(self, task_uuid: str) -> Call[Explanation]:
        task = as_uuid(task_uuid, "task_uuid")
        return Call(
            lambda local: local.explain(task), lambda: Request(f"/v1/tasks/{task}/explain"), Explanation.from_dict
        )

    def doctor(self, deep: bool) -> Call[Diagnosis]:
        return Call(
            lambda local: local.doctor(deep=deep),
            lambda: Request("/v1/doctor", query={"deep": deep}),
            Diagnosis.from_dict,
        )

    def register_template(self, template: str | Path | Mapping[str, Any]) -> Call[None]:
        read = read_any(template)
        return Call(
            lambda local: local.register(read),
            lambda: Request("/v1/templates", "POST", body=encode(read.content(), "template")),
            lambda _: None,
        )

    def health_check(self) -> Call[HealthResponse]:
        return Call(lambda local: local.health(), lambda: Request("/health/ready", once=True), _healthy)

    def _request(self, wish: Mapping[str, Any]) -> TaskRequest:
        return read_request(
            wish, initiator=self._initiator, source_system=self._source_system, task_uuid=self._ids.new()
        )


def unhealthy() -> HealthResponse:
    return HealthResponse(healthy=False, status="unhealthy", timestamp=datetime.now(UTC).isoformat())


def _healthy(answer: Mapping[str, Any]) -> HealthResponse:
    return HealthResponse(healthy=True, status=answer["status"], timestamp=answer["timestamp"])


def _creation(path: str, body: str, refuse: bool, connection: object | None) -> Request:
    if connection is not None:
        raise InvalidRequestError(
            "connection must be left out where the client speaks to a server, which can't write in your transaction; "
            "use a client that opens the store itself (database_url=)",
            field="connection",
        )
    return Request(path, "POST", {"on_duplicate": "refuse" if refuse else "return"}, body)


def _steps(task: str) -> str:
    return f"/v1/tasks/{task}/workflow_steps"


def _is_cancelled(error: ClientError) -> bool:
    return isinstance(error, TaskStateError) and error.state == TaskState.CANCELLED


def _refuses(on_duplicate: str) -> bool:
    if on_duplicate not in ("raise", "return"):
        raise InvalidRequestError(
            f'on_duplicate must be "raise" or "return", not {on_duplicate!r}', field="on_duplicate"
        )
    return on_duplicate == "raise"
