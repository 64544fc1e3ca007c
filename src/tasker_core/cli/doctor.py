"""``tasker doctor``: is everything as it should be, and if not, what is to be done?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.engine.doctor import examine_url
from tasker_core.engine.open import lease_time
from tasker_core.rules.diagnosis import Diagnosis, Level
from tasker_core.rules.explanation import counted
from tasker_core.settings import load_settings

TROUBLE, UNUSABLE = 1, 2
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Look through all unfinished tasks, too.")] = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Look at the store, its workers and all that waits for them; name what is wrong and what to do.

    Changes nothing, and is quick beside a long history. Exit code 0 when all is well, 1 when something was found, 2
    when the store can't be used at all. With --deep it walks the whole history, for tasks that can't be as they are.
    """
    settings = load_settings({"database": {"url": database_url}})
    found = examine_url(settings.database.store_url, lease_time(settings), settings.database.listen_url, deep=deep)
    if as_json:
        print_json(found.as_dict())
    else:
        for part in _view(found):
            people.print(part)
    if not found.is_usable:
        raise typer.Exit(UNUSABLE)
    raise typer.Exit(0 if found.is_sound else TROUBLE)


def _view(found: Diagnosis) -> Iterable[RenderableType]:
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    said_before = ""
    for check in found.checks:
        kind = check.kind.replace("_", " ")
        told = Text(check.text)
        if check.place not in (kind, said_before):
            told = Text.assemble((check.place, "dim"), ": ", told)
        said_before = check.place
        if check.advice:
            told.append(f"\n-> {check.advice}")
        table.add_row(Text(str(check.level), style=STYLES[check.level]), kind, told)
    yield table
    levels = [check.level for check in found.findings]
    errors, warnings = levels.count(Level.ERROR), levels.count(Level.WARNING)
    said = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}" if levels else "all is well"
    yield Text(said, style=STYLES[Level.ERROR if errors else Level.WARNING if warnings else Level.OK])
