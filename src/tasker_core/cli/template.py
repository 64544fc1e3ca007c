"""``tasker template``: list, info, validate, schema, register, diff, visualize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli import catalog, checking, drawings, outline
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.client import TaskerClient
from tasker_core.template_files import read_file, template_files

app = typer.Typer(help="Check templates, put them into the store, look at those that are there.", no_args_is_help=True)
app.command("validate")(checking.validate)
app.command("schema")(checking.schema)
app.command("list")(catalog.list_templates)
app.command("info")(catalog.info)
app.command("diff")(catalog.diff)
app.command("visualize")(drawings.visualize_template)
app.command("generate")(outline.generate)

Place = Annotated[Path, typer.Argument(help="A template file, or a directory of them.")]


@app.command()
def register(path: Place, database_url: Database = None, as_json: AsJson = False) -> None:
    """Put templates into the store, so that tasks of them can be created."""
    files = template_files(path)
    reads = [read_file(file) for file in files]
    with TaskerClient(database_url=database_url) as client:
        for read in reads:
            client.register_template(read.source)
            if not as_json:
                people.print(f"{read.source}: registered {read.template.identity}", markup=False, highlight=False)
    if as_json:
        print_json([{"file": str(read.source), **read.template.identity._asdict()} for read in reads])
