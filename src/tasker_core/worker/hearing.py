"""The subscribers of a worker's process: fast events by a poller, durable ones by their subscriptions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from tasker_core.clock import SECOND
from tasker_core.domain_events import BaseSubscriber, InProcessDomainEventPoller, SubscriberRegistry
from tasker_core.engine import Engine
from tasker_core.engine.courier import HOLD, Answer, Courier, Patience
from tasker_core.engine.events import Told
from tasker_core.engine.watch import Watch
from tasker_core.errors import InvalidRequestError, StoreError
from tasker_core.store.subscriptions import ACTIVE, SubscriptionRow

log = logging.getLogger("tasker.events")

LOOK_AGAIN = 1.0
"""Seconds after which a subscription is looked at though nothing seems to have happened: its retry may be due."""
SAVE_EVERY = SECOND // 5
"""The place of a subscription is written down so often: after a crash, this much is delivered again."""
STOP_WITHIN = 5.0
PATIENCE = Patience(SECOND, 300 * SECOND)


class Hearing:
    """Starts what the registered subscribers need: nothing where there are none.

    Durable ones read the store: without an ``engine`` there can be none. Raises InvalidRequestError for a durable
    subscription that can't be.
    """

    def __init__(self, engine: Engine | None) -> None:
        self._poller: InProcessDomainEventPoller | None = None
        self._over = threading.Event()
        self._watches: list[Watch] = []
        self._threads: list[threading.Thread] = []
        self._durable: list[tuple[BaseSubscriber, str]] = []
        durable = SubscriberRegistry.instance().durable()
        if engine is None:
            if durable:
                names = ", ".join(subscriber.durable_name for subscriber in durable)
                raise InvalidRequestError(
                    f"durable subscribers read the store, and a worker over HTTP has none: {names}. Run them in a "
                    "worker with database_url, or give their events to a webhook",
                    field="url",
                )
            return
        self._engine = engine
        self._courier = Courier(
            engine.store, engine.events, engine.clock, engine.ids, to="subscriber",
            patience=PATIENCE, save_every=SAVE_EVERY,
        )  # fmt: skip
        for subscriber in durable:
            subscription = engine.subscriptions.subscribe(
                subscriber.durable_name, subscriber.subscribes_to(), from_beginning=subscriber.from_beginning
            )
            self._durable.append((subscriber, subscription))

    def start(self) -> None:
        """Begin to deliver."""
        registry = SubscriberRegistry.instance()
        if registry.hears_this_process():
            self._poller = InProcessDomainEventPoller()
            self._poller.start()
            registry.start_all(self._poller)
        for subscriber, subscription in self._durable:
            name = f"tasker-subscriber {subscriber.durable_name}"
            self._begin(name, self._deliver_for_ever, subscriber, subscription)
        if self._durable:
            self._begin("tasker-subscribers", self._hold_for_ever)

    def stop(self) -> None:
        """Let what is being handled end, within a few seconds."""
        self._over.set()
        if self._durable:
            self._courier.stop()
        for watch in self._watches:
            watch.ring()
        for thread in self._threads:
            thread.join(STOP_WITHIN)
        if self._poller is not None:
            poller, self._poller = self._poller, None
            poller.stop()

    def _begin(self, name: str, run: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=run, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _deliver_for_ever(self, subscriber: BaseSubscriber, subscription: str) -> None:
        engine = self._engine
        watch = Watch(engine.wake, engine.store.database)
        self._watches.append(watch)

        def deliver(_: SubscriptionRow, event: Told) -> Answer:
            error = subscriber.take_delivery(event.envelope)
            return Answer(f"{type(error).__name__}: {error}" if error is not None else "")

        try:
            while not self._over.is_set():
                try:
                    if self._is_due(subscription) and self._courier.turn(subscription, deliver):
                        continue
                    watch.wait(LOOK_AGAIN)
                except StoreError as error:
                    log.warning("events can't be delivered to %s: %s", subscriber.durable_name, error)
                    self._over.wait(LOOK_AGAIN)
                except Exception:
                    log.exception("events can't be delivered to %s", subscriber.durable_name)
                    self._over.wait(LOOK_AGAIN)
        finally:
            watch.close()

    def _is_due(self, subscription: str) -> bool:
        row = self._engine.store.subscriptions.find(subscription)
        if row is None or row.state != ACTIVE or row.next_at > self._engine.clock.now():
            return False
        return row.position < self._engine.events.last()

    def _hold_for_ever(self) -> None:
        """A handler may take longer than a silent process is believed to deliver."""
        while not self._over.wait(HOLD / SECOND / 3):
            try:
                self._courier.renew()
            except StoreError as error:
                log.warning("subscriptions can't be held: %s", error)
