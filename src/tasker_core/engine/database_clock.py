"""The time that counts: the database's, where machines share one."""

from __future__ import annotations

import time
from collections.abc import Callable

from tasker_core.clock import Clock, SystemClock
from tasker_core.store.database import Database
from tasker_core.words import Micros

TRIES = 3
PROMPT: Micros = 20_000
"""An answer that took longer is asked for again: half of what it took is how wrong it may be."""


class DatabaseClock:
    """The database's time: asked now and then (``learn``), carried on by this machine's monotonic clock between.

    ``ask`` gives the database's now in microseconds.
    """

    def __init__(self, ask: Callable[[], Micros | None]) -> None:
        self._ask = ask
        self._ahead: Micros = 0
        self.learn()

    def learn(self) -> None:
        """Ask again. The answer is taken as of the middle of the round trip.

        A process can be suspended in the middle of a question, for minutes: of several answers the quickest counts.
        """
        answers: list[tuple[Micros, Micros]] = []
        while len(answers) < TRIES and (not answers or answers[-1][0] > PROMPT):
            before = self.monotonic()
            now = self._ask()
            took = self.monotonic() - before
            if now is None:
                return
            answers.append((took, now - before - took // 2))
        _, self._ahead = min(answers)

    def now(self) -> Micros:
        return self.monotonic() + self._ahead

    def monotonic(self) -> Micros:
        return time.monotonic_ns() // 1_000

    def offset(self) -> Micros:
        """How far the database's clock is ahead of this machine's."""
        return self.now() - time.time_ns() // 1_000


def clock_of(database: Database) -> Clock:
    """The clock for ``database``: its own where it has one, else this machine's."""
    return SystemClock() if database.dialect == "lite" else DatabaseClock(database.now)
