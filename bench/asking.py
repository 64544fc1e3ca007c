"""Questions of the benchmarks to a store, on a connection beside it: ``asking.sql``, ``history.sql``, ``pages.sql``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tasker_core.store import open_database
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.store.statements import Dialect, named, render

HERE = Path(__file__).resolve().parent
STATEMENTS = {
    name: text
    for file in ("asking.sql", "history.sql", "pages.sql")
    for name, text in named((HERE / file).read_text("utf-8"))
}  # fmt: skip


class Asking:
    """Runs the statements by name. ``tidy`` lets the database count what it has and write what it kept back."""

    def __init__(self, execute: Callable[..., Any], dialect: Dialect, schema: str, tidy: Callable[[], None]) -> None:
        self._execute, self._dialect, self._schema = execute, dialect, schema
        self.tidy = tidy

    def __call__(self, name: str, **params: Any) -> int:
        """The number that the statement answers, 0 where it answers none."""
        rows = self.rows(name, **params)
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    def rows(self, name: str, **params: Any) -> list[tuple[Any, ...]]:
        cursor = self._execute(render(STATEMENTS[name], self._dialect, self._schema), params)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def beside(url: str) -> Iterator[Asking]:
    """A connection beside the store at ``url``."""
    with closing(open_database(url)) as database:
        if isinstance(database, SqliteDatabase):
            with closing(sqlite3.connect(database.path, isolation_level=None, timeout=60)) as lite:
                lite.execute("pragma synchronous = off")
                yield Asking(lite.execute, "lite", "", lambda: lite.execute("pragma wal_checkpoint(truncate)").close())
        else:
            assert isinstance(database, PostgresDatabase)
            with database.connect_directly() as connection:
                schema = database.schema
                yield Asking(connection.execute, "pg", schema, lambda: _tidy(connection, schema))


def _tidy(connection: psycopg.Connection[Any], schema: str) -> None:
    for (table,) in connection.execute("select tablename from pg_tables where schemaname = %s", [schema]).fetchall():
        connection.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(schema, table)))
    connection.execute("checkpoint")
