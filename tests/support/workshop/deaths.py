"""A process that dies right before or right after one of its commits.

What speaks to the database is wrapped, not the store: whichever way a transaction is written, it can't slip through.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from tasker_core.store.database import Rows
from tasker_core.store.postgres_loan import PostgresLoan
from tasker_core.store.sqlite_loan import SqliteLoan
from tasker_core.store.wire import Sentence, WireConnection

EXITED = 125
"""The exit status of a process that left by ``os._exit`` instead of a signal."""


def die_at(commit: int, moment: str, kill: bool) -> None:
    """From here on count the commits of every connection of this process, and die ``moment`` the n-th.

    ``moment`` is "before" or "after"; ``kill`` says whether by SIGKILL or by ``os._exit``.
    """
    counter = _Counter(commit, moment, kill)
    _watch_sqlite(counter)
    _watch_postgres(counter)
    _watch_loans(counter)


class _Counter:
    def __init__(self, commit: int, moment: str, kill: bool) -> None:
        self._commit, self._moment, self._kill = commit, moment, kill
        self._seen = itertools.count(1)

    def comes(self) -> bool:
        """A commit comes next; True when it is the one to die at."""
        return next(self._seen) == self._commit

    @property
    def before(self) -> bool:
        return self._moment == "before"

    def die(self) -> None:
        if self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(EXITED)


def _watch_sqlite(counter: _Counter) -> None:
    connect = sqlite3.connect

    class Counting(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql.strip().lower() != "commit" or not counter.comes():
                return super().execute(sql, *values)
            if counter.before:
                counter.die()
            super().execute(sql, *values)
            counter.die()
            raise AssertionError("a dead process goes on")

    def counting(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **{"factory": Counting, **options})
        return connection

    setattr(sqlite3, "connect", counting)  # noqa: B010  # mypy knows it as overloaded


def _watch_loans(counter: _Counter) -> None:
    """Transactions that a handler wrote in."""
    for loan in (SqliteLoan, PostgresLoan):

        def watching(self: Any, commit: Callable[[Any], None] = loan.commit) -> None:
            dies = counter.comes()
            if dies and counter.before:
                counter.die()
            commit(self)
            if dies:
                counter.die()

        setattr(loan, "commit", watching)  # noqa: B010  # mypy refuses to have a method replaced


def _watch_postgres(counter: _Counter) -> None:
    """The server has really done the transaction's work "before", and has really committed it "after"."""
    say = WireConnection.say

    def watching(self: WireConnection, sentences: Sequence[Sentence]) -> list[Rows]:
        if sentences[-1].statement.text != b"commit" or not counter.comes():
            return say(self, sentences)
        if work := sentences[:-1] if counter.before else sentences:
            say(self, work)
        counter.die()
        raise AssertionError("a dead process goes on")

    setattr(WireConnection, "say", watching)  # noqa: B010  # mypy refuses to have a method replaced
