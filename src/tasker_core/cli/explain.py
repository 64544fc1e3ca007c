"""``tasker explain``: why a task isn't finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_core.cli.output import AsJson, Database, people, print_json, state
from tasker_core.client import TaskerClient
from tasker_core.rules.explanation import Explanation, at


def explain(
    task: Annotated[str, typer.Argument(help="The task's UUID.")],
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Name, for every unfinished step of a task, why it isn't finished and since when."""
    with TaskerClient(database_url=database_url) as client:
        found = client.explain(task)
    if as_json:
        print_json(found.as_dict())
    else:
        people.print(Group(*_view(found)))


def _view(found: Explanation) -> Iterable[RenderableType]:
    yield Text.assemble(state(found.state), f" since {at(found.since)}  ", (found.task_uuid, "dim"))
    yield Text(found.text)
    if found.steps:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for column in ("step", "why", "since"):
            table.add_column(column, overflow="fold", no_wrap=column == "since")
        for step in found.steps:
            table.add_row(step.name, Text(step.reason.text), at(step.reason.since)[:19])
        yield table
        if found.left_out:
            yield Text(f"... and {found.left_out:,} more of its batches", style="dim")
    for failure in found.failures:
        yield Text.assemble(
            (f"{failure.step} failed", "red"),
            f" at {at(failure.at)}, attempt {failure.attempts} of {failure.max_attempts}: ",
            f"{failure.error_type}: {failure.message}",
        )
    for advice in found.advice:
        yield Text(f"-> {advice}")
