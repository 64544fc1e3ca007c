"""A process that dies right before or right after one of its commits.

The drivers are wrapped, not the store: whichever way a transaction is written, it can't slip through.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
from typing import Any

import psycopg

EXITED = 125
"""The exit status of a process that left by ``os._exit`` instead of a signal."""


def die_at(commit: int, moment: str, kill: bool) -> None:
    """From here on count the commits of every connection of this process, and die ``moment`` the n-th.

    ``moment`` is "before" or "after"; ``kill`` says whether by SIGKILL or by ``os._exit``.
    """
    counter = _Counter(commit, moment, kill)
    _watch_sqlite(counter)
    _watch_postgres(counter)


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


def _watch_postgres(counter: _Counter) -> None:
    """Reading transactions end with a commit as well, but nothing can be lost there: they aren't counted.

    A pipeline holds statements back. Entering another one inside it sends them and awaits their answers, so that the
    server has really done the transaction's work "before", and has really committed it "after".
    """
    execute = psycopg.Connection.execute
    reading: set[int] = set()

    def watching(self: psycopg.Connection[Any], query: Any, *values: Any, **options: Any) -> psycopg.Cursor[Any]:
        text = query.strip().lower() if isinstance(query, str) else ""
        if text.startswith("begin"):
            (reading.add if text.endswith("read only") else reading.discard)(id(self))
        if text != "commit" or id(self) in reading or not counter.comes():
            return execute(self, query, *values, **options)
        if not counter.before:
            execute(self, query, *values, **options)
        with self.pipeline():
            pass
        counter.die()
        raise AssertionError("a dead process goes on")

    setattr(psycopg.Connection, "execute", watching)  # noqa: B010  # mypy knows it as overloaded
