"""``tasker task``: create, get, list, cancel, wait, and what operators can say of a task."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from tasker_core.cli import bulk, drawings, explain, looking, operator, watch
from tasker_core.cli.asking import TaskId, ask, show
from tasker_core.cli.completing import complete_template
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
from tasker_core.cli.inputs import read_context
from tasker_core.cli.output import AsJson, Database, people, print_json, state

app = typer.Typer(help="Create tasks, look at them, mend them.", no_args_is_help=True)
app.command("reset-step")(operator.reset_step)
app.command("resolve-step")(operator.resolve_step)
app.command("complete-step")(operator.complete_step)
app.command("restart")(operator.restart)
app.command("retry")(operator.retry)
app.command("give-up")(operator.give_up)
app.command("resolve")(operator.resolve)
app.command("pause")(operator.pause)
app.command("resume")(operator.resume)
app.command("bulk")(bulk.bulk)
app.command("undo")(operator.undo)
app.command("steps")(looking.steps)
app.command("step")(looking.step)
app.command("audit")(looking.audit)
app.command("step-audit")(looking.step_audit)
app.command("explain")(explain.explain)
app.command("watch")(watch.watch)
app.command("visualize")(drawings.visualize_task)


@app.command()
def create(
    template: Annotated[
        str | None, typer.Argument(help="The template's name.", autocompletion=complete_template)
    ] = None,
    input: Annotated[
        str | None, typer.Option("--input", "-i", help="The context: a JSON file, - for standard input, or JSON.")
    ] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="The template's namespace.")] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", "-v", help="The template's version, or latest; else 1.0.0, else the newest."),
    ] = None,
    key: Annotated[str | None, typer.Option("--idempotency-key", "-k", help="Makes the task unique.")] = None,
    priority: Annotated[int, typer.Option("--priority", "-p", help="-100 to 100, the highest first.")] = 0,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given several times.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "Task requested",
    correlation_id: Annotated[
        str | None, typer.Option("--correlation-id", "-c", help="A UUID of what it belongs to; else a new one.")
    ] = None,
    parent_correlation_id: Annotated[str | None, typer.Option(help="That of what it comes of.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The template's name, instead of the argument.")] = None,
    _description: Annotated[str, typer.Option("--description", help="Is heeded by nobody.", hidden=True)] = "",
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a task; a worker runs it."""
    if (template is None) == (name is None):
        raise typer.BadParameter("name the template once: as the argument, or with --name")
    with ask(database_url) as client:
        task = client.create_task(
            template or name or "",
            namespace=namespace,
            context=read_context(input),
            version=version,
            reason=reason,
            idempotency_key=key,
            priority=priority,
            tags=tag or [],
            correlation_id=correlation_id,
            parent_correlation_id=parent_correlation_id,
        )
        print_json(task.__dict__) if as_json else people.print(task.task_uuid)


@app.command()
def get(task: TaskId, database_url: Database = None, as_json: AsJson = False) -> None:
    """Show a task and its steps."""
    with ask(database_url) as client:
        show(client, task, as_json)


@app.command("list")
def list_tasks(
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
    limit: Annotated[int, typer.Option("--limit", "-l", help="How many at most.")] = 20,
    offset: Annotated[int, typer.Option(help="How many to pass over.")] = 0,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, the newest first."""
    path, value = context_filter(context)
    with ask(database_url) as client:
        page = client.list_tasks(
            limit=limit, offset=offset, namespace=namespace, status=status, name=name, version=version, tag=tag,
            initiator=initiator, source_system=source_system, correlation_id=correlation_id,
            parent_correlation_id=parent_correlation_id, created_after=created_after, created_before=created_before,
            updated_after=updated_after, updated_before=updated_before, context_path=path,
            context_value=value,
        )  # fmt: skip
    if as_json:
        print_json({"tasks": [t.__dict__ for t in page.tasks], "pagination": page.pagination.__dict__})
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("task", "template", "state", "steps", "created"):
        table.add_column(column, no_wrap=column == "task")
    for task in page.tasks:
        done = f"{task.completed_steps} of {task.total_steps}"
        created = (task.created_at or "")[:19].replace("T", " ")
        table.add_row(task.task_uuid, f"{task.namespace}/{task.name}", state(task.status), done, created)
    people.print(table)
    shown, total = len(page.tasks), page.pagination.total_count
    if shown < total:
        people.print(f"[dim]{shown} of {total}; more with --offset {offset + shown}[/]")


@app.command()
def cancel(
    task: TaskId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a task: what hasn't begun never will, what runs is told."""
    with ask(database_url) as client:
        answer = client.cancel_task(task, reason)
    print_json(answer) if as_json else people.print("cancelled")


@app.command()
def wait(
    task: TaskId,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait at most.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Wait until a task is at rest. Exit code 0 when it is complete, 1 otherwise."""
    with ask(database_url) as client:
        try:
            client.wait(task, timeout)
        except TimeoutError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        complete = show(client, task, as_json)
    raise typer.Exit(0 if complete else 1)
