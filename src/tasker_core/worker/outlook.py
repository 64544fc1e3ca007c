"""When a worker looks at the store again: told to, in time, when a retry is due, or when others have committed."""

from __future__ import annotations

import math
import time

from tasker_core.words import Micros
from tasker_core.worker.inbox import Inbox
from tasker_core.worker.transport import Transport

POLL, POLL_IDLE = 0.02, 0.04
"""Seconds between looks at whether another process has committed: of a worker at work, and of one that is idle."""
LOOK_EVERY = 0.1
"""Seconds between looks at what waits in lanes that nobody hinted at: what keeps a busy worker fair."""
LOOK_LEAST, LOOK_LEAST_UNHINTED = 1.0, 0.2
"""Seconds between looks of an idle worker, where hints reach it and where they don't."""


class Outlook:
    """Owned by the worker's loop; other threads only ``hint``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._mark = transport.change_mark()
        self._hinted = True
        self._next_due: Micros | None = None
        self._next_look = 0.0
        self._pause = LOOK_EVERY

    def hint(self) -> None:
        """Something may be ready anywhere."""
        self._hinted = True

    def look_soon(self) -> None:
        """Something may have become due."""
        self._next_look = 0.0

    def is_time(self) -> bool:
        return self._hinted or time.monotonic() >= self._next_look or self.is_due

    @property
    def is_due(self) -> bool:
        """Has the time of a retry come?"""
        return self._next_due is not None and self._next_due <= self._transport.now()

    def begin(self) -> None:
        """What is hinted from now on asks for another look."""
        self._hinted = False

    def end(self, next_due: Micros | None, *, idle: bool) -> None:
        """A look found when the next retry is due. An idle worker looks less and less often."""
        least = LOOK_LEAST if self._transport.hears_hints() else LOOK_LEAST_UNHINTED
        self._pause = min(2 * self._pause, least) if idle else LOOK_EVERY
        self._next_due = next_due
        self._next_look = time.monotonic() + self._pause

    def until_look(self) -> float:
        """Seconds until it is time to look without a hint."""
        return max(self._next_look - time.monotonic(), 0.0)

    def until_due(self) -> float:
        """Seconds until the time of the next retry comes; infinite where none is known."""
        return math.inf if self._next_due is None else max((self._next_due - self._transport.now()) / 1e6, 0.0)

    def wait(self, inbox: Inbox, most: float) -> bool:
        """Sleep until something was left or rung in ``inbox``, and return True, or until it is time to look around, at
        the latest after ``most`` seconds."""
        until = time.monotonic() + most
        poll = POLL_IDLE if self._pause >= LOOK_LEAST else POLL
        while (left := until - time.monotonic()) > 0:
            if inbox.wait(min(poll, left) if self._can_notice else left):
                return True
            self._notice_other_processes()
            if self._hinted:
                break
        return False

    @property
    def _can_notice(self) -> bool:
        """Does the database tell without a question that another process has committed?"""
        return self._mark != -1

    def _notice_other_processes(self) -> None:
        mark = self._transport.change_mark()
        if mark != self._mark:
            self._mark = mark
            self._hinted = True
