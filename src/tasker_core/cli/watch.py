"""``tasker task watch``: a task's steps as a tree that moves, until the task is at rest."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Annotated

import typer

from tasker_core.cli.asking import TaskId, ask
from tasker_core.cli.following import INTERRUPTED, MOST_WATCHED, Changes, Journal, before_the_eyes, follow
from tasker_core.cli.output import AsJson, Database, errors, people
from tasker_core.cli.trees import tree_of_task


def watch(
    task: TaskId,
    timeout: Annotated[float | None, typer.Option(help="Seconds to watch at most.")] = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show the steps of a task as a tree that moves, until the task is at rest.

    Where no terminal is there, a line for each change of a step; with --json an object for each, one a line, the last
    of which is the task. Exit code 0 when it is complete, 1 otherwise, 130 after Ctrl-C.
    """
    with ask(database_url) as client, ExitStack() as stack:
        client.get_task(task)
        changes, journal = Changes(), Journal()

        def as_lines() -> None:
            for step in changes.of(client.list_task_steps(task, MOST_WATCHED)):
                typer.echo(json.dumps(step.__dict__, ensure_ascii=False))

        if as_json:
            note = as_lines
        elif people.is_terminal:
            note = stack.enter_context(before_the_eyes(lambda: tree_of_task(client.summarise_task(task)), stays=True))
        else:

            def note() -> None:
                journal.note(client.list_task_steps(task, MOST_WATCHED))

        try:
            is_at_rest = follow(client, task, note, timeout)
        except TimeoutError:
            is_at_rest = False
            errors.print(f"error: not at rest after {timeout:g} s", markup=False, highlight=False)
            raise typer.Exit(1) from None
        finally:
            stack.close()
        if not is_at_rest:
            raise typer.Exit(INTERRUPTED)
        found = client.get_task(task)
    if as_json:
        typer.echo(json.dumps(found.__dict__, ensure_ascii=False))
    elif not people.is_terminal:
        people.print(f"{found.task_uuid}: {found.status}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if found.status == "complete" else 1)
