"""Changing a store behind Tasker's back, as a hand, an outage or a bug would."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from tasker_core.store import Store
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.sqlite import SqliteDatabase


def meddle(store: Store, statement: str) -> list[tuple[Any, ...]]:
    """Run ``statement``, in which tables are written ``{steps}``, on a connection of its own; its rows, if any."""
    database = store.database
    if isinstance(database, SqliteDatabase):
        connection = sqlite3.connect(database.path, timeout=10)
        try:
            with connection:
                return connection.execute(statement.format_map(_Named("tasker_{}"))).fetchall()
        finally:
            connection.close()
    assert isinstance(database, PostgresDatabase)
    with database.connect_directly() as beside:
        cursor = beside.execute(statement.format_map(_Named(f'"{database.schema}".{{}}')).encode())
        return cursor.fetchall() if cursor.description else []


class _Named(dict[str, str]):
    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, table: str) -> str:
        return self._form.format(table)


def forbid(store: Store, table: str, condition: str) -> None:
    """Let the database refuse rows of ``table`` for which ``condition`` holds."""
    database = store.database
    if isinstance(database, SqliteDatabase):
        refusal = f"begin select raise(abort, 'refused: {table}'); end"
        columns = re.sub(r"\b(task_id|result)\b", r"new.\1", condition)
        meddle(store, f"create trigger forbid_{table} before insert on {{{table}}} when {columns} {refusal}")
    else:
        meddle(
            store, f"alter table {{{table}}} add constraint refused_{table} check (not coalesce({condition}, false))"
        )
