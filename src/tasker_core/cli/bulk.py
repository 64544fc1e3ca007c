"""``tasker task bulk``: the same said of all tasks that match."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from tasker_core.cli.asking import ask
from tasker_core.cli.filters import (
    ContextField,
    CorrelationId,
    CreatedAfter,
    CreatedBefore,
    Initiator,
    Name,
    Namespace,
    ParentCorrelationId,
    SourceSystem,
    Status,
    Tag,
    UpdatedAfter,
    UpdatedBefore,
    Version,
    context_filter,
)
from tasker_core.cli.operator import By, Reason
from tasker_core.cli.output import AsJson, Database, errors, people, print_json, state
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.explanation import counted
from tasker_core.types import BulkResponse


class Act(StrEnum):
    """What can be said of many tasks."""

    RETRY = "retry"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    GIVE_UP = "give-up"
    RESOLVE = "resolve"
    RESTART = "restart"

    @property
    def done(self) -> str:
        return PAST[self]


PAST = {
    Act.RETRY: "retried", Act.CANCEL: "cancelled", Act.PAUSE: "paused", Act.RESUME: "resumed",
    Act.GIVE_UP: "given up", Act.RESOLVE: "resolved", Act.RESTART: "restarted",
}  # fmt: skip


def bulk(
    act: Annotated[Act, typer.Argument(help="What to do with each.", show_default=False)],
    namespace: Namespace = None,
    status: Status = None,
    name: Name = None,
    version: Version = None,
    tag: Tag = None,
    initiator: Initiator = None,
    source_system: SourceSystem = None,
    correlation_id: CorrelationId = None,
    parent_correlation_id: ParentCorrelationId = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    updated_after: UpdatedAfter = None,
    updated_before: UpdatedBefore = None,
    context: ContextField = None,
    from_step: Annotated[str | None, typer.Option("--from-step", help="The step of a restart.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them, and show the newest.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Do the same with all tasks that match, at least one filter given. Exit code 1 where it failed for one."""
    path, value = context_filter(context)
    filters: dict[str, Any] = {
        "namespace": namespace, "status": status, "name": name, "version": version, "tag": tag, "initiator": initiator,
        "source_system": source_system, "correlation_id": correlation_id,
        "parent_correlation_id": parent_correlation_id, "created_after": created_after,
        "created_before": created_before, "updated_after": updated_after, "updated_before": updated_before,
        "context_path": path, "context_value": value,
    }  # fmt: skip
    verb = act.replace("-", "_")
    with ask(database_url) as client:
        if dry_run or not yes:
            found = client.change_tasks(verb, dry_run=True, from_step=from_step, **filters)
            if dry_run:
                print_json(_counted(found)) if as_json else _show(act, found)
                return
            _confirm(act, found)
        done = client.change_tasks(verb, reason, by=by, from_step=from_step, **filters)
    print_json(_done(done)) if as_json else _tell(act, done)
    raise typer.Exit(1 if done.failures else 0)


def _confirm(act: Act, found: BulkResponse) -> None:
    """Ask whoever sits at the terminal."""
    if not sys.stdin.isatty():
        raise InvalidRequestError(f"{counted(found.matching or 0, 'task')} would be {act.done}; say --yes to do it")
    typer.confirm(f"{counted(found.matching or 0, 'task')} will be {act.done}. Go on?", abort=True)


def _show(act: Act, found: BulkResponse) -> None:
    people.print(f"{counted(found.matching or 0, 'task')} would be {act.done}")
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(no_wrap=True)
    for task in found.sample:
        table.add_row(task["task_uuid"], f"{task['namespace']}/{task['name']}", state(task["status"]))
    if found.sample:
        people.print(table)
    if (more := (found.matching or 0) - len(found.sample)) and found.sample:
        people.print(f"[dim]... and {more:,} more[/]")


def _tell(act: Act, done: BulkResponse) -> None:
    people.print(f"{counted(done.done, 'task')} {act.done}")
    if done.skipped:
        why = ", ".join(f"{count:,} {state}" for state, count in sorted(done.skipped.items()))
        people.print(f"skipped, since they had come to another state: {why}")
    for failure in done.failed:
        errors.print(f"[red]failed:[/] {failure['task_uuid']}: ", end="")
        errors.print(failure["message"], markup=False)
    if (more := done.failures - len(done.failed)) > 0:
        errors.print(f"... and {more:,} more")


def _counted(found: BulkResponse) -> dict[str, object]:
    return {"matching": found.matching, "sample": found.sample}


def _done(done: BulkResponse) -> dict[str, object]:
    return {"done": done.done, "skipped": done.skipped, "failures": done.failures, "failed": done.failed}
