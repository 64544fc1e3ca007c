"""``tasker prune``: drop finished tasks that are old."""

from __future__ import annotations

from typing import Annotated

import typer

from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.engine.open import database_url as choose_database
from tasker_core.rules.explanation import counted
from tasker_core.settings.ages import age


def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="Finished longer ago than this: 90d, 12h, 30m, 2w.")],
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Only of this namespace.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many tasks at most.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Drop finished tasks that are old, with everything that belongs to them, beside running workers.

    Blocked tasks aren't finished, and a task with a pending dead letter stays. What made a dropped task unique is free
    again: the same order afterwards is a new task. TASKER_RETENTION=90d lets the workers do this by themselves.
    """
    length = age(older_than, "--older-than")
    engine = open_engine(choose_database(database_url))
    try:
        done = engine.prune(length, namespace=namespace, limit=limit, dry_run=dry_run)
    finally:
        close_engine(engine)
    if as_json:
        print_json({"tasks": done.tasks, "steps": done.steps, "dry_run": dry_run})
    else:
        verb = "would drop" if dry_run else "dropped"
        people.print(f"{verb} {counted(done.tasks, 'task')} with {counted(done.steps, 'step')}", highlight=False)
