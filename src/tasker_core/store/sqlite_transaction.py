"""A transaction on a SQLite connection, and SQLite's errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tasker_core.errors import (
    StoreCorruptError,
    StoreDataError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from tasker_core.store.database import Call, Params, Rows


class SqliteTransaction:
    """Statements by name on ``connection``; ``execute`` is what runs them there."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sql: Mapping[str, str],
        execute: Callable[[str, Params], sqlite3.Cursor],
    ) -> None:
        self.connection = connection
        self._sql = sql
        self._execute = execute

    def run(self, *calls: Call) -> list[Rows]:
        connection, sql, execute = self.connection, self._sql, self._execute
        answers: list[Rows] = []
        for name, params in calls:
            before = connection.total_changes
            cursor = execute(sql[name], params)
            gives_rows = cursor.description is not None
            answers.append(cursor.fetchall() if gives_rows else [(connection.total_changes - before,)])
        return answers

    run_last = run


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into ours, with what to do about them."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreDataError(f"{path}: a text holds half a surrogate pair, which can't be stored") from error
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        if extended == sqlite3.SQLITE_BUSY_SNAPSHOT:
            raise StoreLockedError(
                f"{path}: another connection has written since this transaction read, so it can't write any more. "
                'Roll it back and do it all again, with "begin immediate" before the first read'
            ) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreLockedError(
                f"{path} is locked: another process has been writing for longer than the busy timeout. "
                "Find it (fuser, lsof), or wait and try again; nothing was changed"
            ) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreCorruptError(
                f"{path} is not a sound SQLite database ({error}). Restore it from a backup, "
                "or move it away to begin with an empty one"
            ) from error
        if code == sqlite3.SQLITE_FULL:
            raise StoreFullError(f"no room left to write {path} ({error}). Make room; nothing was changed") from error
        if code == sqlite3.SQLITE_READONLY:
            raise StoreError(f"{path} can't be written: check the permissions of the file and its directory") from error
        if code == sqlite3.SQLITE_CANTOPEN:
            raise StoreError(f"{path} can't be opened: check the permissions of the file and its directory") from error
        if isinstance(error, sqlite3.DataError | sqlite3.IntegrityError):
            raise StoreDataError(f"{path}: {error}") from error
        raise StoreError(f"{path}: {error}") from error
