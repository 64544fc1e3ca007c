"""``tasker task``, for operators: what is to happen with a task or a step of it."""

from __future__ import annotations

from typing import Annotated

import typer

from tasker_core.cli.asking import StepName, TaskId, ask, show, step_meant
from tasker_core.cli.inputs import read_context, read_object, read_value
from tasker_core.cli.output import AsJson, Database

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the record.")]
By = Annotated[str | None, typer.Option("--by", "-b", help="Who, for the record; else who is logged in.")]


def reset_step(
    task: TaskId, step: StepName, reason: Reason = "", by: By = None, database_url: Database = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Have a failed step run again from its first attempt; its task goes on by itself."""
    with ask(database_url) as client:
        client.reset_step(task, step_meant(client, task, step), reason, by=by)
        show(client, task, as_json)


def resolve_step(
    task: TaskId, step: StepName, reason: Reason = "", by: By = None, database_url: Database = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Let what waits for a step go on without its result."""
    with ask(database_url) as client:
        client.resolve_step(task, step_meant(client, task, step), reason, by=by)
        show(client, task, as_json)


def complete_step(
    task: TaskId,
    step: StepName,
    result: Annotated[str, typer.Option(help="The result: a JSON file, - for standard input, or JSON.")],
    metadata: Annotated[str | None, typer.Option(help="An object to keep with it, given like --result.")] = None,
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Complete a step by hand, with a result that the steps after it read."""
    value = read_value(result, "result")
    kept = read_object(metadata, "metadata", "metadata") if metadata else None
    with ask(database_url) as client:
        client.complete_step(task, step_meant(client, task, step), value, reason, metadata=kept, by=by)
        show(client, task, as_json)


def restart(
    task: TaskId,
    step: Annotated[str, typer.Argument(help="The step's name.")],
    input: Annotated[
        str | None, typer.Option("--input", "-i", help="Another context: a JSON file, - for standard input, or JSON.")
    ] = None,
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Have a step and everything after it run again; results of the steps before it stay."""
    context = None if input is None else read_context(input)
    with ask(database_url) as client:
        client.restart_task(task, step, reason, context=context, by=by)
        show(client, task, as_json)


def retry(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Have all failed steps of a task run again."""
    with ask(database_url) as client:
        client.retry_task(task, reason, by=by)
        show(client, task, as_json)


def give_up(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """End a task of which a step has failed as error."""
    with ask(database_url) as client:
        client.give_up_task(task, reason, by=by)
        show(client, task, as_json)


def resolve(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """End a task as resolved by hand: whatever it was for has been done otherwise."""
    with ask(database_url) as client:
        client.resolve_task(task, reason, by=by)
        show(client, task, as_json)


def pause(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Hold a task: none of its steps begins until it is resumed."""
    with ask(database_url) as client:
        client.pause_task(task, reason, by=by)
        show(client, task, as_json)


def resume(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Let a paused task go on."""
    with ask(database_url) as client:
        client.resume_task(task, reason, by=by)
        show(client, task, as_json)


def undo(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Have what a task has done undone, by the compensations of its completed steps; then it ends as error."""
    with ask(database_url) as client:
        client.undo_task(task, reason, by=by)
        show(client, task, as_json)
