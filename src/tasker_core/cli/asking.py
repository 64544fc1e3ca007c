"""How the command asks about tasks: whom, as whom, and how a task is shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tasker_core.cli.completing import complete_step, complete_task
from tasker_core.cli.output import people, print_json, task_view, whole
from tasker_core.client import TaskerClient
from tasker_core.client.client import operator
from tasker_core.errors import StepNotFoundError
from tasker_core.rules.spelling import did_you_mean

TaskId = Annotated[str, typer.Argument(help="The task's UUID.", autocompletion=complete_task)]
StepName = Annotated[str, typer.Argument(help="The step's name, or its UUID.", autocompletion=complete_step)]


def ask(database_url: str | None) -> TaskerClient:
    """The client of whoever sits at this terminal."""
    return TaskerClient(initiator=operator(), source_system="tasker command", database_url=database_url)


def show(client: TaskerClient, task: str, as_json: bool) -> bool:
    """Show a task and its steps; whether it is complete."""
    found, steps = client.get_task(task), client.list_task_steps(task)
    shown: Any = whole(found, steps) if as_json else task_view(found, steps)
    print_json(shown) if as_json else people.print(shown)
    return found.status == "complete"


def step_meant(client: TaskerClient, task: str, step: str) -> str:
    """The UUID of the step that is meant, by its name or its UUID."""
    ids = {each["name"]: each["step_uuid"] for each in client.summarise_task(task)["steps"]}
    if step in ids.values():
        return step
    if step not in ids:
        raise StepNotFoundError(f"task {task} has no step {step!r}{did_you_mean(step, ids)}")
    return str(ids[step])
