"""Everything that stands in a store, to compare before and after."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

Contents: TypeAlias = dict[str, list[tuple[Any, ...]]]


def contents(url: str) -> Contents:
    """The rows of each of Tasker's tables, in an order that doesn't depend on chance."""
    if url.startswith("sqlite"):
        return _of_sqlite(url.removeprefix("sqlite:///"))
    parts = urlsplit(url)
    schema = parse_qs(parts.query).get("tasker_schema", ["tasker"])[0]
    return _of_postgres(parts._replace(query="").geturl(), schema)


def _of_sqlite(path: str) -> Contents:
    with closing(sqlite3.connect(path)) as db:
        named = db.execute("select name from sqlite_master where type = 'table' and name like 'tasker_%'")
        return {table: _sorted(db.execute(f"select * from {table}").fetchall()) for (table,) in named.fetchall()}


def _of_postgres(url: str, schema: str) -> Contents:
    with psycopg.connect(url) as db:
        named = db.execute("select tablename from pg_tables where schemaname = %s", [schema]).fetchall()
        return {
            table: _sorted(db.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, table))).fetchall())
            for (table,) in named
        }


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)
