"""A connection to a SQLite store that a handler writes on: what it writes is committed with the end of its step.

SQLite has one writer at a time. While it is lent, nobody else writes: neither this process nor another one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tasker_core.errors import TransactionError
from tasker_core.store.database import Access
from tasker_core.store.guest import ENDS_WITH_THE_STEP, Guest, savepoint
from tasker_core.store.sqlite_guest import execute_on
from tasker_core.store.sqlite_transaction import SqliteTransaction, said_plainly

MARK = "savepoint tasker_step"
TAKE_MARK = "release savepoint tasker_step"
"""Set when the transaction begins; it can be released only in that one."""


class LentConnection(sqlite3.Connection):
    """A connection in a transaction that the end of its step belongs to; whoever holds it can't end that."""

    def commit(self) -> None:
        raise TransactionError(f"commit: {ENDS_WITH_THE_STEP}")

    def rollback(self) -> None:
        raise TransactionError(f"rollback: {ENDS_WITH_THE_STEP}")


class SqliteLoan:
    """The one writer's place, lent. ``begin`` begins a transaction; ``give_back`` is called when it has ended."""

    def __init__(
        self, path: Path, sql: Mapping[str, str], begin: Callable[[sqlite3.Connection], object],
        give_back: Callable[[], None],
    ) -> None:  # fmt: skip
        self._path, self._sql, self._give_back = path, sql, give_back
        self._refused = ""
        with said_plainly(path):
            self.connection = self._open(begin)

    def _open(self, begin: Callable[[sqlite3.Connection], object]) -> LentConnection:
        connection = sqlite3.connect(self._path, timeout=0, factory=LentConnection)
        try:
            connection.execute("pragma synchronous = full")
            begin(connection)
            connection.execute(MARK)
            connection.set_authorizer(self._authorize)
        except BaseException:
            connection.close()
            raise
        return connection

    def _authorize(self, action: int, what: str | None, *_: str | None) -> int:
        """Also what isn't written as a method call: a COMMIT in SQL, executescript, the end of a ``with`` block, and
        the BEGIN by which Python would begin another transaction after SQLite rolled this one back."""
        if action == sqlite3.SQLITE_TRANSACTION:
            self._refused = str(what).lower()
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    @contextmanager
    def join(self) -> Iterator[Access]:
        if self._refused:
            raise TransactionError(f"{self._refused}: {ENDS_WITH_THE_STEP}")
        connection = self.connection
        try:
            connection.set_authorizer(None)
            connection.text_factory = str
            connection.execute(TAKE_MARK)
        except sqlite3.Error as error:
            raise TransactionError(
                f"the handler left no transaction to commit ({error}): {ENDS_WITH_THE_STEP}"
            ) from error
        execute = partial(execute_on, connection)
        with said_plainly(self._path):
            transaction = SqliteTransaction(connection, self._sql, execute)
            yield Guest(transaction, partial(savepoint, execute, sqlite3.Error))

    def commit(self) -> None:
        with said_plainly(self._path):
            sqlite3.Connection.commit(self.connection)

    def interrupt(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.interrupt()

    def end(self) -> None:
        try:
            with suppress(sqlite3.Error):
                self.connection.set_authorizer(None)
                sqlite3.Connection.rollback(self.connection)
            with suppress(sqlite3.Error):
                self.connection.close()
        finally:
            self._give_back()
