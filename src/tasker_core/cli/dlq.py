"""``tasker dlq``: dead letters, grouped by fault, looked into, requeued."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_core.cli.asking import TaskId, ask
from tasker_core.cli.operator import By, Reason
from tasker_core.cli.output import AsJson, Database, people, print_json, state
from tasker_core.client import TaskerClient
from tasker_core.errors import InvalidRequestError
from tasker_core.types.dead_letters import DeadLetter

app = typer.Typer(help="Dead letters: what went wrong for good, or stands still.", no_args_is_help=True)

Entry = Annotated[str, typer.Argument(help="The dead letter's UUID, or its task's with --task.")]
OfTask = Annotated[bool, typer.Option("--task", help="The UUID is a task's: its latest dead letter is meant.")]
Status = Annotated[str | None, typer.Option("--status", "-s", help="Only of this status.")]
Why = Annotated[str | None, typer.Option("--dlq-reason", help="Only of this reason, max_retries_exceeded say.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Only of this namespace.")]
Limit = Annotated[int, typer.Option("--limit", "-l", min=1, max=1_000, help="How many at most.")]
HEALTH = {"healthy": "green", "warning": "yellow", "stale": "bold red"}


@app.command("list")
def list_letters(
    status: Status = None,
    dlq_reason: Why = None,
    namespace: Namespace = None,
    group: Annotated[str | None, typer.Option("--group", "-g", help="Only of this fingerprint.")] = None,
    limit: Limit = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first."""
    with ask(database_url) as client:
        letters = client.list_dead_letters(
            status=status, reason=dlq_reason, namespace=namespace, fingerprint=group, limit=limit, offset=offset
        )
    _show(letters, as_json)


@app.command()
def queue(limit: Limit = 20, database_url: Database = None, as_json: AsJson = False) -> None:
    """List the pending dead letters, the most urgent first."""
    with ask(database_url) as client:
        letters = client.investigation_queue(limit=limit)
    _show(letters, as_json)


@app.command()
def show(entry: Entry, task: OfTask = False, database_url: Database = None, as_json: AsJson = False) -> None:
    """Show a dead letter: why it was written, and what its task was like then."""
    with ask(database_url) as client:
        letter = _meant(client, entry, task)
    print_json(_whole(letter)) if as_json else people.print(_letter_view(letter))


@app.command()
def groups(
    status: Status = "pending",
    dlq_reason: Why = None,
    namespace: Namespace = None,
    limit: Limit = 20,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """List faults, the one with the most dead letters first."""
    with ask(database_url) as client:
        found = client.dead_letter_groups(status=status, reason=dlq_reason, namespace=namespace, limit=limit)
    if as_json:
        print_json([group.__dict__ for group in found])
        return
    table = _table("group", "letters", "reason", "last", "fault")
    for group in found:
        table.add_row(
            group.fingerprint, f"{group.entries:,}", group.dlq_reason, _time(group.last_entry), Text(group.title)
        )
    people.print(table)


@app.command()
def stats(database_url: Database = None, as_json: AsJson = False) -> None:
    """Count dead letters by reason and status."""
    with ask(database_url) as client:
        found = client.dead_letter_stats()
    if as_json:
        print_json([each.__dict__ for each in found])
        return
    table = _table("reason", "all", "pending", "resolved", "failed", "cancelled", "minutes to resolve")
    for each in found:
        took = "" if each.avg_resolution_time_minutes is None else f"{each.avg_resolution_time_minutes:g}"
        table.add_row(
            each.dlq_reason, f"{each.total_entries:,}", f"{each.pending:,}", f"{each.manually_resolved:,}",
            f"{each.permanently_failed:,}", f"{each.cancelled:,}", took,
        )  # fmt: skip
    people.print(table)


@app.command()
def staleness(limit: Limit = 20, database_url: Database = None, as_json: AsJson = False) -> None:
    """List unfinished tasks, those first that moved the longest ago, and how near each is to its limit."""
    with ask(database_url) as client:
        found = client.standing_tasks(limit=limit)
    if as_json:
        print_json([task.__dict__ for task in found])
        return
    table = _table("task", "template", "state", "minutes", "of", "health", "")
    for task in found:
        of = "" if task.staleness_threshold_minutes is None else f"{task.staleness_threshold_minutes:g}"
        table.add_row(
            task.task_uuid, f"{task.namespace}/{task.task_name}", state(task.current_state),
            f"{task.time_in_state_minutes:g}", of, Text(task.health_status, style=HEALTH[task.health_status]),
            Text(task.waits_for or ""),
        )  # fmt: skip
    people.print(table)


@app.command()
def requeue(
    entry: Annotated[str | None, typer.Argument(help="The dead letter's UUID; or give --group.")] = None,
    group: Annotated[str | None, typer.Option("--group", "-g", help="All pending ones of this fingerprint.")] = None,
    rate: Annotated[float | None, typer.Option(help="So many tasks a second; all at once without it.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-l", min=1, help="How many of a group at most.")] = None,
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Have run again what dead letters stand for: one, or all of a fault at a rate."""
    if (entry is None) == (group is None):
        raise InvalidRequestError("give either a dead letter's UUID or --group", field="entry")
    with ask(database_url) as client:
        if group is not None:
            _requeue_group(client, group, rate, limit, reason, by, as_json)
            return
        assert entry is not None
        if rate is not None or limit is not None:
            raise InvalidRequestError("--rate and --limit go with --group", field="rate")
        letter = client.requeue_dead_letter(entry, reason, by=by)
    print_json(_whole(letter)) if as_json else people.print(f"requeued {letter.task_uuid}", highlight=False)


@app.command()
def resolve(
    entry: Entry,
    status: Annotated[
        str, typer.Option("--status", "-s", help="manually_resolved, permanently_failed, cancelled or pending.")
    ] = "manually_resolved",
    notes: Annotated[str | None, typer.Option(help="What was found and done.")] = None,
    by: By = None,
    task: OfTask = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write down what became of a dead letter; it moves no task."""
    with ask(database_url) as client:
        letter = _meant(client, entry, task)
        letter = client.resolve_dead_letter(letter.dlq_entry_uuid, status, notes=notes, by=by)
    print_json(_whole(letter)) if as_json else people.print(letter.resolution_status)


@app.command()
def send(
    task: TaskId, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Write a dead letter about a task by hand, for somebody to look at; it moves no task."""
    with ask(database_url) as client:
        letter = client.send_to_dead_letters(task, reason, by=by)
    print_json(_whole(letter)) if as_json else people.print(letter.dlq_entry_uuid)


app.command("get", hidden=True)(show)
app.command("update", hidden=True)(resolve)


def _requeue_group(
    client: TaskerClient, group: str, rate: float | None, limit: int | None, reason: str, by: str | None, as_json: bool
) -> None:
    total, refused, last, left = 0, dict[str, str](), None, 0
    while limit is None or total < limit:
        room = 1_000 if limit is None else min(1_000, limit - total)
        done = client.requeue_dead_letters(group, reason, rate=rate, limit=room, by=by)
        total, left, last = total + done.requeued, done.remaining, done.last_run_at or last
        refused |= {each["dlq_entry_uuid"]: each["message"] for each in done.refused}
        if not done.requeued or not left:
            break
    if as_json:
        print_json({"requeued": total, "remaining": left, "last_run_at": last, "refused": refused})
        return
    until = f", the last runs at {_time(last)}" if rate is not None and last else ""
    people.print(f"requeued {total:,}{until}; {left:,} are left", highlight=False)
    for letter, message in refused.items():
        people.print(Text(f"{letter}: {message}", style="yellow"))


def _meant(client: TaskerClient, entry: str, is_task: bool) -> DeadLetter:
    return client.dead_letter_of_task(entry) if is_task else client.get_dead_letter(entry)


def _show(letters: list[DeadLetter], as_json: bool) -> None:
    if as_json:
        print_json([_whole(letter) for letter in letters])
        return
    table = _table("letter", "written", "reason", "status", "fault")
    for letter in letters:
        table.add_row(
            letter.dlq_entry_uuid, _time(letter.dlq_timestamp), letter.dlq_reason, letter.resolution_status,
            Text(letter.title),
        )  # fmt: skip
    people.print(table)


def _whole(letter: DeadLetter) -> dict[str, Any]:
    return dict(letter.__dict__)


def _letter_view(letter: DeadLetter) -> RenderableType:
    """A letter: its head, what it says, and the errors of the last attempts in its snapshot."""
    head = Table.grid(padding=(0, 2))
    rows: list[tuple[str, Any]] = [
        ("letter", letter.dlq_entry_uuid), ("task", letter.task_uuid), ("group", letter.fingerprint),
        ("reason", letter.dlq_reason), ("written", _time(letter.dlq_timestamp)), ("status", letter.resolution_status),
        ("resolved", " ".join(filter(None, (_time(letter.resolution_timestamp), letter.resolved_by)))),
        ("notes", letter.resolution_notes or ""),
    ]  # fmt: skip
    rows += [(key, value) for key, value in letter.detail.items() if isinstance(value, str | int | float)]
    for name, value in rows:
        if value not in ("", None):
            head.add_row(Text(name, style="dim"), Text(str(value)))
    parts: list[RenderableType] = [Text(letter.title, style="bold"), head]
    if then := letter.task_snapshot:
        steps = _table("step then", "state", "attempts")
        for step in then["steps"]:
            steps.add_row(step["name"], state(step["state"]), str(step["attempt"]))
        parts.append(steps)
        for attempt in then["attempts"]:
            if (error := attempt["error"]) and "message" in error:
                said = f"{attempt['step']}, attempt {attempt['attempt']}: {error['error_type']}: {error['message']}"
                parts.append(Text(said, style="red"))
    return Group(*parts)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column in ("letter", "task", "group", "reason"))
    return table


def _time(at: str | None) -> str:
    return (at or "")[:19].replace("T", " ")
