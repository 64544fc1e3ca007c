"""``tasker system``: whether what is asked answers, and what it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tasker_core.cli.asking import ask
from tasker_core.cli.output import AsJson, Database, people, print_json, table
from tasker_core.settings import load_settings
from tasker_core.version import VERSION

app = typer.Typer(help="Ask whether the store or the server answers, and what it is.", no_args_is_help=True)

Orchestration = Annotated[bool, typer.Option("--orchestration", "-o", help="Only the store or the server.")]
Workers = Annotated[bool, typer.Option("--workers", "-w", help="Only the workers.")]


@app.command()
def health(
    orchestration: Orchestration = False, workers: Workers = False, database_url: Database = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say whether the store or the server answers and a worker is live. Exit code 0 if so, 1 if not."""
    asked = {"orchestration": orchestration or not workers, "workers": workers or not orchestration}
    found: dict[str, dict[str, Any]] = {}
    with ask(database_url) as client:
        if asked["orchestration"]:
            told = client.health_check()
            found["orchestration"] = {"healthy": told.healthy, "status": told.status}
        if asked["workers"]:
            live = [each for each in client.list_workers() if each["state"] == "live"]
            found["workers"] = {"healthy": bool(live), "status": f"{len(live)} live"}
    if as_json:
        print_json(found)
    else:
        shown = table("what", "", "")
        for what, each in found.items():
            shown.add_row(what, "[green]healthy[/]" if each["healthy"] else "[red]unhealthy[/]", each["status"])
        people.print(shown)
    raise typer.Exit(0 if all(each["healthy"] for each in found.values()) else 1)


@app.command()
def info(database_url: Database = None, as_json: AsJson = False) -> None:
    """Say which version this is, which environment, and what it asks."""
    settings = load_settings({"database": {"url": database_url}})
    is_server = database_url is None and settings.client.url is not None
    asks = str(settings.client.url) if is_server else settings.database.store_url
    found = {"version": VERSION, "environment": settings.env, "asks": _without_secrets(asks), "server": is_server}
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        people.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)


def _without_secrets(url: str) -> str:
    """The URL without what logs in there."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if "@" in rest else url
