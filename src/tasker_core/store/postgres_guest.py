"""Joining a transaction on an application's own connection to the same PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.string import TextLoader

from tasker_core.errors import StoreUnavailableError
from tasker_core.store.database import Call, Params, Row, Rows
from tasker_core.store.guest import Guest, driver_connection, savepoint, unfit
from tasker_core.store.postgres_errors import TryAgain, said_plainly

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

UNFIT_STATES = {
    TransactionStatus.ACTIVE: "a statement is still running on it; read its answer to the end first",
    TransactionStatus.INERROR: "its transaction has failed; roll it back, or back to a savepoint, first",
    TransactionStatus.UNKNOWN: "it is closed or broken",
}
NO_TRANSACTION = (
    "no transaction is open, and it is in autocommit mode, so the task would be committed alone; "
    "open one: with connection.transaction()"
)


@contextmanager
def joined(given: object, name: str, sql: Mapping[str, str], is_ours: Callable[[Row], bool]) -> Iterator[Guest]:
    """The store's access on ``given``, inside its open transaction, or in the one that its first statement begins.

    ``is_ours`` tells by the answer to ``database_identity`` whether it is the store's database, called ``name`` in
    errors. Raises InvalidRequestError for a connection that can't be used, saying what would be right.
    """
    with driver_connection(given) as connection:
        if not isinstance(connection, psycopg.Connection):
            raise unfit(
                f"the store is the PostgreSQL database {name}; give a psycopg 3 connection (psycopg.Connection) to it, "
                "or SQLAlchemy's over one (postgresql+psycopg://)",
                connection,
            )
        begun = _begins(connection)
        execute = partial(execute_on, connection)
        transaction = GuestTransaction(connection, sql)
        inside = partial(savepoint, execute, psycopg.Error)
        try:
            with _said_to_its_owner(name), inside():
                ((here,),) = transaction.run(Call("database_identity", {}))
                if not is_ours(here):
                    raise unfit(f"it is open on another database than the store, which is {name}", connection)
                yield Guest(transaction, inside)
        except BaseException:
            if begun:
                with suppress(psycopg.Error):
                    connection.rollback()
            raise


class GuestTransaction:
    """Statements by name on an application's connection."""

    def __init__(self, connection: Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    def run(self, *calls: Call) -> list[Rows]:
        with self._connection.pipeline():
            cursors = [execute_on(self._connection, self._sql[name], params) for name, params in calls]
        return [cursor.fetchall() if cursor.description else [(cursor.rowcount,)] for cursor in cursors]

    run_last = run


def _begins(connection: psycopg.Connection[Any]) -> bool:
    """Whether the next statement begins the transaction. Raises InvalidRequestError where none can be joined."""
    status = connection.info.transaction_status
    if status in UNFIT_STATES:
        raise unfit(UNFIT_STATES[status], connection)
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        raise unfit("it is in pipeline mode; leave the pipeline block first", connection)
    if status == TransactionStatus.IDLE and connection.autocommit:
        raise unfit(NO_TRANSACTION, connection)
    return status == TransactionStatus.IDLE


def execute_on(connection: Connection, sql: str, params: Params | None = None) -> Cursor:
    """Run ``sql`` on an application's connection, as if it were one of Tasker's."""
    # A cursor of our own: the application's has its row factory, its way to write parameters, its loaders. Nothing is
    # prepared, since a pooler may stand between.
    cursor = psycopg.Cursor(connection, row_factory=tuple_row)
    for type_name in ("uuid", "json"):
        cursor.adapters.register_loader(type_name, TextLoader)
    return cursor.execute(sql.encode(), params, prepare=False)


@contextmanager
def _said_to_its_owner(name: str) -> Iterator[None]:
    try:
        with said_plainly(name):
            yield
    except TryAgain as error:
        raise StoreUnavailableError(f"{error}; roll the transaction back and do it all again") from error.__cause__
