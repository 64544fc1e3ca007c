"""``tasker namespace``: which there are, and for operators: pause one, let it go on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tasker_core.cli.asking import ask
from tasker_core.cli.operator import By, Reason
from tasker_core.cli.output import AsJson, Database, paused, people, print_json
from tasker_core.types import NamespaceResponse

app = typer.Typer(help="Look at namespaces, pause one, let it go on.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The namespace.")]


@app.command("list")
def list_namespaces(database_url: Database = None, as_json: AsJson = False) -> None:
    """List the namespaces of the registered templates, and which of them are paused."""
    with ask(database_url) as client:
        found = client.list_namespaces()
    if as_json:
        print_json([_for_programs(each) for each in found])
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("namespace", "templates", ""):
        table.add_column(column, overflow="fold")
    for each in found:
        held = Text(paused(each.paused), style="yellow") if each.paused else Text()
        table.add_row(each.namespace, str(each.templates), held)
    people.print(table)


@app.command()
def pause(
    namespace: Name, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Hold a namespace: no step of it begins until it is resumed. What runs goes on to its end."""
    with ask(database_url) as client:
        found = client.pause_namespace(namespace, reason, by=by)
    print_json(found.__dict__) if as_json else people.print(f"namespace {namespace} is paused")


@app.command()
def resume(
    namespace: Name, reason: Reason = "", by: By = None, database_url: Database = None, as_json: AsJson = False
) -> None:
    """Let a paused namespace go on."""
    with ask(database_url) as client:
        found = client.resume_namespace(namespace, reason, by=by)
    print_json(found.__dict__) if as_json else people.print(f"namespace {namespace} goes on")


def _for_programs(found: NamespaceResponse) -> dict[str, object]:
    return {"namespace": found.namespace, "templates": found.templates, "paused": found.paused}
