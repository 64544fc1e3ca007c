"""``tasker events`` and ``tasker webhook``: what was published, and who is given it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from tasker_core.cli.asking import ask
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.errors import SubscriptionNotFoundError
from tasker_core.rules.spelling import did_you_mean

app = typer.Typer(help="Look at domain events, and at who is given them.", no_args_is_help=True)
webhooks = typer.Typer(help="Have domain events sent to other systems.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names of events; * stands for anything. None: all.")]
Name = Annotated[str, typer.Argument(help="The name.")]
Namespace = Annotated[str | None, typer.Option(help="Only events of this namespace.")]
State = Annotated[str | None, typer.Option(help="active, or paused.")]
Position = Annotated[
    int | None, typer.Option(help="Go on behind this event: back to deliver again, on to leave some out.")
]


@app.command("list")
def list_events(
    names: Names = None,
    namespace: Namespace = None,
    task: Annotated[str | None, typer.Option(help="Only events of this task, by its UUID.")] = None,
    after: Annotated[int | None, typer.Option(help="Those behind this number, in their order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many at most.")] = 25,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """The latest events, or those after a number."""
    with ask(database_url) as client:
        page = client.list_events(names or (), namespace=namespace, task_uuid=task, after=after, limit=limit)
    if as_json:
        print_json(page)
        return
    table = _table("number", "event", "step", "task", "at")
    for event in page["events"]:
        told = event["metadata"]
        where = f"{told['namespace']}/{told['step_name']}"
        table.add_row(str(event["sequence"]), event["event_name"], where, told["task_uuid"], told["fired_at"][:19])
    people.print(table)


@app.command("subscriptions")
def list_subscriptions(database_url: Database = None, as_json: AsJson = False) -> None:
    """The durable subscriptions of subscribers, and how far each is."""
    with ask(database_url) as client:
        _show(client.list_subscriptions(), as_json)


@app.command("set")
def set_subscription(
    name: Name, state: State = None, position: Position = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Pause a subscription, have it go on, or set it to another place."""
    with ask(database_url) as client:
        found = _named(client.list_subscriptions(), name)
        _show([client.change_subscription(found["id"], state=state, position=position)], as_json)


@app.command("forget")
def forget_subscription(name: Name, database_url: Database = None, as_json: AsJson = False) -> None:
    """End a subscription. A subscriber that starts under its name begins a new one."""
    with ask(database_url) as client:
        client.delete_subscription(_named(client.list_subscriptions(), name)["id"])
    if as_json:
        print_json({"forgotten": name})


@webhooks.command("add")
def add_webhook(
    name: Name,
    url: Annotated[str, typer.Argument(help="Where events are sent.")],
    events: Annotated[list[str] | None, typer.Option("--event", "-e", help="A name, or a pattern; else all.")] = None,
    namespace: Namespace = None,
    from_beginning: Annotated[bool, typer.Option(help="Also what was published before.")] = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook, and print its secret, which is never shown again."""
    with ask(database_url) as client:
        made = client.create_webhook(
            name, url, events or ("*",), namespace=namespace, from_beginning=from_beginning
        )  # fmt: skip
    print_json(made) if as_json else people.print(f"secret: {made['secret']}", highlight=False, soft_wrap=True)


@webhooks.command("list")
def list_webhooks(database_url: Database = None, as_json: AsJson = False) -> None:
    """The webhooks, and how far each is."""
    with ask(database_url) as client:
        _show(client.list_webhooks(), as_json)


@webhooks.command("set")
def set_webhook(
    name: Name, state: State = None, position: Position = None,
    url: Annotated[str | None, typer.Option(help="Another place.")] = None,
    events: Annotated[list[str] | None, typer.Option("--event", "-e", help="Other events.")] = None,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="Sign with a new secret, and print it.")] = False,
    database_url: Database = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Change a webhook; the next event is tried at once."""
    with ask(database_url) as client:
        found = _named(client.list_webhooks(), name)
        changed = client.change_webhook(
            found["id"], state=state, position=position, url=url, events=events or None,
            secret="new" if new_secret else None,
        )  # fmt: skip
    if new_secret and not as_json:
        people.print(f"secret: {changed['secret']}", highlight=False, soft_wrap=True)
    else:
        _show([changed], as_json)


@webhooks.command("remove")
def remove_webhook(name: Name, database_url: Database = None, as_json: AsJson = False) -> None:
    """End a webhook, and forget its log."""
    with ask(database_url) as client:
        client.delete_webhook(_named(client.list_webhooks(), name)["id"])
    if as_json:
        print_json({"removed": name})


@webhooks.command("log")
def show_deliveries(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many at most.")] = 25,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """What became of the latest tries, the latest first."""
    with ask(database_url) as client:
        found = client.list_deliveries(_named(client.list_webhooks(), name)["id"], limit=limit)["deliveries"]
    if as_json:
        print_json(found)
        return
    table = _table("at", "number", "event", "try", "status", "took", "error")
    for each in found:
        table.add_row(
            each["at"][:19], str(each["sequence"]), each["event_name"], str(each["try"]), str(each["status"] or ""),
            f"{each['took_ms']} ms", each["error"] or "",
        )  # fmt: skip
    people.print(table)


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    table = _table("name", "state", "events", "at", "behind", "tries", "error")
    for each in found:
        table.add_row(
            each["name"], each["state"], " ".join(each["events"]), str(each["position"]), str(each["behind"]),
            str(each["tries"]), each["last_error"] or "",
        )  # fmt: skip
    people.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _named(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    by_name = {each["name"]: each for each in found}
    if name not in by_name:
        raise SubscriptionNotFoundError(f"there is none named {name!r}{did_you_mean(name, by_name)}")
    return by_name[name]
