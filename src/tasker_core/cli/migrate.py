"""``tasker migrate``: bring the store's schema up to what this code needs."""

from __future__ import annotations

from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.engine.open import database_url as choose_database
from tasker_core.store import open_database


def migrate(database_url: Database = None, as_json: AsJson = False) -> None:
    """Make or upgrade Tasker's tables. Forward only; safe to run from many processes at once.

    Never needed for SQLite, where opening the store does it. Refuses a store that a newer Tasker has upgraded.
    """
    database = open_database(choose_database(database_url))
    try:
        applied = database.migrate()
    finally:
        database.close()
    if as_json:
        print_json({"applied": list(applied)})
    elif applied:
        for name in applied:
            people.print(f"applied {name}", highlight=False)
    else:
        people.print("up to date")
