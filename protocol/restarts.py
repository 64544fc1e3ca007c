"""One restart of the server for all cases that want one: the last of them to come sees to it, and all go on."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Restarts:
    """Each of so many ``cases`` calls ``meet`` once, or ``leave`` where it ends before."""

    def __init__(self, cases: int, restart: Callable[[], None]) -> None:
        self._missing, self._restart = cases, restart
        self._changed = threading.Condition()
        self._left = set[str]()
        self._trouble: Exception | None = None
        self._done = False

    def meet(self, case: str) -> None:
        """Returns once the server is there again; raises what went wrong with that."""
        self.leave(case)
        with self._changed:
            self._changed.wait_for(lambda: self._done)
            if self._trouble:
                raise self._trouble

    def leave(self, case: str) -> None:
        with self._changed:
            if case in self._left:
                return
            self._left.add(case)
            self._missing -= 1
            if self._missing:
                return
            try:
                self._restart()
            except Exception as trouble:
                self._trouble = trouble
            self._done = True
            self._changed.notify_all()
