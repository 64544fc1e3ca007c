"""Tasker as a guest in a transaction that an application opened on a connection of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from tasker_core.errors import InvalidRequestError
from tasker_core.store.database import Call, Rows, Transaction

SAVEPOINT, ROLL_BACK, RELEASE = "savepoint tasker", "rollback to savepoint tasker", "release savepoint tasker"

ENDS_WITH_THE_STEP = (
    "the transaction of context.transaction is committed with the step, and rolled back when the handler raises; use "
    "savepoints for parts of it"
)
"""What a handler is told that wants to end it."""


class Guest:
    """The store's access inside the application's transaction: it never commits it and never rolls it back.

    ``savepoint`` opens a block whose statements are undone, alone, when it raises.
    """

    def __init__(self, transaction: Transaction, savepoint: Callable[[], AbstractContextManager[None]]) -> None:
        self._transaction = transaction
        self._savepoint = savepoint

    def read(self, *calls: Call) -> list[Rows]:
        return self._transaction.run(*calls)

    def write(self, *calls: Call) -> list[Rows]:
        return self._transaction.run(*calls)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._savepoint():
            yield self._transaction


@contextmanager
def savepoint(execute: Callable[[str], object], failure: type[Exception]) -> Iterator[None]:
    """Undo what the block did when it raises; the transaction around it goes on. ``failure`` is the driver's error.

    Where the transaction is lost as a whole (a broken connection, a full disk), the block's own error is what is told.
    """
    execute(SAVEPOINT)
    try:
        yield
    except BaseException:
        with suppress(failure):
            execute(ROLL_BACK)
            execute(RELEASE)
        raise
    execute(RELEASE)


@contextmanager
def driver_connection(given: Any) -> Iterator[object]:
    """The driver's connection: ``given`` itself, or the one beneath SQLAlchemy's Session or Connection.

    SQLAlchemy only commits what it knows of, so its transaction is begun where none is; an error ends that again.
    """
    if hasattr(given, "sync_connection") or hasattr(given, "sync_session"):
        raise unfit("an asynchronous connection can't be shared with Tasker; give a synchronous one", given)
    begun: Any = None
    if callable(of_session := getattr(given, "connection", None)):
        if inspect.iscoroutinefunction(of_session):
            raise unfit("an asynchronous session can't be shared with Tasker; give a synchronous one", given)
        try:
            given = of_session()
        except Exception as error:
            raise unfit(f"the session has no usable connection ({error})", given) from error
    elif hasattr(getattr(given, "connection", None), "driver_connection") and not given.in_transaction():
        if not hasattr(given, "commit"):
            raise unfit("no transaction is open; begin one: with connection.begin()", given)
        begun = given.begin()
    try:
        pooled = getattr(given, "connection", given)
        yield getattr(pooled, "driver_connection", pooled)
    except BaseException:
        if begun is not None:
            begun.rollback()
        raise


def unfit(why: str, given: object) -> InvalidRequestError:
    """The error for a connection that Tasker can't write on."""
    kind = type(given)
    return InvalidRequestError(f"connection ({kind.__module__}.{kind.__qualname__}): {why}", field="connection")
