"""What the clients offer to operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasker_core.client.operator_calls import OperatorCalls
from tasker_core.types import StepResponse

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
