"""``tasker template``: validate, register."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.client import TaskerClient
from tasker_core.errors import TemplateError
from tasker_core.template_files import read_file, template_files

app = typer.Typer(help="Check templates and put them into the store.", no_args_is_help=True)

Place = Annotated[Path, typer.Argument(help="A template file, or a directory of them.")]


@app.command()
def validate(
    path: Place,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys are errors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check templates. Exit code 0 when all can be used, 1 when one can't."""
    answers: list[dict[str, Any]] = []
    for file in template_files(path):
        try:
            read = read_file(file, strict=strict)
            answers.append(
                {"file": str(file), "valid": True, "findings": list(read.findings), "name": str(read.template.identity)}
            )
        except TemplateError as error:
            findings = list(error.findings)
            answers.append({"file": str(file), "valid": False, "findings": findings or [str(error)], "name": None})
    if not answers:
        raise TemplateError(f"{path}: no template files (*.yaml, *.yml) below it")
    if as_json:
        print_json([{**answer, "findings": [_as_dict(f) for f in answer["findings"]]} for answer in answers])
    else:
        for answer in answers:
            for finding in answer["findings"]:
                people.print(str(finding), markup=False, highlight=False, soft_wrap=True)
            verdict = f"ok: {answer['name']}" if answer["valid"] else "can't be used"
            people.print(f"{answer['file']}: {verdict}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(answer["valid"] for answer in answers) else 1)


@app.command()
def register(path: Place, database_url: Database = None) -> None:
    """Put templates into the store, so that tasks of them can be created."""
    files = template_files(path)
    reads = [read_file(file) for file in files]
    with TaskerClient(database_url=database_url) as client:
        for read in reads:
            client.register_template(read.source)
            people.print(f"{read.source}: registered {read.template.identity}", markup=False, highlight=False)


def _as_dict(finding: object) -> dict[str, object]:
    if isinstance(finding, str):
        return {"message": finding}
    return {name: getattr(finding, name) for name in ("level", "code", "message", "file", "line", "path")}
