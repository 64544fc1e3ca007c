"""PostgreSQL: a pool of connections, one pipelined round trip per transaction.

No statement needs session state to be correct, so a pooler in transaction mode may stand between. A pooler is
recognised by the backend's process id, which isn't the one that the connection was told; behind one, statements aren't
prepared by name and the planner settings are set for each transaction alone.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg

from tasker_core.errors import StoreError, StoreUnavailableError, StoreVersionError
from tasker_core.rules.symptoms import PostgresFact
from tasker_core.store.database import Access, Call, Row, Rows, as_json
from tasker_core.store.postgres_errors import TryAgain, said_plainly
from tasker_core.store.postgres_guest import Connection, joined
from tasker_core.store.postgres_loan import Lending, PostgresLoan
from tasker_core.store.postgres_pool import CONNECT_TIMEOUT, SET_TRANSACTION, Connections
from tasker_core.store.statements import Dialect, migrations, statements, tables
from tasker_core.store.wire import Sentence, WireConnection, statement_of

BEGIN = "begin isolation level read committed"
MIGRATION_LOCK = 0x7461736B6572
DEADLOCK_TRIES = 5

_BEGIN = Sentence(statement_of("begin", BEGIN), {})
_COMMIT = Sentence(statement_of("commit", "commit"), {})
_SET_TRANSACTION = Sentence(statement_of("set_transaction", SET_TRANSACTION), {})


class PostgresDatabase:
    """The database at ``url`` (``postgresql://user@host/name``), in a schema of its own.

    Options in the URL: ``tasker_schema`` (default ``tasker``) and ``tasker_pool`` (connections at most, default 10);
    all others are libpq's. ``listen_url`` is a direct connection for LISTEN, past a pooler. Safe to use from several
    threads, and in a child after a fork.
    """

    dialect: Dialect = "pg"
    can_hint = True

    def __init__(self, url: str, *, listen_url: str | None = None) -> None:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True)
        own = {key: value for key, value in options if key.startswith("tasker_")}
        query = urlencode([(key, value) for key, value in options if key not in own])
        self.schema = own.pop("tasker_schema", "tasker")
        if not self.schema.replace("_", "").isalnum() or not self.schema[:1].isalpha():
            raise StoreError(f"tasker_schema={self.schema!r}: a schema's name is letters, digits and _, a letter first")
        try:
            most = int(own.pop("tasker_pool", "10"))
        except ValueError:
            raise StoreError("tasker_pool must be a number of connections") from None
        if own:
            raise StoreError(f"unknown option {sorted(own)[0]!r}; Tasker's are tasker_schema and tasker_pool")
        self._listen_url = listen_url
        self._conninfo = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
        self.name = f"{parts.hostname or 'local socket'}:{parts.port or 5432}{parts.path or '/'}"
        self._statements = {name: statement_of(name, sql) for name, sql in statements("pg", self.schema).items()}
        self._identity: Row | None = None
        self._connections = Connections(self._conninfo, most, self.name)
        self._lending = Lending(self._conninfo)

    @property
    def is_pooled(self) -> bool:
        return self._connections.is_pooled

    def read(self, *calls: Call) -> list[Rows]:
        # The statements of one round trip are one transaction without being told so.
        return self._one_round_trip(calls, (), ())

    def write(self, *calls: Call) -> list[Rows]:
        return self._one_round_trip(calls, (_BEGIN,), (_COMMIT,))

    def _one_round_trip(
        self, calls: Sequence[Call], before: Sequence[Sentence], after: Sequence[Sentence]
    ) -> list[Rows]:
        for attempt in range(1, DEADLOCK_TRIES + 1):
            try:
                with said_plainly(self.name), self._connections.connection() as connection:
                    before_all = [*before, *self._preface()]
                    try:
                        answers = connection.say([*before_all, *map(self._sentence, calls), *after])
                    except psycopg.Error:
                        _roll_back(connection)
                        raise
                    return answers[len(before_all) : len(before_all) + len(calls)]
            except TryAgain as error:
                if attempt == DEADLOCK_TRIES:
                    raise StoreUnavailableError(str(error)) from error
                time.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    def _preface(self) -> Sequence[Sentence]:
        return (_SET_TRANSACTION,) if self.is_pooled else ()

    def _sentence(self, call: Call) -> Sentence:
        return Sentence(self._statements[call.statement], call.params)

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        with said_plainly(self.name), self._connections.connection() as connection:
            transaction = _Transaction(connection, self._sentence, [_BEGIN, *self._preface()])
            try:
                yield transaction
                transaction.commit()
            except BaseException:
                _roll_back(connection)
                raise

    def join(self, connection: object) -> AbstractContextManager[Access]:
        return joined(connection, self.name, statements("pg", self.schema), self._is_here)

    def lend(self) -> PostgresLoan:
        return self._lending.lend(self.name, statements("pg", self.schema))

    def _is_here(self, identity: Row) -> bool:
        """Whether this is the database that a connection with this ``identity`` is on."""
        if identity != self._identity:
            # Not known yet, or the server has been restarted since.
            ((self._identity,),) = self.read(Call("database_identity", {}))
        return identity == self._identity

    def migrate(self) -> Sequence[str]:
        applied: list[str] = []
        with self.transaction() as transaction:
            execute = transaction.connection.execute
            execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            if not execute("select 1 from pg_namespace where nspname = %s", (self.schema,)).fetchone():
                execute(f'create schema "{self.schema}"')
            execute(
                f'create table if not exists "{self.schema}".schema_version '
                "(version integer primary key, name text not null, at timestamptz not null default now())"
            )
            newest = self._newest(transaction.connection)
            known = migrations("pg", self.schema)
            self._refuse_newer(newest, known[-1][0])
            for version, name, script in known:
                if version > newest:
                    execute(";\n".join(script))
                    execute(f'insert into "{self.schema}".schema_version values (%s, %s)', (version, name))
                    applied.append(name)
        return applied

    def make_ready(self) -> None:
        newest, latest = self.schema_version(), migrations("pg", self.schema)[-1][0]
        self._refuse_newer(newest, latest)
        if newest < latest:
            have = f"is of version {newest}" if newest else "isn't there"
            raise StoreVersionError(
                f"{self.name}: schema {self.schema!r} {have}, this Tasker needs version {latest}; run: tasker migrate"
            )

    def schema_version(self) -> int:
        """The version of Tasker's tables; 0 where there are none."""
        (exists,) = self.read(Call("has_schema", {"book": f'"{self.schema}".schema_version'}))
        return int(self.read(Call("schema_version", {}))[0][0][0]) if exists[0][0] else 0

    def condition(self) -> PostgresFact:
        database, lacking, oldest = self.read(
            Call("doctor_database", {}),
            Call("doctor_rights", {"schema": self.schema, "tables": as_json(tables("pg", self.schema))}),
            Call("doctor_oldest_transaction", {}),
        )
        version, is_standby, most, connections, unsafe = database[0]
        return PostgresFact(
            version,
            self.name,
            self.schema,
            self.schema_version(),
            migrations("pg", self.schema)[-1][0],
            is_standby,
            json.loads(unsafe) if unsafe else [],
            connections,
            most,
            [table for (table,) in lacking],
            tuple(oldest[0]) if oldest else None,
        )

    def now(self) -> int | None:
        ((row,),) = self.read(Call("database_now", {}))
        return int(row[0])

    def change_mark(self) -> int:
        return -1

    def hint(self, payload: str) -> None:
        with said_plainly(self.name), self._connections.connection() as connection:
            connection.execute("select pg_notify(%s, %s)", (self._channel, payload))

    def hears(self) -> bool:
        with said_plainly(self.name):
            self._connections.open()
        return not self.is_pooled or self._listen_url is not None

    def listen(self, hear: Callable[[str], None], over: threading.Event) -> None:
        if not self.hears():
            return
        with self.connect_directly(self._listen_url) as connection, said_plainly(self.name):
            connection.execute(f'listen "{self._channel}"')
            while not over.is_set():
                for notice in connection.notifies(timeout=1.0):
                    hear(notice.payload)

    @property
    def _channel(self) -> str:
        return f"{self.schema}_ready"

    def version(self) -> int:
        """The server's version as a number: 150018 for 15.18."""
        with said_plainly(self.name), self._connections.connection() as connection:
            return connection.info.server_version

    def connect_directly(self, url: str | None = None) -> Connection:
        """A connection outside the pool, for LISTEN. ``url`` leads past a pooler."""
        with said_plainly(self.name):
            return psycopg.connect(url or self._conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT)

    def close(self) -> None:
        self._lending.close()
        self._connections.close()

    def _newest(self, connection: Connection) -> int:
        row = connection.execute(f'select coalesce(max(version), 0) from "{self.schema}".schema_version').fetchone()
        return int(row[0]) if row else 0

    def _refuse_newer(self, newest: int, known: int) -> None:
        if newest > known:
            raise StoreVersionError(
                f"{self.name}: schema {self.schema!r} has version {newest}; this Tasker knows versions up to {known}. "
                "Upgrade tasker-core, or use another schema (tasker_schema=)"
            )


class _Transaction:
    """Begins with what is run first; ``preface`` is how."""

    def __init__(
        self, connection: WireConnection, sentence: Callable[[Call], Sentence], preface: Sequence[Sentence]
    ) -> None:
        self._connection = connection
        self._sentence = sentence
        self._preface = preface
        self._is_open = False

    @property
    def connection(self) -> WireConnection:
        """Inside the transaction."""
        if not self._is_open:
            self.run()
        return self._connection

    def run(self, *calls: Call) -> list[Rows]:
        return self._say(calls, ())

    def run_last(self, *calls: Call) -> list[Rows]:
        answers = self._say(calls, (_COMMIT,))
        self._is_open = False
        return answers

    def commit(self) -> None:
        if self._is_open:
            self.run_last()

    def _say(self, calls: Sequence[Call], after: Sequence[Sentence]) -> list[Rows]:
        before = () if self._is_open else self._preface
        self._is_open = True
        answers = self._connection.say([*before, *map(self._sentence, calls), *after])
        return answers[len(before) : len(before) + len(calls)]


def _roll_back(connection: Connection) -> None:
    try:
        if not connection.closed:
            connection.execute("rollback")
    except psycopg.Error:
        connection.close()
