"""What the clients offer for looking around: templates, workers, a task as it is drawn, its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasker_core.client.survey_calls import SurveyCalls

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.client.local import Local
    from tasker_core.client.threads import Threads


class Surveying:
    """Methods of ``TaskerClient``. All of them read only, and answer what the REST API shows."""

    _door: Local | Http
    _survey: SurveyCalls

    def list_templates(self, namespace: str | None = None) -> list[dict[str, Any]]:
        """The templates that new tasks can be made of, each version a line; of one namespace only, if it is given."""
        return self._door.do(self._survey.list_templates(namespace))

    def get_template(self, namespace: str, name: str, version: str) -> dict[str, Any]:
        """One template with all that it says, and its steps. Raises UnknownTemplateError."""
        return self._door.do(self._survey.get_template(namespace, name, version))

    def list_workers(self) -> list[dict[str, Any]]:
        """The workers that are there: what they serve, what they hold, when they were last heard of."""
        return self._door.do(self._survey.list_workers())

    def get_performance(self, hours: int = 24) -> dict[str, Any]:
        """Throughput, rates and durations of the tasks that were created in the last ``hours``."""
        return self._door.do(self._survey.get_performance(hours))

    def get_bottlenecks(self, limit: int = 10, min_executions: int = 5, hours: int = 24) -> dict[str, Any]:
        """The ``limit`` steps and templates that took longest on average, of those that ran ``min_executions`` times or
        more in the last ``hours``: how often they fail, and what could be done."""
        return self._door.do(self._survey.get_bottlenecks(limit, min_executions, hours))

    def summarise_task(self, task_uuid: str) -> dict[str, Any]:
        """A task as a drawing needs it: the template's graph and where each step stands. Raises TaskNotFoundError."""
        return self._door.do(self._survey.summarise_task(task_uuid))

    def list_task_transitions(self, task_uuid: str) -> list[dict[str, Any]]:
        """Every change of a task's state, and of its steps' where no attempt tells it, the oldest first.

        Raises TaskNotFoundError.
        """
        return self._door.do(self._survey.list_task_transitions(task_uuid))


class AsyncSurveying:
    """The same of ``AsyncTaskerClient``."""

    _door: Threads | AsyncHttp
    _survey: SurveyCalls

    async def list_templates(self, namespace: str | None = None) -> list[dict[str, Any]]:
        """See ``TaskerClient.list_templates``."""
        return await self._door.do(self._survey.list_templates(namespace))

    async def get_template(self, namespace: str, name: str, version: str) -> dict[str, Any]:
        """See ``TaskerClient.get_template``."""
        return await self._door.do(self._survey.get_template(namespace, name, version))

    async def list_workers(self) -> list[dict[str, Any]]:
        """See ``TaskerClient.list_workers``."""
        return await self._door.do(self._survey.list_workers())

    async def get_performance(self, hours: int = 24) -> dict[str, Any]:
        """See ``TaskerClient.get_performance``."""
        return await self._door.do(self._survey.get_performance(hours))

    async def get_bottlenecks(self, limit: int = 10, min_executions: int = 5, hours: int = 24) -> dict[str, Any]:
        """See ``TaskerClient.get_bottlenecks``."""
        return await self._door.do(self._survey.get_bottlenecks(limit, min_executions, hours))

    async def summarise_task(self, task_uuid: str) -> dict[str, Any]:
        """See ``TaskerClient.summarise_task``."""
        return await self._door.do(self._survey.summarise_task(task_uuid))

    async def list_task_transitions(self, task_uuid: str) -> list[dict[str, Any]]:
        """See ``TaskerClient.list_task_transitions``."""
        return await self._door.do(self._survey.list_task_transitions(task_uuid))
