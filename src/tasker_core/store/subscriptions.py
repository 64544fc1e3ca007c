"""Subscriptions to durable events in the store: who is given what, how far they are, and who delivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasker_core.store.database import Access, Call, as_json
from tasker_core.words import JsonText, Micros

SUBSCRIBER, WEBHOOK = "subscriber", "webhook"
ACTIVE, PAUSED, DISABLED = "active", "paused", "disabled"
DELIVERIES_KEPT = 1_000
"""Entries of the log that are kept for each webhook."""


class SubscriptionRow(NamedTuple):
    id: str
    kind: str
    name: str
    state: str
    patterns: JsonText
    namespace: str
    url: str
    secret: str
    position: int
    delivered: int
    tries: int
    failing_since: Micros
    next_at: Micros
    error: str
    holder: str
    held_until: Micros
    created_at: Micros
    updated_at: Micros


class NewSubscription(NamedTuple):
    """A subscription that begins after ``position``, None for the last event there is."""

    id: str
    kind: str
    name: str
    patterns: Sequence[str]
    namespace: str = ""
    url: str = ""
    secret: str = ""
    position: int | None = None


class Delivery(NamedTuple):
    """One try to deliver an event. ``status`` is HTTP's, 0 where there was no answer; ``took`` is in microseconds."""

    number: int
    event: str
    name: str
    tried: int
    at: Micros
    took: Micros
    status: int
    error: str


class DeliveryRow(NamedTuple):
    id: int
    number: int
    event: str
    name: str
    tried: int
    at: Micros
    took: Micros
    status: int
    error: str


class Subscriptions:
    """What can be said about subscriptions."""

    def __init__(self, database: Access) -> None:
        self._database = database

    def add(self, new: NewSubscription, now: Micros) -> str | None:
        """The id of the subscription of this name; None if there is a webhook of it already."""
        said = {**new._asdict(), "patterns": as_json(list(new.patterns)), "now": now}
        (rows,) = self._database.write(Call("insert_subscription", said))
        return str(rows[0][0]) if rows else None

    def of(self, kind: str) -> list[SubscriptionRow]:
        (rows,) = self._database.read(Call("subscriptions_of", {"kind": kind}))
        return [SubscriptionRow(*row) for row in rows]

    def find(self, subscription: str) -> SubscriptionRow | None:
        (rows,) = self._database.read(Call("subscription_by_id", {"id": subscription}))
        return SubscriptionRow(*rows[0]) if rows else None

    def due(self, now: Micros) -> list[str]:
        """The ids of webhooks to which something is to be delivered now."""
        (rows,) = self._database.read(Call("due_webhooks", {"now": now}))
        return [row[0] for row in rows]

    def hold(
        self, subscription: str, holder: str, now: Micros, until: Micros, dead: str | None = None
    ) -> SubscriptionRow | None:
        """Be the one who delivers; None while another one is, but for one that is ``dead``, or its time hasn't come."""
        asked = {"id": subscription, "holder": holder, "now": now, "until": until, "dead": dead or holder}
        (rows,) = self._database.write(Call("hold_subscription", asked))
        return SubscriptionRow(*rows[0]) if rows else None

    def renew(self, holder: str, now: Micros, until: Micros) -> None:
        """Go on holding what ``holder`` holds."""
        self._database.write(Call("renew_subscriptions", {"holder": holder, "now": now, "until": until}))

    def advance(
        self,
        held: SubscriptionRow,
        position: int,
        delivered: int,
        now: Micros,
        until: Micros,
        log: Delivery | None = None,
    ) -> SubscriptionRow | None:
        """Be done with the events up to ``position``; what is held then, None when it is held no more."""
        said = {
            "id": held.id, "holder": held.holder, "was": held.position, "position": position, "delivered": delivered,
            "now": now, "until": until,
        }  # fmt: skip
        rows, *_ = self._database.write(Call("advance_subscription", said), *_log_calls(held.id, log))
        return held._replace(position=position, tries=0, failing_since=0) if rows else None

    def postpone(
        self,
        held: SubscriptionRow,
        next_at: Micros,
        error: str,
        now: Micros,
        *,
        ends: bool,
        log: Delivery | None = None,
    ) -> None:
        """Try again at ``next_at``; with ``ends`` not before an operator says so."""
        said = {
            "id": held.id, "holder": held.holder, "was": held.position, "tries": held.tries + 1,
            "since": held.failing_since or now, "next_at": next_at, "error": error,
            "state": DISABLED if ends else ACTIVE, "now": now,
        }  # fmt: skip
        self._database.write(Call("postpone_subscription", said), *_log_calls(held.id, log))

    def release(self, held: SubscriptionRow) -> None:
        """Let others deliver."""
        self._database.write(Call("release_subscription", {"id": held.id, "holder": held.holder}))

    def change(
        self, subscription: str, now: Micros, *, state: str | None = None, position: int | None = None,
        patterns: Sequence[str] | None = None, url: str | None = None, secret: str | None = None,
        namespace: str | None = None,
    ) -> bool:  # fmt: skip
        """Change what is given, and try at once; False when there is no such subscription."""
        said = {
            "id": subscription, "now": now, "state": state, "position": position, "url": url, "secret": secret,
            "namespace": namespace, "patterns": None if patterns is None else as_json(list(patterns)),
        }  # fmt: skip
        (rows,) = self._database.write(Call("change_subscription", said))
        return bool(rows)

    def drop(self, subscription: str) -> bool:
        """End a subscription, and forget its log; False when there is no such subscription."""
        said = {"id": subscription}
        rows, _ = self._database.write(Call("drop_subscription", said), Call("drop_deliveries", said))
        return bool(rows)

    def deliveries(self, subscription: str, before: int, most: int) -> list[DeliveryRow]:
        """The log of a webhook before an entry, the latest first."""
        (rows,) = self._database.read(Call("deliveries_of", {"id": subscription, "before": before, "most": most}))
        return [DeliveryRow(*row) for row in rows]


def _log_calls(subscription: str, log: Delivery | None) -> list[Call]:
    if log is None:
        return []
    said = {**log._asdict(), "id": subscription, "try": log.tried}
    calls = [Call("insert_delivery", said)]
    if log.number % 50 == 0 or log.tried > 1:
        calls.append(Call("drop_old_deliveries", {"id": subscription, "kept": DELIVERIES_KEPT}))
    return calls
