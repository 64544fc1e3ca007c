"""SQLite: one writing connection per process, readers beside it, WAL, synchronous=FULL."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import parse_qs
from weakref import WeakSet

from tasker_core.errors import StoreError, StoreLockedError, StoreVersionError
from tasker_core.forks import renew_in_children
from tasker_core.rules.symptoms import SqliteFact
from tasker_core.store.database import Access, Call, Rows
from tasker_core.store.sqlite_file import condition_of, refuse_impossible_places
from tasker_core.store.sqlite_guest import joined
from tasker_core.store.sqlite_loan import SqliteLoan
from tasker_core.store.sqlite_transaction import SqliteTransaction, said_plainly
from tasker_core.store.statements import Dialect, migrations, statements

OLDEST_SQLITE = (3, 39, 0)
BUSY_TIMEOUT = 10.0


class SqliteDatabase:
    """The database in ``path``, created when it doesn't exist.

    ``busy_timeout`` (seconds) is how long a writer waits for another process. ``max_pages`` bounds the file's size in
    pages of 4 KiB. Safe to use from several threads, and in a child after a fork: connections are made on first use in
    each process. Raises StoreError where the file can't be a Tasker database, naming what would be right.
    """

    dialect: Dialect = "lite"
    can_hint = False

    def __init__(self, path: str | Path, *, busy_timeout: float = BUSY_TIMEOUT, max_pages: int | None = None) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreVersionError(
                f"SQLite {sqlite3.sqlite_version} is too old; Tasker needs 3.39 or newer. "
                "Use a Python that brings a newer one, or PostgreSQL"
            )
        self.path = Path(path).absolute()
        self.busy_timeout = busy_timeout
        self.max_pages = max_pages
        self._sql = statements("lite")
        self._writer: sqlite3.Connection | None = None
        self._forget_connections()
        refuse_impossible_places(self.path)
        self.name = str(self.path)
        renew_in_children(self)
        _databases.add(self)

    def begin_anew(self) -> None:
        """Have no connections. To close a parent's would drop the parent's file locks: a child keeps them, unused."""
        _inherited.append((self._writer, self._readers))
        self._forget_connections()

    @classmethod
    def from_url(cls, url: str) -> SqliteDatabase:
        """``sqlite:///relative.db``, ``sqlite:////absolute.db``; options ``?busy_timeout=10&max_pages=1000``."""
        location, _, query = url.partition("?")
        path = location.removeprefix("sqlite://").removeprefix("/")
        if not path or path == ":memory:":
            raise StoreError(
                f"{url!r} names no file. Tasker's store outlives the process: use sqlite:///tasker.db "
                "(relative) or sqlite:////var/lib/shop/tasker.db (absolute)"
            )
        options = {key: values[-1] for key, values in parse_qs(query).items()}
        try:
            busy = float(options.pop("busy_timeout", BUSY_TIMEOUT))
            pages = int(options.pop("max_pages")) if "max_pages" in options else None
        except ValueError as error:
            raise StoreError(f"{url!r}: {error}") from None
        if options:
            raise StoreError(f"{url!r}: unknown option {sorted(options)[0]!r}; known are busy_timeout and max_pages")
        return cls(path, busy_timeout=busy, max_pages=pages)

    def read(self, *calls: Call) -> list[Rows]:
        connection = self._reader()
        with said_plainly(self.path):
            return [connection.execute(self._sql[name], params).fetchall() for name, params in calls]

    def write(self, *calls: Call) -> list[Rows]:
        with self.transaction() as transaction:
            return transaction.run(*calls)

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        with self.writing, said_plainly(self.path):
            self._refuse_borrower()
            connection = self._writer or self._open_writer()
            self._patiently(connection, "begin immediate")
            try:
                yield SqliteTransaction(connection, self._sql, connection.execute)
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def join(self, connection: object) -> AbstractContextManager[Access]:
        return joined(connection, self.path, self._sql, self._begin_patiently)

    def lend(self) -> SqliteLoan:
        self.writing.acquire()
        try:
            self._refuse_borrower()
            loan = SqliteLoan(self.path, self._sql, self._begin_patiently, self._take_back)
        except BaseException:
            self.writing.release()
            raise
        self._is_lent = True
        return loan

    def _take_back(self) -> None:
        self._is_lent = False
        self.writing.release()

    def _refuse_borrower(self) -> None:
        """Whoever has got past the lock on writing while it is lent is the one that borrowed."""
        if self._is_lent:
            raise StoreLockedError(
                f"{self.path}: this handler holds the one write lock by its context.transaction, and a call that "
                "writes would wait for itself; give it connection=context.transaction where it takes one, or let "
                "another step do it"
            )

    def migrate(self) -> Sequence[str]:
        applied: list[str] = []
        with self.transaction() as transaction:
            connection = transaction.connection
            connection.execute(
                "create table if not exists tasker_schema (version integer primary key, name text, at integer)"
            )
            (newest,) = connection.execute("select coalesce(max(version), 0) from tasker_schema").fetchone()
            known = migrations("lite")
            if newest > known[-1][0]:
                raise StoreVersionError(
                    f"{self.path} has schema version {newest}; this Tasker knows versions up to {known[-1][0]}. "
                    "Upgrade tasker-core, or use another database"
                )
            for version, name, script in known:
                if version > newest:
                    for statement in script:
                        connection.execute(statement)
                    connection.execute(
                        "insert into tasker_schema values (?, ?, ?)", (version, name, int(time.time() * 1e6))
                    )
                    applied.append(name)
        return applied

    def make_ready(self) -> None:
        self.migrate()

    def condition(self) -> SqliteFact:
        with said_plainly(self.path):
            return condition_of(self.path, self._sql, self.max_pages, self._obstacle)

    def _obstacle(self) -> str:
        try:
            with self.transaction():
                return ""
        except StoreError as error:
            return str(error)

    def now(self) -> int | None:
        return None

    def hint(self, payload: str) -> None:
        """SQLite carries no hints: other processes notice the changed file."""

    def hears(self) -> bool:
        return False

    def listen(self, hear: Callable[[str], None], over: threading.Event) -> None:
        """SQLite carries no hints."""

    def change_mark(self) -> int:
        connection = self._reader()
        with said_plainly(self.path):
            (mark,) = connection.execute("pragma data_version").fetchone()
        return int(mark)

    def close(self) -> None:
        with self.writing:
            for connection in [*self._readers.values(), *([self._writer] if self._writer else [])]:
                connection.close()
            self._forget_connections()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            with said_plainly(self.path):
                connection = self._connect()
                connection.execute("pragma query_only = on")
            self._local.reader = connection
            with self._opening:
                # Nobody else closes what a thread that has ended was reading with.
                for thread in [other for other in self._readers if not other.is_alive()]:
                    self._readers.pop(thread).close()
                self._readers[threading.current_thread()] = connection
        return connection

    def _open_writer(self) -> sqlite3.Connection:
        self._writer = connection = self._connect()
        connection.execute("pragma busy_timeout = 0")
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self.busy_timeout, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            (mode,) = self._patiently(connection, "pragma journal_mode = wal").fetchone()
            if mode != "wal":
                raise StoreError(
                    f"{self.path} can't use write-ahead logging (journal mode {mode}); put it on a local disk"
                )
            connection.execute("pragma synchronous = full")
            connection.execute("pragma temp_store = memory")
            connection.execute("pragma cache_size = -65536")
            if self.max_pages is not None:
                connection.execute(f"pragma max_page_count = {int(self.max_pages)}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin_patiently(self, connection: sqlite3.Connection) -> None:
        self._patiently(connection, "begin immediate")

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
        # SQLite's own busy handler sleeps longer and longer, so that a process that waits loses to one that just
        # wrote; short random naps give every process the same chance. And it isn't asked at all where two processes
        # give a file that is still empty its journal mode: both read it, and neither could go on.
        deadline = time.monotonic() + self.busy_timeout
        while True:
            try:
                return connection.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.000_2, 0.003))

    def _forget_connections(self) -> None:
        self.writing = threading.RLock()
        self._writer = None
        self._is_lent = False
        self._opening = threading.Lock()
        self._readers: dict[threading.Thread, sqlite3.Connection] = {}
        self._local = threading.local()


_inherited: list[object] = []
_databases: WeakSet[SqliteDatabase] = WeakSet()
_forking = threading.local()


def _await_writers() -> None:
    """Fork between writing transactions, never amid one. SQLite remembers which locks its process holds on a file: a
    child would take over the write lock of a thread that it doesn't have, and find its store locked for ever."""
    _forking.held = []
    for database in sorted(_databases, key=id):
        if database.writing.acquire(timeout=database.busy_timeout):
            _forking.held.append(database.writing)


def _go_on_writing() -> None:
    for writing in _forking.held:
        writing.release()


os.register_at_fork(before=_await_writers, after_in_parent=_go_on_writing)
