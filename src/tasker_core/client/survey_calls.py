"""What a client asks about what there is, made into calls: templates, workers, a task as it is drawn, its record."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tasker_core.client.call import Call, Request
from tasker_core.engine.requests import as_text, as_uuid, as_whole

Plain = dict[str, Any]
LONGEST_AGO = 24 * 366
"""Hours."""


class SurveyCalls:
    """Calls whose answers are what the REST API shows."""

    def list_templates(self, namespace: str | None) -> Call[list[Plain]]:
        query = {} if namespace is None else {"namespace": as_text(namespace, "namespace", 255)}
        return Call(
            lambda local: local.ask(lambda engine: engine.listings.templates(namespace)),
            lambda: Request("/v1/templates", query=query),
            lambda answer: list(answer["templates"]),
        )

    def get_template(self, namespace: str, name: str, version: str) -> Call[Plain]:
        parts = [
            as_text(each, field, 255)
            for each, field in ((namespace, "namespace"), (name, "name"), (version, "version"))
        ]
        path = "/".join(quote(part, safe="") for part in parts)
        return Call(
            lambda local: local.ask(lambda engine: engine.listings.template(namespace, name, version)),
            lambda: Request(f"/v1/templates/{path}"),
            dict,
        )

    def list_workers(self) -> Call[list[Plain]]:
        return Call(
            lambda local: local.ask(lambda engine: engine.board.workers()), lambda: Request("/v1/workers"), list
        )

    def get_performance(self, hours: int) -> Call[Plain]:
        as_whole(hours, "hours", 1, LONGEST_AGO)
        return Call(
            lambda local: local.ask(lambda engine: engine.analytics.performance(hours)),
            lambda: Request("/v1/analytics/performance", query={"hours": str(hours)}),
            dict,
        )

    def get_bottlenecks(self, limit: int, min_executions: int, hours: int) -> Call[Plain]:
        as_whole(limit, "limit", 1, 100)
        as_whole(min_executions, "min_executions", 1, 1_000_000)
        as_whole(hours, "hours", 1, LONGEST_AGO)
        query = {"limit": str(limit), "min_executions": str(min_executions), "hours": str(hours)}
        return Call(
            lambda local: local.ask(lambda engine: engine.analytics.bottlenecks(limit, min_executions, hours)),
            lambda: Request("/v1/analytics/bottlenecks", query=query),
            dict,
        )

    def summarise_task(self, task_uuid: str) -> Call[Plain]:
        task = as_uuid(task_uuid, "task_uuid")
        return Call(
            lambda local: local.ask(lambda engine: engine.views.summary(task)),
            lambda: Request(f"/v1/tasks/{task}/summary"),
            dict,
        )

    def list_task_transitions(self, task_uuid: str) -> Call[list[Plain]]:
        task = as_uuid(task_uuid, "task_uuid")
        return Call(
            lambda local: local.ask(lambda engine: engine.views.transitions(task)),
            lambda: Request(f"/v1/tasks/{task}/transitions"),
            list,
        )
