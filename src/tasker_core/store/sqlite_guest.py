"""Joining a transaction on an application's own connection to the same SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import UUID

from tasker_core.errors import StoreError
from tasker_core.store.database import Call, Params, Rows
from tasker_core.store.guest import Guest, driver_connection, savepoint, unfit
from tasker_core.store.sqlite_transaction import SqliteTransaction, said_plainly

NO_TRANSACTION = (
    "no transaction is open, and this connection begins none by itself, so the task would be committed alone; "
    'execute "begin immediate" first'
)


@contextmanager
def joined(
    given: object, path: Path, sql: Mapping[str, str], begin: Callable[[sqlite3.Connection], object]
) -> Iterator[Guest]:
    """The store's access on ``given``, inside its open transaction, or in one that its driver would begin now.

    ``begin`` begins one. Raises InvalidRequestError for a connection that can't be used, saying what would be right.
    """
    with driver_connection(given) as connection:
        if not isinstance(connection, sqlite3.Connection):
            raise unfit(f"the store is the SQLite file {path}; give a sqlite3 connection to that file", connection)
        execute = partial(execute_on, connection)
        transaction = SqliteTransaction(connection, sql, execute)
        _refuse_another_file(transaction, path)
        begun = not connection.in_transaction
        if begun and not _begins_by_itself(connection):
            raise unfit(NO_TRANSACTION, connection)
        texts, connection.text_factory = connection.text_factory, str
        try:
            with said_plainly(path):
                if begun:
                    begin(connection)
                inside = partial(savepoint, execute, sqlite3.Error)
                with inside():
                    yield Guest(transaction, inside)
        except BaseException as error:
            _tidy(connection, error, begun=begun)
            raise
        finally:
            connection.text_factory = texts


class _Plain(sqlite3.Cursor):
    """A cursor with none of the connection's row factory, nor of a converter that an application has for UUIDs."""

    def fetchall(self) -> Rows:
        return [tuple(str(value) if isinstance(value, UUID) else value for value in row) for row in super().fetchall()]


def execute_on(connection: sqlite3.Connection, sql: str, params: Params | tuple[()] = ()) -> sqlite3.Cursor:
    """Run ``sql`` on an application's connection, as if it were one of Tasker's."""
    return _Plain(connection).execute(sql, params)


def _refuse_another_file(transaction: SqliteTransaction, path: Path) -> None:
    connection = transaction.connection
    try:
        ((file,),) = transaction.run(Call("database_identity", {}))[0]
    except sqlite3.ProgrammingError as error:
        raise unfit(str(error), connection) from error
    if not file or not os.path.exists(file) or not os.path.samefile(file, path):
        raise unfit(f"it is open on {file or 'a database in memory'}, but the store is {path}", connection)


def _begins_by_itself(connection: sqlite3.Connection) -> bool:
    """Whether the driver would begin a transaction before the next INSERT."""
    legacy = -1
    return bool(getattr(connection, "autocommit", legacy) == legacy and connection.isolation_level is not None)


def _tidy(connection: sqlite3.Connection, error: BaseException, *, begun: bool) -> None:
    """Leave the connection as it was found, and say so where SQLite itself didn't."""
    if begun:
        with suppress(sqlite3.Error):
            connection.rollback()
    elif isinstance(error, StoreError) and not connection.in_transaction:
        error.add_note("SQLite has rolled back the whole transaction of this connection; begin it again")
