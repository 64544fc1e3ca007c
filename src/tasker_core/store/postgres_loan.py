"""Connections to PostgreSQL that handlers write on: what they write is committed with the end of their steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from tasker_core.errors import StoreUnavailableError, TransactionError
from tasker_core.forks import renew_in_children
from tasker_core.store.database import Access, Call
from tasker_core.store.guest import ENDS_WITH_THE_STEP, Guest, savepoint
from tasker_core.store.postgres_errors import TryAgain, said_plainly
from tasker_core.store.postgres_guest import GuestTransaction, execute_on
from tasker_core.store.postgres_pool import CONNECT_TIMEOUT, PATIENCE, RECONNECT_WITHIN, SET_TRANSACTION

MOST_LENT = 1_000
"""Connections; a worker never uses more than it has slots."""
ISOLATION = "read committed"
CANCEL_WITHIN = 1.0
"""Seconds."""


class LentConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection in a transaction that the end of its step belongs to; whoever holds it can't end that."""

    def commit(self) -> None:
        raise TransactionError(f"commit: {ENDS_WITH_THE_STEP}")

    def rollback(self) -> None:
        raise TransactionError(f"rollback: {ENDS_WITH_THE_STEP}")


class Lending:
    """The connections to lend: as an application would open them, with the role's own search path."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._pool: ConnectionPool[LentConnection] | None = None
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Have no connections. A child leaves its parent's alone: to close them would end the parent's sessions."""
        self._lock = threading.Lock()
        if self._pool is not None:
            _inherited.append(self._pool)
        self._pool = None

    def lend(self, name: str, sql: Mapping[str, str]) -> PostgresLoan:
        """One of them, with a transaction begun. ``name`` is what to call the database in errors."""
        with said_plainly(name):
            pool = self._open()
            connection = pool.getconn(PATIENCE)
            try:
                ((mark, _),) = GuestTransaction(connection, sql).run(Call("transaction_mark", {}))[0]
            except BaseException:
                connection.close()
                pool.putconn(connection)
                raise
        return PostgresLoan(pool, connection, mark, name, sql)

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _open(self) -> ConnectionPool[LentConnection]:
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._conninfo,
                    connection_class=LentConnection,
                    min_size=0,
                    max_size=MOST_LENT,
                    # Nothing is prepared by name: a pooler may stand between.
                    kwargs={"prepare_threshold": None, "connect_timeout": CONNECT_TIMEOUT},
                    configure=_as_new,
                    reset=_clean,
                    check=ConnectionPool.check_connection,
                    open=True,
                    name="tasker-handlers",
                    reconnect_timeout=RECONNECT_WITHIN,
                )
            return self._pool


class PostgresLoan:
    """One of the connections, lent."""

    def __init__(
        self, pool: ConnectionPool[LentConnection], connection: LentConnection, mark: str, name: str,
        sql: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._pool, self._mark, self._name, self._sql = pool, mark, name, sql
        self.connection = connection
        self._ending = threading.Lock()
        self._is_over = False

    @contextmanager
    def join(self) -> Iterator[Access]:
        self._refuse_unfit()
        transaction = GuestTransaction(self.connection, self._sql)
        with _plainly(self._name):
            # The planner is told what it is told on the store's own connections.
            execute_on(self.connection, SET_TRANSACTION)
            ((mark, isolation),) = transaction.run(Call("transaction_mark", {}))[0]
            if mark != self._mark:
                raise TransactionError(
                    f"the handler ended the transaction by itself and went on in another one: {ENDS_WITH_THE_STEP}"
                )
            if isolation != ISOLATION:
                raise TransactionError(
                    f"the handler made its transaction {isolation}; a step can only be settled in a {ISOLATION} one"
                )
            yield Guest(transaction, partial(savepoint, partial(execute_on, self.connection), psycopg.Error))

    def commit(self) -> None:
        with _plainly(self._name):
            psycopg.Connection.commit(self.connection)

    def interrupt(self) -> None:
        # Never the statement of somebody who has got the connection after this one.
        with self._ending, suppress(psycopg.Error):
            if not self._is_over:
                self.connection.cancel_safe(timeout=CANCEL_WITHIN)

    def end(self) -> None:
        with self._ending:
            self._is_over = True
        try:
            if self.connection.pgconn.pipeline_status != PipelineStatus.OFF:
                self.connection.close()
            psycopg.Connection.rollback(self.connection)
        except psycopg.Error:
            self.connection.close()
        self._pool.putconn(self.connection)

    def _refuse_unfit(self) -> None:
        status = self.connection.info.transaction_status
        if self.connection.pgconn.pipeline_status != PipelineStatus.OFF or status == TransactionStatus.ACTIVE:
            raise TransactionError("the handler returned while a statement was under way on context.transaction")
        if status == TransactionStatus.UNKNOWN:
            raise StoreUnavailableError(f"{self._name}: the connection of context.transaction is closed or broken")
        if status == TransactionStatus.IDLE:
            raise TransactionError(f"the handler ended the transaction by itself: {ENDS_WITH_THE_STEP}")
        if status == TransactionStatus.INERROR:
            raise TransactionError(
                "a statement on context.transaction failed, and the handler returned all the same: nothing can be "
                "committed. Let the error out, or put such a statement into a block: with transaction.transaction()"
            )


@contextmanager
def _plainly(name: str) -> Iterator[None]:
    try:
        with said_plainly(name):
            yield
    except TryAgain as error:
        raise StoreUnavailableError(str(error)) from error.__cause__


def _as_new(connection: LentConnection) -> None:
    connection.autocommit = False
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    connection.read_only, connection.deferrable = False, None
    connection.row_factory, connection.cursor_factory = tuple_row, psycopg.Cursor


def _clean(connection: LentConnection) -> None:
    """What one handler set, locked or prepared, the next one doesn't find."""
    connection.autocommit = True
    connection.execute("discard all", prepare=False)
    _as_new(connection)


_inherited: list[object] = []
