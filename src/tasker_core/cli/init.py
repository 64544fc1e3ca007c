"""``tasker init``: a project that runs at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli.output import AsJson, people, print_json
from tasker_core.generating.project import write_project


def init(
    name: Annotated[Path, typer.Argument(help="Its directory, which is made; the last part is its name.")],
    as_json: AsJson = False,
) -> None:
    """Write a new project: a template, typed handlers, tests, settings, and a Makefile with demo, test and dev."""
    written = write_project(name)
    if as_json:
        print_json({"directory": str(name), "files": [str(path.relative_to(name)) for path in written]})
        return
    for path in written:
        people.print(f"  {path}")
    people.print(f"\nNow: cd {name} && make demo && make test")
