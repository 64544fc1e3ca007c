"""``AsyncTaskerClient``: the client for code that runs in an event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasker_core.client.call import ask_through_async
from tasker_core.client.calls import Calls, OnDuplicate, unhealthy
from tasker_core.client.dead_letter_calls import DeadLetterCalls
from tasker_core.client.dead_letters import AsyncBurying
from tasker_core.client.event_calls import EventCalls
from tasker_core.client.events import AsyncEventful
from tasker_core.client.limit_calls import LimitCalls
from tasker_core.client.limiting import AsyncLimiting
from tasker_core.client.operator import AsyncOperating
from tasker_core.client.operator_calls import OperatorCalls
from tasker_core.client.place import Place
from tasker_core.client.survey_calls import SurveyCalls
from tasker_core.client.surveying import AsyncSurveying
from tasker_core.errors import StoreError
from tasker_core.rules.diagnosis import Diagnosis
from tasker_core.rules.explanation import Explanation
from tasker_core.types import HealthResponse, StepAuditResponse, StepResponse, TaskListResponse, TaskResponse

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp
    from tasker_core.client.threads import Threads


class AsyncTaskerClient(AsyncOperating, AsyncBurying, AsyncEventful, AsyncLimiting, AsyncSurveying):
    """``TaskerClient`` for an event loop: the same arguments, methods, answers and errors, to be awaited.

    Belongs to the event loop in which it is first used. It asks a server without a thread; the store of this process
    is asked in threads.

    >>> import asyncio, tempfile
    >>> async def main() -> str:
    ...     async with AsyncTaskerClient(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db") as client:
    ...         await client.register_template({
    ...             "name": "greet", "namespace_name": "demo", "version": "1.0.0",
    ...             "steps": [{"name": "hello", "handler": {"callable": "hello"}}]})
    ...         task = await client.create_task("greet", namespace="demo", context={"name": "Ann"})
    ...         return (await client.get_task(task.task_uuid)).status
    >>> asyncio.run(main())
    'steps_in_process'
    """

    def __init__(
        self,
        initiator: str = "tasker-core-python",
        source_system: str = "tasker-core",
        *,
        url: str | None = None,
        database_url: str | None = None,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
        retries: int | None = None,
    ) -> None:
        self.initiator = initiator
        self.source_system = source_system
        place = Place.of(url, database_url, api_key=api_key, token=token, timeout=timeout, retries=retries)
        self._door: Threads | AsyncHttp = place.async_http(initiator) if place.is_server else place.threads()
        self._calls = Calls(initiator, source_system, self._door.longest_wait)
        self._operator, self._limit_calls = OperatorCalls(initiator), LimitCalls(initiator)
        self._dead_letters = DeadLetterCalls(initiator)
        self._events = EventCalls()
        self._survey = SurveyCalls()

    async def create_task(
        self,
        name: str,
        *,
        namespace: str | None = "default",
        context: Mapping[str, Any] | None = None,
        version: str | None = None,
        reason: str = "Task requested",
        on_duplicate: OnDuplicate = "raise",
        connection: object | None = None,
        **kwargs: Any,
    ) -> TaskResponse:
        """See ``TaskerClient.create_task``. A ``connection`` is a synchronous one, used in the caller's thread."""
        wish = {"name": name, "namespace": namespace, "context": context, "version": version, "reason": reason}
        return await self._door.do(self._calls.create_task({**wish, **kwargs}, on_duplicate, connection))

    async def create_tasks(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_duplicate: OnDuplicate = "raise",
        connection: object | None = None,
    ) -> list[TaskResponse]:
        """See ``TaskerClient.create_tasks``."""
        call = self._calls.create_tasks(requests, on_duplicate, connection)
        return await self._door.do(call) if requests else []

    async def get_task(self, task_uuid: str) -> TaskResponse:
        """See ``TaskerClient.get_task``."""
        return await self._door.do(self._calls.get_task(task_uuid))

    async def list_tasks(
        self, *, limit: int = 50, offset: int = 0, namespace: str | None = None, status: str | None = None,
        name: str | None = None, version: str | None = None, tag: str | None = None, initiator: str | None = None,
        source_system: str | None = None, correlation_id: str | UUID | None = None,
        parent_correlation_id: str | UUID | None = None, created_after: datetime | str | None = None,
        created_before: datetime | str | None = None, updated_after: datetime | str | None = None,
        updated_before: datetime | str | None = None, context_path: str | None = None,
        context_value: str | float | None = None,
    ) -> TaskListResponse:  # fmt: skip
        """See ``TaskerClient.list_tasks``."""
        wanted = {
            "namespace": namespace, "status": status, "name": name, "version": version, "tag": tag,
            "initiator": initiator, "source_system": source_system, "correlation_id": correlation_id,
            "parent_correlation_id": parent_correlation_id, "created_after": created_after,
            "created_before": created_before, "updated_after": updated_after, "updated_before": updated_before,
            "context_path": context_path, "context_value": context_value,
        }  # fmt: skip
        return await self._door.do(self._calls.list_tasks(limit, offset, wanted))

    async def cancel_task(self, task_uuid: str, reason: str = "") -> dict[str, Any]:
        """See ``TaskerClient.cancel_task``."""
        return await self._door.do(self._calls.cancel_task(task_uuid, reason))

    async def list_task_steps(self, task_uuid: str, limit: int | None = None, offset: int = 0) -> list[StepResponse]:
        """See ``TaskerClient.list_task_steps``."""
        return await self._door.do(self._calls.list_task_steps(task_uuid, limit, offset))

    async def get_step(self, task_uuid: str, step_uuid: str) -> StepResponse:
        """See ``TaskerClient.get_step``."""
        return await self._door.do(self._calls.get_step(task_uuid, step_uuid))

    async def get_step_audit_history(self, task_uuid: str, step_uuid: str) -> list[StepAuditResponse]:
        """See ``TaskerClient.get_step_audit_history``."""
        return await self._door.do(self._calls.get_step_audit_history(task_uuid, step_uuid))

    async def explain(self, task_uuid: str) -> Explanation:
        """See ``TaskerClient.explain``."""
        return await self._door.do(self._calls.explain(task_uuid))

    async def doctor(self, *, deep: bool = False) -> Diagnosis:
        """See ``TaskerClient.doctor``."""
        return await self._door.do(self._calls.doctor(deep))

    async def wait(self, task_uuid: str, timeout: float | None = None) -> TaskResponse:
        """See ``TaskerClient.wait``."""
        return await ask_through_async(self._door.do, self._calls.wait(task_uuid, timeout))

    async def register_template(self, template: str | Path | Mapping[str, Any]) -> None:
        """See ``TaskerClient.register_template``."""
        await self._door.do(self._calls.register_template(template))

    async def health_check(self) -> HealthResponse:
        """See ``TaskerClient.health_check``."""
        try:
            return await self._door.do(self._calls.health_check())
        except StoreError:
            return unhealthy()

    async def close(self) -> None:
        """Let go of the server, or of the store. A client that is closed isn't used again."""
        await self._door.close()

    async def __aenter__(self) -> AsyncTaskerClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
