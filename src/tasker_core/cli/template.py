"""``tasker template``: list, info, validate, register, diff, visualize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tasker_core.cli import catalog, drawings
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.client import TaskerClient
from tasker_core.errors import TemplateError
from tasker_core.registry import HandlerRegistry
from tasker_core.registry.template_check import check_handlers
from tasker_core.rules.findings import Findings
from tasker_core.rules.template_environment import in_environment
from tasker_core.settings import load_settings
from tasker_core.template_files import TemplateFile, read_file, template_files
from tasker_core.worker.worker import discover

app = typer.Typer(help="Check templates, put them into the store, look at those that are there.", no_args_is_help=True)
app.command("list")(catalog.list_templates)
app.command("info")(catalog.info)
app.command("diff")(catalog.diff)
app.command("visualize")(drawings.visualize_template)

Place = Annotated[Path, typer.Argument(help="A template file, or a directory of them.")]


@app.command()
def validate(
    path: Place,
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys are errors.")] = False,
    handlers: Annotated[
        list[str] | None,
        typer.Option("--handlers", "-H", help="Also check that the handlers of this package can run each step."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check templates. Exit code 0 when all can be used, 1 when one can't."""
    registry = _registry_of(handlers)
    answers: list[dict[str, Any]] = []
    for file in template_files(path):
        try:
            read = read_file(file, strict=strict)
        except TemplateError as error:
            findings = list(error.findings)
            answers.append({"file": str(file), "valid": False, "findings": findings or [str(error)], "name": None})
            continue
        more = _handler_findings(read, registry)
        valid = not more.errors
        found = [*read.findings, *more.in_order()]
        answers.append({"file": str(file), "valid": valid, "findings": found, "name": str(read.template.identity)})
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


def _registry_of(packages: list[str] | None) -> HandlerRegistry | None:
    if not packages:
        return None
    registry = HandlerRegistry()
    for package in packages:
        discover(registry, package)
    return registry


def _handler_findings(read: TemplateFile, registry: HandlerRegistry | None) -> Findings:
    findings = Findings(str(read.source))
    findings.line_of = read.line_of
    if registry is not None:
        check_handlers(in_environment(read.template, load_settings().env), registry, findings)
    return findings


def _as_dict(finding: object) -> dict[str, object]:
    if isinstance(finding, str):
        return {"message": finding}
    return {name: getattr(finding, name) for name in ("level", "code", "message", "file", "line", "path")}
