"""How the command speaks: tables and colours to people, JSON to programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_core.types import StepResponse, TaskResponse

WIDEST = 1_000


class Paper(Console):
    """As wide as the terminal; where there is none, a row of a table is a line, whatever it is long."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = WIDEST


people = Paper()
errors = Paper(stderr=True)


class Format(StrEnum):
    """How all commands print what they have to say."""

    TABLE = "table"
    JSON = "json"


def _as_json(context: typer.Context, said: bool) -> bool:
    return said or context.find_root().params.get("_format") == Format.JSON


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.", callback=_as_json)]
Database = Annotated[
    str | None,
    typer.Option("--database-url", help="The store; else what the settings say, else sqlite:///tasker.db."),
]

UNFOLDED = ("task", "uuid", "worker", "at", "ended", "since", "attempt")

STYLES = {
    "complete": "green",
    "resolved_manually": "green",
    "error": "bold red",
    "blocked_by_failures": "bold red",
    "cancelled": "magenta",
    "waiting_for_retry": "yellow",
    "in_progress": "cyan",
    "steps_in_process": "cyan",
    "enqueued": "blue",
}


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(*columns: str) -> Table:
    """An empty table; the columns that hold UUIDs and times aren't folded."""
    made = Table(box=None, padding=(0, 2), header_style="dim")
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in UNFOLDED)
    return made


def when(at: str | None) -> str:
    """A moment in few characters, in UTC."""
    return (at or "")[:19].replace("T", " ")


def state(name: str) -> Text:
    return Text(name, style=STYLES.get(name, "dim"))


MOST_INSTANCES_SHOWN = 50


def task_view(task: TaskResponse, steps: Sequence[StepResponse]) -> RenderableType:
    """A task with a line per step: state, attempts, duration, and the error of what failed.

    Of very many instances of batches some are shown: those that run or went wrong before the others.
    """
    shown = _worth_showing(steps)
    title = Text.assemble(
        (f"{task.namespace}/{task.name} ", "bold"),
        (f"{task.version}  ", "dim"),
        state(task.status),
        " (compensated)" if task.compensated else "",
        f"  {task.task_uuid}",
        *([(f"\n{task.paused['what']} {paused(task.paused)}", "yellow")] if task.paused else []),
    )
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("step", "state", "attempts", "took", ""):
        table.add_column(column, overflow="fold")
    for step in shown:
        table.add_row(
            step.name, state(step.current_state), f"{step.attempts} of {step.max_attempts}", took(step), remark(step)
        )
    left_out = (
        [Text(f"  ... and {more:,} more of its batches", style="dim")] if (more := len(steps) - len(shown)) else []
    )
    return Group(title, table, *left_out, *(Text(_noticed(warning), style="yellow") for warning in task.warnings))


def _worth_showing(steps: Sequence[StepResponse]) -> Sequence[StepResponse]:
    instances = [step for step in steps if step.batch_index is not None]
    instances.sort(key=lambda step: step.current_state in ("complete", "resolved_manually", "pending"))
    left_out = {step.step_uuid for step in instances[MOST_INSTANCES_SHOWN:]}
    return [step for step in steps if step.step_uuid not in left_out]


def paused(pause: Mapping[str, Any]) -> str:
    """Who paused it, since when and why."""
    why = f": {pause['reason']}" if pause["reason"] else ""
    return f"paused by {pause['by']} since {pause['at'][:19].replace('T', ' ')} UTC{why}"


def _noticed(warning: Mapping[str, Any]) -> str:
    what = f"the result of step {warning['step']}" if warning["step"] else "the context"
    if warning["code"].startswith("event_"):
        what = f"step {warning['step']}"
    place = f" at {warning['path']}" if warning["path"] else ""
    return f"warning: {what}{place}: {warning['message']} ({warning['code']})"


def remark(step: StepResponse) -> Text:
    """The last error of a step that hasn't succeeded, and when it is tried again."""
    error = (step.results or {}).get("error")
    if error is None or step.current_state in ("complete", "resolved_manually"):
        return Text()
    again = f" (again at {step.next_retry_at[11:23]})" if step.next_retry_at else ""
    return Text(f"{error['error_type']}: {error['message']}{again}", style="red")


def took(step: StepResponse) -> str:
    """How long the last attempt ran."""
    milliseconds = (step.results or {}).get("execution_time_ms")
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.2f} s"


def duration(task: TaskResponse) -> float | None:
    """Seconds from creation to completion."""
    if not (task.created_at and task.completed_at):
        return None
    return (datetime.fromisoformat(task.completed_at) - datetime.fromisoformat(task.created_at)).total_seconds()


def whole(task: TaskResponse, steps: Sequence[StepResponse]) -> dict[str, Any]:
    """A task with the results of its steps, for programs."""
    return {**task.__dict__, "steps": [step.__dict__ for step in steps]}
