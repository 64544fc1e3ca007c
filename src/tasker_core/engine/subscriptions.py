"""Who is given durable events: subscribers in processes, and webhooks. What operators see of them, and change."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tasker_core.clock import Clock, Ids
from tasker_core.engine.events import BEHIND_ALL, Events
from tasker_core.engine.moment import moment
from tasker_core.errors import InvalidRequestError, SubscriptionNotFoundError
from tasker_core.rules.patterns import wrong_with
from tasker_core.store import Store
from tasker_core.store.subscriptions import (
    ACTIVE,
    DISABLED,
    PAUSED,
    SUBSCRIBER,
    WEBHOOK,
    DeliveryRow,
    NewSubscription,
    SubscriptionRow,
)

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
LONGEST_URL, LONGEST_NAME, MOST_PATTERNS = 2_000, 100, 50
NAME = r"^[A-Za-z0-9_.:-]{1,100}$"
_NAME = re.compile(NAME.strip("^$"))


class Subscriptions:
    """Subscriptions of one store. Whoever asks for one that isn't there gets SubscriptionNotFoundError."""

    def __init__(self, store: Store, events: Events, clock: Clock, ids: Ids) -> None:
        self._store, self._events, self._clock, self._ids = store, events, clock, ids

    def subscribe(self, name: str, patterns: Sequence[str], *, from_beginning: bool = False) -> str:
        """The id of the durable subscription of a subscriber, which is made if there is none of this name.

        A new one is given what is published from now on, or everything that is still kept.
        """
        self._check(name, patterns)
        self._events.last()
        new = NewSubscription(
            self._ids.new(), SUBSCRIBER, name, patterns, position=0 if from_beginning else None
        )  # fmt: skip
        made = self._store.subscriptions.add(new, self._clock.now())
        assert made is not None
        return made

    def create_webhook(
        self, name: str, url: str, patterns: Sequence[str] = ("*",), *, namespace: str | None = None,
        secret: str | None = None, from_beginning: bool = False, private: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Make a webhook; the answer shows its ``secret``, which is never shown again.

        ``private`` allows plain HTTP. Raises InvalidRequestError, naming the argument.
        """
        self._check(name, patterns)
        check_url(url, private=private)
        secret = secret or SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()
        key_of(secret)
        self._events.last()
        new = NewSubscription(
            self._ids.new(), WEBHOOK, name, patterns, namespace or "", url, secret, 0 if from_beginning else None
        )
        made = self._store.subscriptions.add(new, self._clock.now())
        if made is None:
            raise InvalidRequestError(f"there is a webhook named {name!r} already", field="name")
        return {**self.get(made, WEBHOOK), "secret": secret}

    def list(self, kind: str) -> list[dict[str, Any]]:
        last = self._events.last()
        return [_view(row, last) for row in self._store.subscriptions.of(kind)]

    def get(self, subscription: str, kind: str) -> dict[str, Any]:
        return _view(self._row(subscription, kind), self._events.last())

    def change(self, subscription: str, kind: str, said: Mapping[str, Any], *, private: bool = False) -> dict[str, Any]:
        """Change what ``said`` names: ``state`` (active, paused), ``position`` (the number of the last event that is
        done with), and of a webhook ``url``, ``events``, ``namespace`` and ``secret``; ``secret`` "new" makes one,
        which the answer shows.
        """
        row = self._row(subscription, kind)
        secret = said.get("secret")
        if secret == "new":
            secret = SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()
        if secret is not None:
            key_of(secret)
        if (state := said.get("state")) not in (None, ACTIVE, PAUSED):
            raise InvalidRequestError(f"state must be {ACTIVE} or {PAUSED}, not {state!r}", field="state")
        if (position := said.get("position")) is not None and not 0 <= position <= (last := self._events.last()):
            raise InvalidRequestError(
                f"position must be from 0 to {last}, the last event; not {position}", field="position"
            )
        if said.get("url") is not None:
            check_url(said["url"], private=private)
        if said.get("events") is not None:
            self._check(row.name, said["events"])
        self._store.subscriptions.change(
            row.id, self._clock.now(), state=state, position=position, patterns=said.get("events"), url=said.get("url"),
            secret=secret, namespace=said.get("namespace"),
        )  # fmt: skip
        shown = {"secret": secret} if said.get("secret") == "new" else {}
        return {**self.get(row.id, kind), **shown}

    def drop(self, subscription: str, kind: str) -> dict[str, Any]:
        """End a subscription and forget its log; what it was."""
        view = self.get(subscription, kind)
        self._store.subscriptions.drop(subscription)
        return view

    def deliveries(self, subscription: str, limit: int, before: int | None = None) -> dict[str, Any]:
        """What became of the latest tries, the latest first."""
        row = self._row(subscription, WEBHOOK)
        found = self._store.subscriptions.deliveries(row.id, before or BEHIND_ALL, limit)
        return {"deliveries": [_tried(each) for each in found], "next": found[-1].id if len(found) == limit else None}

    def _row(self, subscription: str, kind: str) -> SubscriptionRow:
        row = self._store.subscriptions.find(subscription)
        if row is None or row.kind != kind:
            raise SubscriptionNotFoundError(f"there is no {kind} {subscription}")
        return row

    @staticmethod
    def _check(name: str, patterns: Sequence[str]) -> None:
        if not _NAME.fullmatch(name):
            said = f"name must be 1 to {LONGEST_NAME} letters, digits, _, ., : and -; not {name!r:.300}"
            raise InvalidRequestError(said, field="name")
        if not 1 <= len(patterns) <= MOST_PATTERNS:
            raise InvalidRequestError(f"events must be 1 to {MOST_PATTERNS} patterns; * is all", field="events")
        for pattern in patterns:
            if wrong := wrong_with(pattern):
                raise InvalidRequestError(wrong, field="events")


def check_url(url: str, *, private: bool) -> None:
    """Raises InvalidRequestError for what no webhook can be at."""
    wrong = None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequestError(f"url: {error}", field="url") from None
    if len(url) > LONGEST_URL or not url.isascii() or re.search(r"[\x00-\x20\x7f]", url):
        wrong = f"must be at most {LONGEST_URL:,} visible ASCII characters"
    elif parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        wrong = "must be a URL like https://shop.example/hooks"
    elif parts.scheme == "http" and not private:
        wrong = "must begin with https://; where server.webhooks_to_private_addresses is set, http:// will do"
    elif parts.username is not None or parts.password is not None:
        wrong = "must not hold a password; events are signed"
    elif parts.fragment:
        wrong = "must not hold a fragment"
    if wrong:
        raise InvalidRequestError(f"url {wrong}", field="url")


def key_of(secret: str) -> bytes:
    """The key that a secret stands for. Raises InvalidRequestError."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise InvalidRequestError(f"secret must be {SECRET_PREFIX} and 24 to 64 bytes in base64", field="secret")
    return key


def _view(row: SubscriptionRow, last: int) -> dict[str, Any]:
    view = {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "events": json.loads(row.patterns),
        "namespace": row.namespace or None,
        "position": row.position,
        "behind": max(last - row.position, 0),
        "delivered": row.delivered,
        "tries": row.tries,
        "failing_since": moment(row.failing_since),
        "next_try_at": moment(row.next_at),
        "last_error": row.error or None,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }
    return {**view, "url": row.url} if row.kind == WEBHOOK else view


def _tried(row: DeliveryRow) -> dict[str, Any]:
    return {
        "sequence": row.number,
        "event_id": row.event,
        "event_name": row.name,
        "try": row.tried,
        "at": moment(row.at),
        "took_ms": round(row.took / 1_000, 1),
        "status": row.status or None,
        "error": row.error or None,
    }


STATES = (ACTIVE, PAUSED, DISABLED)
