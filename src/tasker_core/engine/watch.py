"""Waits for domain events: rung at once by this process, noticed by looking where another one published them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tasker_core.engine.wake import Wake
from tasker_core.store.database import Database

LOOK = 0.05
"""Seconds between two looks whether a file has changed, which cost next to nothing."""
ASK = 0.2
"""Seconds after which a database that can't be looked at like that is asked."""


class Watch:
    """One thread's wait for events. ``close`` it."""

    def __init__(self, wake: Wake, database: Database) -> None:
        self._bell, self._database = threading.Event(), database
        self._mark: int | None = None
        self._end: Callable[[], None] = wake.read(self._bell.set)

    def wait(self, seconds: float, *, looks: bool = True) -> None:
        """Return when there may be something new, or after ``seconds``; unless it ``looks``, only when it is rung for.

        A ring that came before this call counts.
        """
        deadline = time.monotonic() + seconds
        while not self._bell.is_set() and (left := deadline - time.monotonic()) > 0:
            if not looks:
                self._bell.wait(left)
                continue
            mark = self._database.change_mark()
            if mark == -1:
                self._bell.wait(min(left, ASK))
                break
            if mark != self._mark:
                self._mark = mark
                break
            self._bell.wait(min(left, LOOK))
        self._bell.clear()

    def ring(self) -> None:
        """Have the wait end; from any thread."""
        self._bell.set()

    def close(self) -> None:
        self._end()
