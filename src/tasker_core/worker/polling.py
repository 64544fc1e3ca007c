"""The long poll of a worker over HTTP: it waits at the server for steps while there is room and nothing is reported."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence

from tasker_core.errors import ClientError
from tasker_core.words import ClaimRequest, Lease

log = logging.getLogger("tasker.worker")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
LOOK_AGAIN = 0.02
"""Seconds between looks whether there is something to ask for: a report, which claims too, comes first."""


class Poll(threading.Thread):
    """``wish`` says what to ask for, if anything; ``ask`` asks for it; ``take`` is given what came."""

    def __init__(
        self,
        wish: Callable[[], ClaimRequest | None],
        ask: Callable[[ClaimRequest], Sequence[Lease]],
        take: Callable[[Sequence[Lease]], None],
    ) -> None:
        super().__init__(name="tasker-poll", daemon=True)
        self._wish, self._ask, self._take = wish, ask, take
        self._over = False
        self._bell = threading.Event()

    def ring(self) -> None:
        """There may be something to ask for."""
        self._bell.set()

    def stop(self) -> None:
        self._over = True
        self._bell.set()

    def run(self) -> None:
        longest = SHORTEST_PAUSE
        while not self._over:
            self._bell.clear()
            wish = self._wish()
            if wish is None:
                self._bell.wait(LOOK_AGAIN)
                continue
            try:
                leases = self._ask(wish)
                longest = SHORTEST_PAUSE
            except ClientError as error:
                log.warning("steps can't be asked for: %s", error)
                self._bell.wait(max(random.uniform(0, longest), error.retry_after or 0.0))
                longest = min(2 * longest, LONGEST_PAUSE)
                continue
            if leases:
                self._take(leases)
