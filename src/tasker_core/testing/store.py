"""A store for one test: a copy of an empty one, and no commit waits for the disk."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from pathlib import Path

from tasker_core.store import Store
from tasker_core.store.sqlite import SqliteDatabase


class ThrowawayDatabase(SqliteDatabase):
    """A SQLite database that a crash of the machine may damage."""

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("pragma synchronous = off")
        return connection


def throwaway_store(path: Path) -> Store:
    """An empty store in a new file at ``path``."""
    path.write_bytes(_empty())
    return Store(ThrowawayDatabase(path))


@functools.cache
def _empty() -> bytes:
    """A migrated database: migrating takes longer than copying."""
    with tempfile.TemporaryDirectory(prefix="tasker-") as directory:
        database = ThrowawayDatabase(Path(directory) / "empty.db")
        database.migrate()
        database.close()
        return database.path.read_bytes()
