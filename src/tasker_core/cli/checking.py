"""``tasker template validate`` and ``tasker template schema``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tasker_core.check import check_project
from tasker_core.check.report import as_data, as_text
from tasker_core.check.sarif import as_sarif
from tasker_core.cli.output import AsJson, people, print_json
from tasker_core.rules.template_schema import template_schema
from tasker_core.settings import load_settings


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Template files, or directories of them.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count, and unknown keys are errors.")] = False,
    handlers: Annotated[
        list[str] | None,
        typer.Option("--handlers", "-H", help="Also compare them with the handlers and models of this package."),
    ] = None,
    written: Annotated[Format, typer.Option("--format", help="text, json, or sarif for code scanning.")] = Format.TEXT,
    as_json: AsJson = False,
) -> None:
    """Check a project before anything runs. Exit code 0 when all is well, 1 when something must be mended."""
    checked = check_project(paths, handlers or [], environment=load_settings().env, strict=strict)
    if as_json or written is Format.JSON:
        print_json(as_data(checked))
    elif written is Format.SARIF:
        print_json(as_sarif(checked))
    else:
        for line in as_text(checked, strict=strict):
            people.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if checked.passes(strict=strict) else 1)


def schema() -> None:
    """Print the JSON Schema of templates, by which editors complete and check them."""
    print_json(template_schema())
