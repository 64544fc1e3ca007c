"""What a shell offers after Tab: tasks, steps, templates of the store. Never an error, for nobody could read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer

from tasker_core.client import TaskerClient
from tasker_core.errors import TaskerError

MOST_OFFERED = 50
Offers = list[tuple[str, str]]
"""Words, and what is said beside each by shells that show it."""


def complete_task(context: typer.Context, incomplete: str) -> Offers:
    """The newest tasks whose UUID begins so."""
    return _offered(context, incomplete, _tasks)


def complete_step(context: typer.Context, incomplete: str) -> Offers:
    """The steps of the task that stands before."""
    task = str(context.params.get("task", ""))
    return _offered(
        context, incomplete, lambda client: [(s.name, s.current_state) for s in client.list_task_steps(task)]
    )


def complete_template(context: typer.Context, incomplete: str) -> Offers:
    """The names of registered templates."""
    return _offered(
        context,
        incomplete,
        lambda client: [(each["name"], f"{each['namespace']} {each['version']}") for each in client.list_templates()],
    )


def complete_namespace(context: typer.Context, incomplete: str) -> Offers:
    """The namespaces of registered templates."""
    return _offered(context, incomplete, lambda client: [(each.namespace, "") for each in client.list_namespaces()])


def complete_worker(context: typer.Context, incomplete: str) -> Offers:
    """The workers that are there, by name."""
    return _offered(
        context, incomplete, lambda client: [(each["name"], each["worker_uuid"]) for each in client.list_workers()]
    )


def _tasks(client: TaskerClient) -> Iterable[tuple[str, str]]:
    for task in client.list_tasks(limit=MOST_OFFERED).tasks:
        yield task.task_uuid, f"{task.namespace}/{task.name} {task.status}"


def _offered(
    context: typer.Context, incomplete: str, read: Callable[[TaskerClient], Iterable[tuple[str, str]]]
) -> Offers:
    try:
        with TaskerClient(database_url=context.params.get("database_url"), retries=0, timeout=2) as client:
            found = dict(read(client))
    except (TaskerError, OSError):
        return []
    return [(word, said) for word, said in found.items() if word.startswith(incomplete)]
