"""Requeue: have run again what dead letters stand for, one or all of a fault at a rate; send a task to them by hand."""

from __future__ import annotations

import logging
import time
from typing import Any

from tasker_core.clock import SECOND, Clock, Ids
from tasker_core.engine.burying import letter
from tasker_core.engine.counting import count_buried
from tasker_core.engine.letter_view import requeued_view
from tasker_core.engine.operator import Operator
from tasker_core.errors import DeadLetterNotFoundError, InvalidRequestError, TaskNotFoundError, TaskStateError
from tasker_core.rules.fingerprint import Fault
from tasker_core.store import Store
from tasker_core.store.dead_letters import PENDING, DeadLetterRow
from tasker_core.telemetry import metrics
from tasker_core.words import Death, Micros, Word

log = logging.getLogger("tasker.staleness")

PAGE = 100
MOST_AT_ONCE = 1_000
LONGEST_CALL = 10.0
"""Seconds after which a wish to requeue a group is answered with what was done of it so far."""
SLOWEST, FASTEST = 0.001, 10_000.0
MOST_REFUSALS_TOLD = 20


class Requeuer:
    """What was ended or failed runs again through the word ``retry``, and the letter is resolved in that transaction.

    So a process that is killed amid a group has requeued some, each once, and left the others pending.
    """

    def __init__(self, store: Store, operator: Operator, clock: Clock, ids: Ids) -> None:
        self._store, self._operator, self._clock, self._ids = store, operator, clock, ids

    def requeue(self, letter: str, word: Word, *, after: Micros = 0) -> None:
        """Have all failed steps of the letter's task run again, and what was cancelled when it was ended.

        ``after`` so many microseconds; until then they wait as for a retry. Raises DeadLetterNotFoundError,
        TaskStateError for a letter that isn't pending, and where the task has nothing that could run again.
        """
        row = self._store.dead_letters.find(letter)
        if row is None:
            raise DeadLetterNotFoundError(f"there is no dead letter {letter}")
        self._put_back(row, word, after)

    def requeue_alike(
        self, fingerprint: str, word: Word, *, rate: float | None = None, limit: int = MOST_AT_ONCE
    ) -> dict[str, Any]:
        """The same for the pending letters of one fault, the oldest first, at most ``limit`` of them in this call.

        ``rate`` tasks a second run again: each is given its time, behind those that were given theirs before. So this
        returns at once, and the rate holds whatever becomes of the caller. Those that can't be are passed over and
        named. Asked again it goes on with the others. Raises DeadLetterNotFoundError for a fault that no letter has,
        InvalidRequestError.
        """
        gap = _gap(rate)
        if not 1 <= limit <= MOST_AT_ONCE:
            raise InvalidRequestError(f"limit must lie between 1 and {MOST_AT_ONCE:,}, not {limit}", field="limit")
        if not self._store.dead_letters.count_alike(fingerprint) and not self._store.dead_letters.newest(
            {"status": None, "reason": None, "namespace": None, "fingerprint": fingerprint}, 1, 0
        ):
            raise DeadLetterNotFoundError(f"no dead letter has the fingerprint {fingerprint!r}")
        began, first, last, done = time.monotonic(), 0, 0, 0
        refused: list[dict[str, str]] = []
        behind: DeadLetterRow | None = None
        while done < limit and time.monotonic() - began < LONGEST_CALL:
            page = self._store.dead_letters.alike(fingerprint, behind, min(PAGE, limit - done))
            if not page:
                break
            for row in page:
                behind = row
                try:
                    runs_at = self._put_back(row, word._replace(stamp=None), gap=gap)
                except (TaskStateError, TaskNotFoundError, DeadLetterNotFoundError) as error:
                    if len(refused) < MOST_REFUSALS_TOLD:
                        refused.append({"dlq_entry_uuid": str(row.id), "message": str(error)})
                    continue
                first, last, done = first or runs_at, runs_at, done + 1
        left = self._store.dead_letters.count_alike(fingerprint)
        return requeued_view(
            {"requeued": done, "remaining": left, "first_run_at": first, "last_run_at": last, "refused": refused}
        )

    def send(self, task: str, word: Word, wanted: str | None = None) -> str:
        """Write a dead letter about a task by hand, for somebody to look at; the task isn't touched. Its id: ``wanted``
        where that is given, which makes the wish one that may be repeated.

        Raises TaskNotFoundError, TaskStateError for a task that has another one pending.
        """
        row = self._store.tasks.find(task)
        if row is None:
            raise TaskNotFoundError(f"there is no task {task}")
        fault = Fault(row.namespace, row.name, "", Death.MANUAL_DLQ, message=word.reason)
        about = letter(self._ids, row.id, 0, fault, {"reason": word.reason, "by": word.actor})
        about = about._replace(id=wanted or about.id)
        if wanted is not None and (found := self._store.dead_letters.find(wanted)):
            if str(found.task) == task:
                return wanted
            raise InvalidRequestError(f"action_id {wanted} was said of another task already", field="action_id")
        if not self._store.dead_letters.send(about, self._clock.now()):
            text = f"task {task} has a dead letter that is pending; a task has one at most"
            raise TaskStateError(text, state=PENDING)
        count_buried([about])
        return about.id

    def _put_back(self, row: DeadLetterRow, word: Word, after: Micros = 0, gap: Micros = 0) -> Micros:
        """When it may run."""
        reason = f"requeued from dead letter {row.id}" + (f": {word.reason}" if word.reason else "")
        done = self._operator.requeue(str(row.task), str(row.id), word._replace(reason=reason), after, gap)
        if done is None:
            return self._clock.now()
        metrics.TIME_IN_QUEUE.of(row.reason).note(done.waited / 1e6)
        return done.runs_at


def _gap(rate: float | None) -> Micros:
    """The time between two at ``rate`` a second. Raises InvalidRequestError."""
    if rate is None:
        return 0
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not SLOWEST <= rate <= FASTEST:
        raise InvalidRequestError(
            f"rate must be a number of tasks a second between {SLOWEST:g} and {FASTEST:,.0f}, not {rate!r}",
            field="rate",
        )
    return round(SECOND / rate)
