"""``tasker task steps``, ``step`` and ``audit``: what became of steps, and everything that happened to a task."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_core.cli.asking import StepName, TaskId, ask, step_meant
from tasker_core.cli.completing import complete_step
from tasker_core.cli.output import AsJson, Database, people, print_json, remark, state, table, took, when
from tasker_core.types import StepAuditResponse, StepResponse

OfStep = Annotated[
    str | None,
    typer.Argument(help="Only the attempts of this step, by its name or UUID.", autocompletion=complete_step),
]


def steps(
    task: TaskId,
    limit: Annotated[int | None, typer.Option("--limit", "-l", min=1, help="How many at most.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the steps of a task, in the template's order, then the instances of batches."""
    with ask(database_url) as client:
        found = client.list_task_steps(task, limit, offset)
    if as_json:
        print_json([step.__dict__ for step in found])
        return
    shown = table("step", "state", "attempts", "took", "uuid", "")
    for step in found:
        attempts = f"{step.attempts} of {step.max_attempts}"
        shown.add_row(step.name, state(step.current_state), attempts, took(step), step.step_uuid, remark(step))
    people.print(shown)


def step(task: TaskId, step: StepName, database_url: Database = None, as_json: AsJson = False) -> None:
    """Show one step: where it stands, its result or its error, and its attempts."""
    with ask(database_url) as client:
        found = client.get_step(task, step_meant(client, task, step))
    print_json(found.__dict__) if as_json else people.print(Group(*_step_view(found)))


def audit(task: TaskId, step: OfStep = None, database_url: Database = None, as_json: AsJson = False) -> None:
    """Tell what happened, in order: who changed a task's state and why, and what became of each attempt of a step."""
    with ask(database_url) as client:
        if step is not None:
            entries = client.get_step_audit_history(task, step_meant(client, task, step))[::-1]
            print_json([entry.__dict__ for entry in entries]) if as_json else people.print(_attempts(entries))
            return
        events = _everything(client.list_task_transitions(task), client.list_task_steps(task))
    if as_json:
        print_json(events)
        return
    shown = table("at", "step", "from", "to", "by", "why")
    for event in events:
        shown.add_row(
            when(event["at"]), event["step_name"] or "", event["from_state"] or "", state(event["to_state"] or ""),
            event["actor"], Text(event["reason"]),
        )  # fmt: skip
    people.print(shown)


def step_audit(task: TaskId, step: StepName, database_url: Database = None, as_json: AsJson = False) -> None:
    """Tell what became of each attempt of a step, in order."""
    audit(task, step, database_url, as_json)


def _everything(changes: Iterable[dict[str, Any]], steps: Iterable[StepResponse]) -> list[dict[str, Any]]:
    """The transitions, and the ended attempts in the same shape, by time."""
    events = list(changes)
    for each in steps:
        events += [
            {
                "task_uuid": each.task_uuid, "step_uuid": each.step_uuid, "step_name": each.name,
                "from_state": "in_progress", "to_state": attempt["state"], "at": attempt["ended_at"],
                "actor": f"worker {attempt['worker_uuid']}" if attempt["worker_uuid"] else "",
                "reason": attempt["reason"] or f"attempt {attempt['attempt']}: {attempt['ending']}", "verb": None,
            }
            for attempt in each.history
        ]  # fmt: skip
    return sorted(events, key=lambda event: str(event["at"]))


def _step_view(found: StepResponse) -> Iterable[RenderableType]:
    yield Text.assemble((f"{found.name} ", "bold"), state(found.current_state), f"  {found.step_uuid}")
    head = Table.grid(padding=(0, 2))
    rows = [
        ("attempts", f"{found.attempts} of {found.max_attempts}"),
        ("waits for", f"{found.completed_parents} of {found.total_parents} parents are done"),
        ("last attempt", when(found.last_attempted_at)), ("runs again", when(found.next_retry_at)),
        ("completed", when(found.completed_at)),
    ]  # fmt: skip
    for name, value in rows:
        if value:
            head.add_row(Text(name, style="dim"), value)
    yield head
    if (error := remark(found)).plain:
        yield error
    elif found.results and found.results.get("success"):
        yield Text(json.dumps(found.results["result"], indent=2, ensure_ascii=False))
    if found.history:
        shown = table("attempt", "ended", "took", "state", "why")
        for attempt in found.history:
            shown.add_row(
                str(attempt["attempt"]), when(attempt["ended_at"]), _ms(attempt["execution_time_ms"]),
                state(attempt["state"]), Text(attempt["reason"] or attempt["ending"]),
            )  # fmt: skip
        yield shown


def _attempts(entries: Iterable[StepAuditResponse]) -> RenderableType:
    shown = table("at", "attempt", "from", "to", "took", "worker", "why")
    for entry in entries:
        shown.add_row(
            when(entry.recorded_at), str(entry.attempt), entry.from_state or "", state(entry.to_state),
            _ms(entry.execution_time_ms), entry.worker_uuid or "", Text(entry.reason or entry.ending),
        )  # fmt: skip
    return shown


def _ms(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds} ms"
