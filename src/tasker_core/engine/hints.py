"""Hints between processes, where the database can carry them: coalesced, and never needed for correctness."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping

from tasker_core.errors import StoreError
from tasker_core.forks import renew_in_children
from tasker_core.store.database import Database

log = logging.getLogger("tasker.engine")

COALESCE = 0.02
"""Seconds between two hints of one process: the first goes at once, what comes meanwhile shares the next."""
LARGEST_HINT = 7_900
"""Bytes; PostgreSQL takes 8,000."""
RECONNECT_AFTER = 1.0


class Hints:
    """Sends this process's hints and hears those of others. Threads are made on first use.

    ``me`` names this process. ``hear`` is called with the lanes of a hint (lane -> rank of the first step), or with
    None for "look everywhere".
    """

    def __init__(self, database: Database, me: str, hear: Callable[[Mapping[str, int] | None], None]) -> None:
        self._database, self._process, self._hear = database, me, hear
        self.begin_anew()
        renew_in_children(self)

    def begin_anew(self) -> None:
        """Nothing sent, nobody listening: the threads of a parent don't run in its child."""
        self._me = f"{self._process} {os.getpid()}"
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._over = threading.Event()
        self._pending: dict[str, int] = {}
        self._look = False
        self._threads: list[threading.Thread] = []
        self.is_heard = False
        """Whether a connection listens at this moment."""

    def send(self, lanes: Mapping[str, int] | None) -> None:
        """Tell other processes that steps became ready in ``lanes``, or anywhere."""
        with self._lock:
            if lanes is None:
                self._look = True
            else:
                for lane, rank in lanes.items():
                    self._pending[lane] = min(rank, self._pending.get(lane, rank))
            self._start("tasker-hints-out", self._send_for_ever)
        self._bell.set()

    def listen(self) -> None:
        """Begin to hear."""
        if self._database.can_hint:
            with self._lock:
                self._start("tasker-hints-in", self._listen_for_ever)

    def stop(self) -> None:
        self._over.set()
        self._bell.set()

    def _start(self, name: str, run: Callable[[], None]) -> None:
        if not any(thread.name == name for thread in self._threads):
            thread = threading.Thread(target=run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _send_for_ever(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            # Asked after the bell was cleared, so that the last ring of all can't be missed.
            if self._over.is_set():
                return
            with self._lock:
                lanes: Mapping[str, int] | None = None if self._look else self._pending
                self._pending, self._look = {}, False
            payload = json.dumps([self._me, lanes])
            if len(payload) > LARGEST_HINT:
                payload = json.dumps([self._me, None])
            try:
                self._database.hint(payload)
            except StoreError as error:
                log.debug("a hint was lost: %s", error)
            self._over.wait(COALESCE)

    def _listen_for_ever(self) -> None:
        while not self._over.is_set():
            try:
                self.is_heard = self._database.hears()
                self._database.listen(self._heard, self._over)
                return
            except StoreError as error:
                log.info("hints can't be heard, polling goes on: %s", error)
            finally:
                self.is_heard = False
            self._over.wait(RECONNECT_AFTER)
            self._hear(None)

    def _heard(self, payload: str) -> None:
        try:
            sender, lanes = json.loads(payload)
        except ValueError:
            return
        if sender != self._me:
            self._hear(lanes)
