"""Reads what a store holds, beside the store: one open connection, one round trip."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg

from tasker_core.store import Store
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.store.statements import render

TABLES = (
    "steps", "attempts", "dependencies", "transitions", "warnings", "task_payloads", "dead_letters", "tasks",
    "workers", "duties", "paused_tasks", "paused_namespaces", "namespace_words", "batches", "step_payloads",
    "step_keys", "gates", "gate_uses", "gate_lines", "gate_words", "former_contexts", "template_steps",
    "template_edges", "templates",
)  # fmt: skip

Rows = list[tuple[Any, ...]]


class Beside:
    """A connection of its own to the database of ``store``; statements write tables as ``tasker.steps``."""

    def __init__(self, store: Store) -> None:
        database = store.database
        self._sqlite: sqlite3.Connection | None = None
        if isinstance(database, SqliteDatabase):
            self._schema = ""
            self._sqlite = sqlite3.connect(database.path, isolation_level=None, timeout=10)
            self._sqlite.execute("pragma synchronous = off")
        else:
            assert isinstance(database, PostgresDatabase)
            self._schema = database.schema
            self._postgres: psycopg.Connection[tuple[Any, ...]] = database.connect_directly()
            self._postgres.prepare_threshold = 0

    def read(self, *questions: str) -> list[Rows]:
        """The rows that each of ``questions`` finds."""
        if self._sqlite is not None:
            return [self._sqlite.execute(render(each, "lite", "")).fetchall() for each in questions]
        with self._postgres.pipeline():
            cursors = [self._postgres.execute(render(each, "pg", self._schema).encode()) for each in questions]
        return [cursor.fetchall() for cursor in cursors]

    def empty(self) -> None:
        """Delete everything that the store holds."""
        statements = [f"delete from tasker.{table}" for table in TABLES]
        if self._sqlite is not None:
            self._sqlite.execute("begin immediate")
            for each in statements:
                self._sqlite.execute(render(each, "lite", ""))
            self._sqlite.execute("commit")
        else:
            text = ";".join(render(each, "pg", self._schema) for each in statements)
            self._postgres.execute(text.encode(), prepare=False)

    def close(self) -> None:
        (self._sqlite or self._postgres).close()
