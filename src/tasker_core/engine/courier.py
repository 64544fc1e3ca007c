"""Delivers durable events to one subscription after another's place: at least once, in order, one process at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import NamedTuple

from tasker_core.clock import SECOND, Clock, Ids
from tasker_core.engine.events import Asked, Events, Told
from tasker_core.engine.processes import ProcessId, is_alive, is_here, this_process
from tasker_core.store import Store
from tasker_core.store.subscriptions import ACTIVE, Delivery, SubscriptionRow
from tasker_core.telemetry import metrics
from tasker_core.words import Micros

log = logging.getLogger("tasker.events")

HOLD: Micros = 30 * SECOND
"""For how long a process that says nothing is believed to deliver."""
PAGE = 25
LONGEST_ERROR = 1_000


class Answer(NamedTuple):
    """What became of one delivery: ``error`` is "" when it arrived. ``again_after`` is asked for by the other side."""

    error: str = ""
    status: int = 0
    took: Micros = 0
    again_after: Micros | None = None


class Patience(NamedTuple):
    """How long to wait after failures in a row, from ``first``, twice as long each time, up to ``longest``; after
    ``ends_after`` of failing nothing more is tried until an operator says so. None: for ever."""

    first: Micros = SECOND
    longest: Micros = 300 * SECOND
    ends_after: Micros | None = None

    def wait(self, tries: int) -> Micros:
        """The wait after the failure number ``tries``, from 1."""
        return min(self.first << min(tries - 1, 30), self.longest)


class Courier:
    """Delivers in the name of one process. ``save_every`` is after how much work the place is written down."""

    def __init__(
        self,
        store: Store,
        events: Events,
        clock: Clock,
        ids: Ids,
        *,
        to: str,
        patience: Patience,
        save_every: Micros = 0,
    ) -> None:
        self._store, self._events, self._clock = store, events, clock
        self._holder = f"{this_process()}/courier {ids.new()}"
        self._to, self._patience, self._save_every = to, patience, save_every
        self._stopping = False

    def stop(self) -> None:
        """Begin no other delivery."""
        self._stopping = True

    def renew(self) -> None:
        """Say that what is held is still being delivered."""
        now = self._clock.now()
        self._store.subscriptions.renew(self._holder, now, now + HOLD)

    def turn(self, subscription: str, deliver: Callable[[SubscriptionRow, Told], Answer]) -> bool:
        """Deliver a page of what follows; whether there may be more to do at once."""
        held = self._hold(subscription)
        if held is None:
            return False
        try:
            asked = Asked(namespace=held.namespace or None, patterns=json.loads(held.patterns))
            page, reached = self._events.after(held.position, PAGE, asked)
            return self._deliver(held, page, reached, deliver)
        finally:
            self._store.subscriptions.release(held)

    def _hold(self, subscription: str) -> SubscriptionRow | None:
        now, subscriptions = self._clock.now(), self._store.subscriptions
        if (held := subscriptions.hold(subscription, self._holder, now, now + HOLD)) is not None:
            return held
        row = subscriptions.find(subscription)
        if row is None or row.state != ACTIVE or row.next_at > now:
            return None
        process = ProcessId.parse(row.holder.partition("/courier ")[0])
        if process is None or not is_here(process) or is_alive(process):
            return None
        return subscriptions.hold(subscription, self._holder, now, now + HOLD, dead=row.holder)

    def _deliver(
        self, held: SubscriptionRow, page: list[Told], reached: int, deliver: Callable[[SubscriptionRow, Told], Answer]
    ) -> bool:
        place, done, saved_at = held.position, 0, self._clock.monotonic()
        standing = held
        for event in page:
            if self._stopping:
                break
            began = self._clock.now()
            answer = deliver(held, event)
            metrics.EVENTS_DISPATCHED.add(self._to, "false" if answer.error else "true")
            entry = _entry(standing, event, answer, began) if held.url else None
            if answer.error:
                saved = self._save(standing, place, done) if done else standing
                if saved is None:
                    return False
                self._postpone(saved, event, answer, entry)
                return False
            place, done = event.number, done + 1
            if self._clock.monotonic() - saved_at >= self._save_every:
                if (saved := self._save(standing, place, done, entry)) is None:
                    return False
                standing = saved
                done, saved_at = 0, self._clock.monotonic()
        else:
            place = reached
        if place > standing.position and self._save(standing, place, done) is None:
            return False
        return reached > held.position and not self._stopping

    def _save(
        self, held: SubscriptionRow, place: int, done: int, entry: Delivery | None = None
    ) -> SubscriptionRow | None:
        now = self._clock.now()
        return self._store.subscriptions.advance(held, place, done, now, now + HOLD, entry)

    def _postpone(self, held: SubscriptionRow, event: Told, answer: Answer, entry: Delivery | None) -> None:
        now, patience = self._clock.now(), self._patience
        wait = max(patience.wait(held.tries + 1), answer.again_after or 0)
        ends = (
            patience.ends_after is not None
            and bool(held.failing_since)
            and now - held.failing_since > patience.ends_after
        )
        log.log(
            logging.ERROR if ends else logging.WARNING,
            "event %d, %s, can't be delivered to %s %s (try %d): %s; %s",
            event.number, event.name, held.kind, held.name, held.tries + 1, answer.error,
            "it is disabled until an operator enables it" if ends else f"again in {wait / SECOND:.0f} s",
        )  # fmt: skip
        self._store.subscriptions.postpone(held, now + wait, answer.error[:LONGEST_ERROR], now, ends=ends, log=entry)


def _entry(held: SubscriptionRow, event: Told, answer: Answer, at: Micros) -> Delivery:
    return Delivery(
        event.number,
        str(event.envelope["event_id"]),
        event.name,
        held.tries + 1,
        at,
        answer.took,
        answer.status,
        answer.error[:LONGEST_ERROR],
    )
