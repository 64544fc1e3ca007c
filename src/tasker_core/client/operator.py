"""What the clients offer to operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasker_core.client.call import ask_through, ask_through_async
from tasker_core.client.operator_calls import OperatorCalls
from tasker_core.types import BulkResponse, NamespaceResponse, StepResponse, TaskResponse

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.client.local import Local
    from tasker_core.client.threads import Threads


class Operating:
    """Methods of ``TaskerClient``. In all of them ``reason`` says why and ``by`` who (else the client's ``initiator``),
    for the audit; a call whose answer was lost is repeated, and done once.

    They raise TaskNotFoundError, StepNotFoundError, and TaskStateError where the state of the task or step doesn't
    allow it; then nothing has changed.
    """

    _door: Local | Http
    _operator: OperatorCalls

    def reset_step(self, task_uuid: str, step_uuid: str, reason: str = "", *, by: str | None = None) -> StepResponse:
        """Have a failed step run again from its first attempt, with all its attempts; its task goes on by itself."""
        return self._door.do(self._operator.reset_step(task_uuid, step_uuid, reason, by))

    def resolve_step(self, task_uuid: str, step_uuid: str, reason: str = "", *, by: str | None = None) -> StepResponse:
        """Let what waits for a step go on without its result: the step is ``resolved_manually``.

        For any step that isn't done. One that runs is taken from its worker, whose result is refused. A decision that
        is resolved has chosen nothing.
        """
        return self._door.do(self._operator.resolve_step(task_uuid, step_uuid, reason, by))

    def complete_step(
        self, task_uuid: str, step_uuid: str, result: Any, reason: str = "", *,
        metadata: Mapping[str, Any] | None = None, by: str | None = None,
    ) -> StepResponse:  # fmt: skip
        """Complete a step with ``result``, anything that is JSON, which the steps that depend on it read.

        For any step that isn't done, like ``resolve_step``. ``metadata`` is kept with the result. A decision's result
        must decide: ``{"decision_point_outcome": {"type": "create_steps", "step_names": [...]}}``. Raises
        InvalidRequestError for one that can't be carried out or doesn't fit an enforced ``result_schema``,
        PayloadError for what isn't JSON or too large.
        """
        return self._door.do(self._operator.complete_step(task_uuid, step_uuid, result, metadata, reason, by))

    def restart_task(
        self, task_uuid: str, from_step: str, reason: str = "", *, context: Mapping[str, Any] | None = None,
        by: str | None = None,
    ) -> TaskResponse:  # fmt: skip
        """Have the step of this name and everything after it run again, from scratch, also in a task that is final.

        Results of the steps before it stay. What decisions and analyzers among the steps had brought about is gone;
        they decide anew. ``context`` is what the task works on from now on; the one before is kept. Raises
        SchemaViolationError for one that doesn't fit an enforced ``input_schema``, PayloadError.
        """
        return self._door.do(self._operator.restart_task(task_uuid, from_step, reason, context, by))

    def retry_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """Have all failed steps of a task run again, each from its first attempt; also of one that was given up."""
        return self._door.do(self._operator.retry_task(task_uuid, reason, by))

    def give_up_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """End a task of which a step has failed as ``error``; what isn't finished of it never will be."""
        return self._door.do(self._operator.give_up_task(task_uuid, reason, by))

    def resolve_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """End a task as ``resolved_manually``: whatever it was for has been done otherwise."""
        return self._door.do(self._operator.resolve_task(task_uuid, reason, by))

    def pause_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """Hold a task: none of its steps begins until it is resumed. What runs goes on to its end.

        A pause ends with its task: one that is cancelled and then restarted isn't held.
        """
        return self._door.do(self._operator.pause_task(task_uuid, reason, by))

    def resume_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """Let a paused task go on."""
        return self._door.do(self._operator.resume_task(task_uuid, reason, by))

    def change_tasks(
        self, act: str, reason: str = "", *, by: str | None = None, dry_run: bool = False, sample: int = 10,
        from_step: str | None = None, **filters: Any,
    ) -> BulkResponse:  # fmt: skip
        """Say the same of all tasks that match: ``retry``, ``cancel``, ``pause``, ``resume``, ``give_up``, ``resolve``,
        or ``restart``, each from its step ``from_step``.

        ``filters`` are those of ``list_tasks``, at least one: ``status="blocked_by_failures"``, ``namespace="shop"``.
        With ``dry_run`` the tasks are counted that it could be said of, and the newest of them told; nothing changes.
        Each task is changed by itself and has it in its audit; thousands take a while. What a broken call has done
        stays done, and the next one goes on with the rest. Raises InvalidRequestError for an unknown act or filter.
        """
        return ask_through(
            self._door.do, self._operator.change_tasks(act, reason, by, dry_run, sample, from_step, filters)
        )

    def list_namespaces(self) -> list[NamespaceResponse]:
        """The namespaces of the registered templates, and which of them are paused."""
        return self._door.do(self._operator.list_namespaces())

    def get_namespace(self, namespace: str) -> NamespaceResponse:
        """One namespace, with what operators said of it. Raises NamespaceNotFoundError."""
        return self._door.do(self._operator.get_namespace(namespace))

    def pause_namespace(self, namespace: str, reason: str = "", *, by: str | None = None) -> NamespaceResponse:
        """Hold a whole namespace: once this returns, no step of it begins until it is resumed.

        What runs goes on to its end; tasks that are created wait. Raises NamespaceNotFoundError, and TaskStateError
        for one that is paused already.
        """
        return self._door.do(self._operator.pause_namespace(namespace, reason, by))

    def resume_namespace(self, namespace: str, reason: str = "", *, by: str | None = None) -> NamespaceResponse:
        """Let a paused namespace go on. Raises NamespaceNotFoundError, and TaskStateError for one that isn't paused."""
        return self._door.do(self._operator.resume_namespace(namespace, reason, by))

    def undo_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """Have the compensations of a task's completed steps run, whatever its state; then it ends as ``error``.

        What is in progress ends first, what hasn't begun never will. An undoing that was ended amid it goes on.
        """
        return self._door.do(self._operator.undo_task(task_uuid, reason, by))

    def drain_worker(self, worker_uuid: str, reason: str = "", *, by: str | None = None) -> dict[str, Any]:
        """Have a worker finish what it runs and take no more; it stays, draining, until its process ends.

        Once this returns it claims nothing. The answer is what the REST API shows. Raises WorkerNotFoundError.
        """
        return self._door.do(self._operator.drain_worker(worker_uuid, reason, by))


class AsyncOperating:
    """The same for an event loop; see ``Operating``."""

    _door: Threads | AsyncHttp
    _operator: OperatorCalls

    async def reset_step(
        self, task_uuid: str, step_uuid: str, reason: str = "", *, by: str | None = None
    ) -> StepResponse:
        """See ``TaskerClient.reset_step``."""
        return await self._door.do(self._operator.reset_step(task_uuid, step_uuid, reason, by))

    async def resolve_step(
        self, task_uuid: str, step_uuid: str, reason: str = "", *, by: str | None = None
    ) -> StepResponse:
        """See ``TaskerClient.resolve_step``."""
        return await self._door.do(self._operator.resolve_step(task_uuid, step_uuid, reason, by))

    async def complete_step(
        self, task_uuid: str, step_uuid: str, result: Any, reason: str = "", *,
        metadata: Mapping[str, Any] | None = None, by: str | None = None,
    ) -> StepResponse:  # fmt: skip
        """See ``TaskerClient.complete_step``."""
        return await self._door.do(self._operator.complete_step(task_uuid, step_uuid, result, metadata, reason, by))

    async def restart_task(
        self, task_uuid: str, from_step: str, reason: str = "", *, context: Mapping[str, Any] | None = None,
        by: str | None = None,
    ) -> TaskResponse:  # fmt: skip
        """See ``TaskerClient.restart_task``."""
        return await self._door.do(self._operator.restart_task(task_uuid, from_step, reason, context, by))

    async def retry_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.retry_task``."""
        return await self._door.do(self._operator.retry_task(task_uuid, reason, by))

    async def give_up_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.give_up_task``."""
        return await self._door.do(self._operator.give_up_task(task_uuid, reason, by))

    async def resolve_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.resolve_task``."""
        return await self._door.do(self._operator.resolve_task(task_uuid, reason, by))

    async def pause_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.pause_task``."""
        return await self._door.do(self._operator.pause_task(task_uuid, reason, by))

    async def resume_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.resume_task``."""
        return await self._door.do(self._operator.resume_task(task_uuid, reason, by))

    async def change_tasks(
        self, act: str, reason: str = "", *, by: str | None = None, dry_run: bool = False, sample: int = 10,
        from_step: str | None = None, **filters: Any,
    ) -> BulkResponse:  # fmt: skip
        """See ``TaskerClient.change_tasks``."""
        questions = self._operator.change_tasks(act, reason, by, dry_run, sample, from_step, filters)
        return await ask_through_async(self._door.do, questions)

    async def list_namespaces(self) -> list[NamespaceResponse]:
        """See ``TaskerClient.list_namespaces``."""
        return await self._door.do(self._operator.list_namespaces())

    async def get_namespace(self, namespace: str) -> NamespaceResponse:
        """See ``TaskerClient.get_namespace``."""
        return await self._door.do(self._operator.get_namespace(namespace))

    async def pause_namespace(self, namespace: str, reason: str = "", *, by: str | None = None) -> NamespaceResponse:
        """See ``TaskerClient.pause_namespace``."""
        return await self._door.do(self._operator.pause_namespace(namespace, reason, by))

    async def resume_namespace(self, namespace: str, reason: str = "", *, by: str | None = None) -> NamespaceResponse:
        """See ``TaskerClient.resume_namespace``."""
        return await self._door.do(self._operator.resume_namespace(namespace, reason, by))

    async def undo_task(self, task_uuid: str, reason: str = "", *, by: str | None = None) -> TaskResponse:
        """See ``TaskerClient.undo_task``."""
        return await self._door.do(self._operator.undo_task(task_uuid, reason, by))

    async def drain_worker(self, worker_uuid: str, reason: str = "", *, by: str | None = None) -> dict[str, Any]:
        """See ``TaskerClient.drain_worker``."""
        return await self._door.do(self._operator.drain_worker(worker_uuid, reason, by))
