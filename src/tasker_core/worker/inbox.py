"""Where handlers' outcomes wait to be settled: those that arrive while a commit is under way share the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from tasker_core.words import Report


class Inbox:
    """A queue of reports with one reader, that hints can wake as well."""

    def __init__(self) -> None:
        self._reports: deque[Report] = deque()
        self._bell = threading.Event()

    def put(self, report: Report) -> None:
        """Leave a report; ``ring`` tells the reader of it."""
        self._reports.append(report)

    def put_back(self, reports: Sequence[Report]) -> None:
        """Reports that couldn't be handed in, for the next try."""
        self._reports.extendleft(reversed(reports))

    def ring(self) -> None:
        """Wake the reader."""
        if not self._bell.is_set():
            self._bell.set()

    def wait(self, seconds: float) -> bool:
        """Return when something arrived or a bell rang, or False when ``seconds`` have passed."""
        rang = bool(self._reports) or self._bell.wait(seconds)
        self._bell.clear()
        return rang

    def take(self, most: int) -> list[Report]:
        """What is there, at most ``most``."""
        taken: list[Report] = []
        while len(taken) < most:
            try:
                taken.append(self._reports.popleft())
            except IndexError:
                break
        return taken

    def __len__(self) -> int:
        return len(self._reports)
