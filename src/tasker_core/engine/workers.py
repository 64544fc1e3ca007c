"""Workers as operators see them: which are there, and the word that has one take no more."""

from __future__ import annotations

import logging
from typing import Any

from tasker_core.engine.board import Board
from tasker_core.errors import WorkerNotFoundError
from tasker_core.store import Store
from tasker_core.words import Word

log = logging.getLogger("tasker.engine")


class Workers:
    """Those that are live or draining. All verbs raise WorkerNotFoundError for any other."""

    def __init__(self, store: Store, board: Board) -> None:
        self._store, self._board = store, board

    def one(self, worker: str) -> dict[str, Any]:
        """The worker with this UUID, as the board shows it."""
        for each in self._board.workers():
            if str(each["worker_uuid"]) == worker:
                return each
        raise WorkerNotFoundError(f"no worker {worker} is there")

    def drain(self, worker: str, word: Word) -> dict[str, Any]:
        """Have a worker finish what it runs and take no more; once this returns, no claim of it commits.

        What it took and hasn't begun it gives back with its next beat. One that drains already goes on with it.
        """
        view = self.one(worker)
        if self._store.workers.have_drained(worker, word.actor, word.reason):
            log.info("worker %s is drained by %s: %s", view["name"], word.actor, word.reason or "no reason given")
        return self.one(worker)
