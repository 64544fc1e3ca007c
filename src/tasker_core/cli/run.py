"""``tasker run``: one task from its template to its end, before the user's eyes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tasker_core.cli.following import INTERRUPTED, MOST_WATCHED, Journal, before_the_eyes, follow
from tasker_core.cli.inputs import read_context
from tasker_core.cli.observing import LogFormat, watched
from tasker_core.cli.output import AsJson, Database, duration, errors, people, print_json, task_view, whole
from tasker_core.cli.worker import Concurrency, Handlers
from tasker_core.client import TaskerClient
from tasker_core.client.client import operator
from tasker_core.engine.open import database_url as chosen_store
from tasker_core.errors import DuplicateTaskError, HandlerNotFoundError
from tasker_core.rules.template import Template
from tasker_core.template_files import read_file
from tasker_core.words import TaskState
from tasker_core.worker import Worker


def run(
    template: Annotated[Path, typer.Argument(help="The template's YAML file.")],
    input: Annotated[
        str | None, typer.Option("--input", "-i", help="The context: a JSON file, - for standard input, or JSON.")
    ] = None,
    handlers: Handlers = None,
    key: Annotated[str | None, typer.Option("--idempotency-key", "-k", help="Makes the task unique.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Make another task even if the same exists.")] = False,
    concurrency: Concurrency = None,
    database_url: Database = None,
    log_format: LogFormat = None,
    as_json: AsJson = False,
) -> None:
    """Run one task to its end, with live progress.

    If the same task exists unfinished, it goes on; if it is finished, its result is shown. Exit code 0 when the task is
    complete, 1 when it rests in any other state, 2 when the call was wrong.
    """
    context = read_context(input)
    read = read_file(template)
    store = chosen_store(database_url)  # this process's own, and no server that the settings name
    with (
        watched("tasker-run", log_format),
        TaskerClient(initiator=operator(), source_system="tasker run", database_url=store) as client,
    ):
        worker = Worker.start(handlers, database_url=store, concurrency=concurrency, template_path=template)
        try:
            _check_handlers(worker, read.template)
            task = _task(client, read.template, context, key, new=new, as_json=as_json)
            _follow(client, task, as_json)
        finally:
            worker.stop()
        found, steps = client.get_task(task), client.list_task_steps(task)
    if as_json:
        print_json(whole(found, steps))
    else:
        seconds = duration(found)
        people.print(task_view(found, steps))
        if seconds is not None:
            people.print(f"[dim]{found.status} in {seconds:.3f} s[/]")
    raise typer.Exit(0 if found.status == TaskState.COMPLETE else 1)


def _check_handlers(worker: Worker, template: Template) -> None:
    missing, place = worker.service.serving.missing, f"{template.namespace_name}/{template.name}"
    own = {
        step.name: missing[f"{place}/{step.name}"] for step in template.every_step if f"{place}/{step.name}" in missing
    }
    if own:
        said = "\n  ".join(f"step {step!r}: {why}" for step, why in own.items())
        raise HandlerNotFoundError(f"no handler for these steps; name their package with --handlers\n  {said}")


def _task(
    client: TaskerClient, template: Template, context: dict[str, Any], key: str | None, *, new: bool, as_json: bool
) -> str:
    wish: dict[str, Any] = {
        "namespace": template.namespace_name,
        "version": template.version,
        "context": context,
        "idempotency_key": key,
    }
    try:
        return client.create_task(template.name, **wish).task_uuid
    except DuplicateTaskError as duplicate:
        if not new:
            found = client.get_task(duplicate.task_uuid)
            if not as_json:
                final = TaskState(found.status).is_final
                done = "is finished already; this is its result" if final else "exists unfinished; it goes on"
                people.print(f"[yellow]the same task {done}[/] (--new makes another)")
            return duplicate.task_uuid
        import uuid

        another = f"{key or 'run'}:{uuid.uuid4()}"
        return client.create_task(template.name, **{**wish, "idempotency_key": another}).task_uuid


def _write_down(journal: Journal, client: TaskerClient, task: str) -> None:
    journal.note(client.list_task_steps(task))


def _follow(client: TaskerClient, task: str, as_json: bool) -> None:
    """Show the task until it is at rest. Ctrl-C ends the run with exit code 130; the next one goes on with the task."""
    with ExitStack() as stack:
        note: Callable[[], None] | None = None
        if people.is_terminal and not as_json:
            note = stack.enter_context(
                before_the_eyes(
                    lambda: task_view(client.get_task(task), client.list_task_steps(task, MOST_WATCHED)), stays=False
                )
            )
        elif not as_json:
            note = partial(_write_down, Journal(), client, task)
        is_at_rest = follow(client, task, note)
    if not is_at_rest:
        errors.print(f"interrupted: what runs may finish; the same command goes on with task {task}", highlight=False)
        raise typer.Exit(INTERRUPTED)
