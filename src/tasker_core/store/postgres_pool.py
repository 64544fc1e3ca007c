"""The pool of connections to one PostgreSQL database."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, suppress

import psycopg
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool

from tasker_core.errors import StoreUnavailableError, StoreVersionError
from tasker_core.forks import renew_in_children
from tasker_core.store.wire import WireConnection

OLDEST_POSTGRES = 140_000
# Plans that were made while the tables were tiny stay in the cache when they have grown; these leave the planner only
# plans that are right at any size. A plan that has no other way than a disabled one looks so dear that it would be
# compiled, which takes a tenth of a second: hence jit. Never needed for correctness.
PLANNER = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
SET_TRANSACTION = "select " + ", ".join(f"set_config('{name}', 'off', true)" for name in PLANNER)
SET_SESSION = "; ".join(f"set {name} = off" for name in PLANNER)
CONNECT_TIMEOUT = 10
PATIENCE = 15.0
"""Seconds to wait for a connection of the pool."""
RECONNECT_WITHIN = 3.0
"""Seconds over which the pool knocks less and less often; then it begins anew, so that a database is found soon."""


class Connections:
    """At most ``most`` connections, the first made when one is asked for; a forked child makes its own.

    ``name`` is what to call the database in errors.
    """

    def __init__(self, conninfo: str, most: int, name: str) -> None:
        self._conninfo, self._most, self._name = conninfo, most, name
        self._pool: ConnectionPool[WireConnection] | None = None
        self._is_pooled = self._is_closed = False
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Have no connections. A child leaves its parent's alone: to close them would end the parent's sessions."""
        self._lock = threading.Lock()
        if self._pool is not None:
            _inherited.append(self._pool)
        self._pool = None

    @property
    def is_pooled(self) -> bool:
        """Is there a pooler between? Known once ``open`` has connected."""
        return self._is_pooled

    def connection(self) -> AbstractContextManager[WireConnection]:
        """One of the connections, given back when the block ends."""
        return self.open().connection(PATIENCE)

    def open(self) -> ConnectionPool[WireConnection]:
        pool = self._pool
        if pool is None:
            with self._lock:
                if self._is_closed:
                    # A thread that comes late would open connections that nobody closes any more.
                    raise StoreUnavailableError(f"the connections to {self._name} are closed")
                if self._pool is None:
                    self._pool = self._make()
                pool = self._pool
        return pool

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _make(self) -> ConnectionPool[WireConnection]:
        # One connection by hand first: its error says what is wrong, where the pool would only run out of patience.
        with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT) as connection:
            if connection.info.server_version < OLDEST_POSTGRES:
                raise StoreVersionError(
                    f"{self._name} runs PostgreSQL {connection.info.server_version // 10_000}; Tasker needs 14 or newer"
                )
            row = connection.execute("select pg_backend_pid()").fetchone()
            self._is_pooled = row is not None and row[0] != connection.info.backend_pid
        return ConnectionPool(
            self._conninfo,
            connection_class=WireConnection,
            min_size=1,
            max_size=self._most,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "client_encoding": "utf8",
                "connect_timeout": CONNECT_TIMEOUT,
            },
            configure=self._configure,
            open=True,
            name="tasker",
            reconnect_timeout=RECONNECT_WITHIN,
            reconnect_failed=_go_on_knocking,
        )

    def _configure(self, connection: WireConnection) -> None:
        connection.prepares = not self._is_pooled
        for type_name in ("uuid", "json"):
            connection.adapters.register_loader(type_name, TextLoader)
        if not self._is_pooled:
            connection.execute(SET_SESSION, prepare=False)


_inherited: list[object] = []


def _go_on_knocking(pool: ConnectionPool[WireConnection]) -> None:
    """By itself the pool gives up, though there may be threads that wait for a connection; being asked makes it try."""
    with suppress(psycopg.Error), pool.connection(timeout=0.01):
        pass
