"""``tasker limits`` and ``tasker breakers``: what holds steps back, and how an operator changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from tasker_core.cli.asking import ask
from tasker_core.cli.operator import By, Reason
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.types.limits import BreakerResponse, LimitResponse

app = typer.Typer(help="Look at limits, and set them.", no_args_is_help=True)
breakers = typer.Typer(help="Look at breakers, open and close them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A handler, as shop/charge, or a namespace, as shop.")]
Handler = Annotated[str, typer.Argument(help="A handler, as shop/charge.")]


@app.command("list")
def list_limits(database_url: Database = None, as_json: AsJson = False) -> None:
    """The limits of handlers and namespaces, and how much of them is used."""
    with ask(database_url) as client:
        _show_limits(client.list_limits(), as_json)


@app.command("set")
def set_limits(
    name: Name,
    concurrency: Annotated[int | None, typer.Option(min=1, help="So many may run at once.")] = None,
    per_key: Annotated[int | None, typer.Option(min=1, help="So many of each key may run at once.")] = None,
    rate: Annotated[str | None, typer.Option(help="So many may begin in a time: 10/s, 100/min.")] = None,
    lift: Annotated[
        list[str] | None, typer.Option(help="Lift what templates say of concurrency, per_key or rate.")
    ] = None,
    reason: Reason = "",
    by: By = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Limit a handler or a namespace, whatever templates say."""
    given = {"concurrency": concurrency, "per_key": per_key, "rate": rate}
    limits: dict[str, Any] = {what: value for what, value in given.items() if value is not None}
    limits |= dict.fromkeys(lift or ())
    if not limits:
        raise typer.BadParameter("give --concurrency, --per-key, --rate or --lift")
    with ask(database_url) as client:
        _show_limits(client.set_limits(name, limits, reason, by=by), as_json)


@app.command("unset")
def unset_limits(
    name: Name, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Leave the limits of a handler or a namespace to the templates again."""
    with ask(database_url) as client:
        _show_limits(client.set_limits(name, None, reason, by=by), as_json)


@breakers.command("list")
def list_breakers(database_url: Database = None, as_json: AsJson = False) -> None:
    """The breakers that aren't closed, and those of handlers of which the last step failed."""
    with ask(database_url) as client:
        _show_breakers(client.list_breakers(), as_json)


@breakers.command("open")
def open_breaker(
    handler: Handler, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Let no step of a handler begin until the breaker is closed."""
    with ask(database_url) as client:
        _show_breakers(client.set_breaker(handler, "open", reason, by=by), as_json)


@breakers.command("close")
def close_breaker(
    handler: Handler, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Let the steps of a handler begin again."""
    with ask(database_url) as client:
        _show_breakers(client.set_breaker(handler, "closed", reason, by=by), as_json)


def _show_limits(found: Sequence[LimitResponse], as_json: bool) -> None:
    if as_json:
        print_json([each.__dict__ for each in found])
        return
    table = _table("name", "concurrency", "per key", "rate", "running", "said by")
    for each in found:
        said = "an operator" if each.said is not None else ", ".join(sorted(each.declared))
        table.add_row(
            each.name, _number(each.concurrency), _number(each.per_key), each.rate or "-", str(each.running), said
        )
    people.print(table if found else "nothing is limited")


def _show_breakers(found: Sequence[BreakerResponse], as_json: bool) -> None:
    if as_json:
        print_json([each.__dict__ for each in found])
        return
    table = _table("handler", "state", "failures", "since", "next try", "by")
    for each in found:
        table.add_row(
            each.handler, each.state, str(each.failures), (each.since or "-")[:19], (each.probe_at or "-")[:19],
            each.by or "-",
        )  # fmt: skip
    people.print(table if found else "all breakers are closed")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _number(limit: int | None) -> str:
    return "-" if limit is None else f"{limit:,}"
