"""What a database is to the store: statements by name, run in transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeAlias

from pydantic_core import PydanticSerializationError, to_json

from tasker_core.errors import StoreDataError
from tasker_core.rules.symptoms import Condition
from tasker_core.store.statements import Dialect

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = list[Row]
Params: TypeAlias = Mapping[str, Any]


def as_json(value: object) -> str:
    """A batch parameter: plain dicts and lists as JSON. Raises StoreDataError for what no database could keep."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError as error:
        raise StoreDataError(f"a value can't be stored: {error}") from error


class Call(NamedTuple):
    """A statement, named, with its parameters."""

    statement: str
    params: Params


class Transaction(Protocol):
    """An open transaction; it commits when its block ends and rolls back when the block raises."""

    def run(self, *calls: Call) -> list[Rows]:
        """Run ``calls`` in order, in one round trip where the database allows it; the rows of each, or for a statement
        that gives none how many it changed: ``[(count,)]``."""
        ...

    def run_last(self, *calls: Call) -> list[Rows]:
        """The same, and commit in that round trip where the database allows it: nothing may be run after it."""
        ...


class Access(Protocol):
    """What a sentence about tasks, steps or workers needs of a database."""

    def read(self, *calls: Call) -> list[Rows]:
        """Run reading statements against what is committed."""
        ...

    def write(self, *calls: Call) -> list[Rows]:
        """Run ``calls`` in one transaction and commit it; nothing of it stays when one fails."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A writing transaction for verbs that look before they write."""
        ...


class Loan(Protocol):
    """A connection that a handler writes on, in a transaction of its own that the store can write in as well.

    Used by one thread. Whatever the driver says is raised as an error of Tasker's.
    """

    @property
    def connection(self) -> object:
        """The driver's connection, for the handler."""
        ...

    def join(self) -> AbstractContextManager[Access]:
        """Access inside the transaction. Raises TransactionError where the handler left none that can be committed."""
        ...

    def commit(self) -> None:
        """Commit everything that was written on it."""
        ...

    def interrupt(self) -> None:
        """Have a statement that is running on it fail, from any thread."""
        ...

    def end(self) -> None:
        """Undo what wasn't committed, and take the connection back."""
        ...


class Database(Access, Protocol):
    """One database, shared by the threads of a process."""

    dialect: Dialect
    name: str
    """What to call it where people read: without a password."""
    can_hint: bool
    """Whether ``hint`` reaches other processes."""

    def join(self, connection: object) -> AbstractContextManager[Access]:
        """Access inside the open transaction of an application's own ``connection`` to this database.

        What is written takes effect with that transaction's commit; a block that raises undoes its own part alone.
        Raises InvalidRequestError for a connection that can't be used.
        """
        ...

    def lend(self) -> Loan:
        """A connection for a handler, as an application would open it, with a transaction begun."""
        ...

    def migrate(self) -> Sequence[str]:
        """Bring the schema up to this code's version; the names of the migrations applied."""
        ...

    def make_ready(self) -> None:
        """Migrate where that is done without asking (SQLite); elsewhere refuse a schema of another version."""
        ...

    def condition(self) -> Condition:
        """What the database says of itself, also where it has no schema or one of another version. Changes nothing."""
        ...

    def now(self) -> int | None:
        """The database's own time in microseconds; None where it runs on this machine's clock."""
        ...

    def hint(self, payload: str) -> None:
        """Send ``payload`` to whoever listens, outside any transaction of the store."""
        ...

    def hears(self) -> bool:
        """Whether ``listen`` can hear anything: not behind a pooler without a way past it."""
        ...

    def listen(self, hear: Callable[[str], None], over: threading.Event) -> None:
        """Call ``hear`` with each payload until ``over`` is set. Raises StoreError when the connection is lost."""
        ...

    def change_mark(self) -> int:
        """A number that changes when another connection has committed; -1 where the database has none."""
        ...

    def close(self) -> None: ...
