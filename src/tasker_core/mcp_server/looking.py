"""Tools that read: tasks, steps, dead letters, templates, and whether all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasker_core.client import TaskerClient
from tasker_core.drawing.graph import graph_of_task
from tasker_core.drawing.mermaid import mermaid
from tasker_core.mcp_server.answer import as_text
from tasker_core.server.redaction import Redact
from tasker_core.settings.fields import all_settings
from tasker_core.settings.reading import read_settings
from tasker_core.settings.telling import shown
from tasker_core.version import VERSION


class Looking:
    """Each tool opens what it asks, and lets go of it; secrets in contexts and results are masked."""

    def __init__(self, connect: Callable[[], TaskerClient], redact: Redact) -> None:
        self._connect, self._redact = connect, redact

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """The tools by name."""
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "tools"]
        return {name: getattr(self, name) for name in names}

    def connection_status(self) -> str:
        """Tell whether the store or the server answers, and which version this is."""
        with self._connect() as client:
            health = client.health_check()
        return as_text({"version": VERSION, "healthy": health.healthy, "status": health.status})

    def system_health(self) -> str:
        """Tell what is wrong with the store, its workers and what waits for them, and what to do."""
        with self._connect() as client:
            return as_text(client.doctor().as_dict())

    def task_list(
        self, namespace: str | None = None, status: str | None = None, name: str | None = None, limit: int = 20,
        offset: int = 0,
    ) -> str:  # fmt: skip
        """List tasks, the newest first."""
        with self._connect() as client:
            page = client.list_tasks(namespace=namespace, status=status, name=name, limit=limit, offset=offset)
        tasks = [self._redact(task.__dict__) for task in page.tasks]
        return as_text({"tasks": tasks, "pagination": page.pagination.__dict__})

    def task_inspect(self, task_uuid: str) -> str:
        """Show a task and its steps with their results."""
        with self._connect() as client:
            task, steps = client.get_task(task_uuid), client.list_task_steps(task_uuid)
        return as_text(self._redact({**task.__dict__, "steps": [step.__dict__ for step in steps]}))

    def task_explain(self, task_uuid: str) -> str:
        """Tell why a task isn't finished: for each unfinished step the reason, and what can be done."""
        with self._connect() as client:
            return as_text(self._redact(client.explain(task_uuid).as_dict()))

    def task_visualize(self, task_uuid: str) -> str:
        """Draw a task in the language of Mermaid, in the colours of its steps' states."""
        with self._connect() as client:
            return mermaid(graph_of_task(client.summarise_task(task_uuid)), is_run=True)

    def step_inspect(self, task_uuid: str, step_uuid: str) -> str:
        """Show a step: its state, its result or error, its attempts."""
        with self._connect() as client:
            return as_text(self._redact(client.get_step(task_uuid, step_uuid).__dict__))

    def step_audit(self, task_uuid: str, step_uuid: str) -> str:
        """Tell what became of each attempt of a step, the newest first."""
        with self._connect() as client:
            entries = client.get_step_audit_history(task_uuid, step_uuid)
        return as_text([self._redact(entry.__dict__) for entry in entries])

    def dlq_list(self, status: str | None = None, namespace: str | None = None, limit: int = 20) -> str:
        """List dead letters, the newest first."""
        with self._connect() as client:
            letters = client.list_dead_letters(status=status, namespace=namespace, limit=limit)
        return as_text([self._redact(letter.__dict__) for letter in letters])

    def dlq_inspect(self, dlq_entry_uuid: str) -> str:
        """Show a dead letter, and what its task was like when it was written."""
        with self._connect() as client:
            return as_text(self._redact(client.get_dead_letter(dlq_entry_uuid).__dict__))

    def dlq_stats(self) -> str:
        """Count dead letters by reason and status."""
        with self._connect() as client:
            return as_text([each.__dict__ for each in client.dead_letter_stats()])

    def dlq_queue(self, limit: int = 20) -> str:
        """List the pending dead letters, the most urgent first."""
        with self._connect() as client:
            return as_text([self._redact(letter.__dict__) for letter in client.investigation_queue(limit=limit)])

    def staleness_check(self, limit: int = 20) -> str:
        """List unfinished tasks, those first that moved the longest ago."""
        with self._connect() as client:
            return as_text([each.__dict__ for each in client.standing_tasks(limit=limit)])

    def analytics_performance(self, hours: int = 24) -> str:
        """Tell throughput, rates and durations of the tasks that were created in the last hours."""
        with self._connect() as client:
            return as_text(client.get_performance(hours))

    def analytics_bottlenecks(self, limit: int = 10, min_executions: int = 5, hours: int = 24) -> str:
        """Tell which steps and templates took longest on average, how often they fail, and what could be done."""
        with self._connect() as client:
            return as_text(client.get_bottlenecks(limit, min_executions, hours))

    def system_config(self) -> str:
        """Tell the settings of this process that aren't the default, with where each was set; secrets are hidden."""
        reading = read_settings()
        told = {
            setting.name: {"value": shown(setting, setting.value(reading.settings)), "from": str(said[0][0])}
            for setting in all_settings()
            if reading.settings is not None and (said := reading.origins(setting))
        }
        return as_text({"settings": told, "remarks": [str(remark) for remark in reading.remarks]})

    def template_list_remote(self, namespace: str | None = None) -> str:
        """List the templates that tasks can be created of."""
        with self._connect() as client:
            return as_text(client.list_templates(namespace))

    def template_inspect_remote(self, namespace: str, name: str, version: str) -> str:
        """Show a registered template with all that it says."""
        with self._connect() as client:
            return as_text(client.get_template(namespace, name, version))
