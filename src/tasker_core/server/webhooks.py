"""Delivers events to webhooks: signed, in order for each, and a dead one doesn't hold up the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from urllib.parse import urlsplit

import httpx

from tasker_core.clock import SECOND
from tasker_core.engine import Engine
from tasker_core.engine.courier import HOLD, Answer, Courier, Patience
from tasker_core.engine.events import Told
from tasker_core.engine.subscriptions import key_of
from tasker_core.engine.watch import Watch
from tasker_core.errors import InvalidRequestError, StoreError
from tasker_core.server.auth.addresses import is_private, resolved
from tasker_core.server.body import to_bytes
from tasker_core.store.subscriptions import WEBHOOK, SubscriptionRow
from tasker_core.version import VERSION

log = logging.getLogger("tasker.events")

AT_ONCE = 8
"""Webhooks that are delivered to at the same time."""
ANSWER_WITHIN = 10.0
REST, REST_WITHOUT = 0.5, 2.0
"""Seconds between two looks for something to deliver; the second, while there are no webhooks."""
BREATH = 0.02
"""Seconds that it rests in any case: under load something is published all the time."""
DAY = 86_400 * SECOND
PATIENCE = Patience(first=SECOND, longest=3_600 * SECOND, ends_after=5 * DAY)
LONGEST_WAIT = 3_600
"""Seconds that a webhook may ask for with Retry-After."""
MOST_PAGES = 20
"""Pages that are delivered to one webhook before others get its thread."""


class Webhooks:
    """A server's deliveries. Each webhook is delivered to by one process at a time, whichever is first.

    ``private`` allows addresses inside a network.
    """

    def __init__(self, engine: Engine, *, private: bool) -> None:
        self._engine, self._private = engine, private
        self._courier = Courier(engine.store, engine.events, engine.clock, engine.ids, to="webhook", patience=PATIENCE)
        self._over = threading.Event()
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watch: Watch | None = None

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(
            timeout=ANSWER_WITHIN, follow_redirects=False, trust_env=False,
            headers={"User-Agent": f"Tasker/{VERSION}", "Content-Type": "application/json"},
        )  # fmt: skip

    def start(self) -> None:
        """Begin to deliver."""
        self._watch = Watch(self._engine.wake, self._engine.store.database)
        self._thread = threading.Thread(target=self._run, name="tasker-webhooks", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look at once: a webhook was made or changed."""
        if self._watch is not None:
            self._watch.ring()

    def stop(self) -> None:
        """Begin no other delivery, and wait for those under way."""
        self._over.set()
        self._courier.stop()
        self.look()
        if self._thread is not None:
            self._thread.join()
        if "_http" in self.__dict__:
            self._http.close()

    def _run(self) -> None:
        assert self._watch is not None
        renewed = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE, "tasker-webhook") as pool:
            while not self._over.is_set():
                any_there = False
                try:
                    if any_there := bool(self._engine.store.subscriptions.of(WEBHOOK)):
                        self._engine.events.last()
                        for webhook in self._engine.store.subscriptions.due(self._engine.clock.now()):
                            self._begin(pool, webhook)
                    if time.monotonic() - renewed > HOLD / SECOND / 3:
                        renewed = time.monotonic()
                        self._courier.renew()
                except StoreError as error:
                    log.warning("webhooks can't be looked at: %s", error)
                except Exception:
                    log.exception("webhooks can't be looked at")
                if not self._over.wait(BREATH):
                    self._watch.wait(REST if any_there else REST_WITHOUT, looks=any_there)
        self._watch.close()

    def _begin(self, pool: ThreadPoolExecutor, webhook: str) -> None:
        with self._lock:
            if webhook in self._running or len(self._running) >= AT_ONCE:
                return
            self._running.add(webhook)
        pool.submit(self._deliver_to, webhook)

    def _deliver_to(self, webhook: str) -> None:
        try:
            for _ in range(MOST_PAGES):
                if not self._courier.turn(webhook, self._deliver):
                    break
        except StoreError as error:
            log.warning("events can't be delivered to webhook %s: %s", webhook, error)
        except Exception:
            log.exception("events can't be delivered to webhook %s", webhook)
        finally:
            with self._lock:
                self._running.discard(webhook)
            # A place is free now: whoever waits for one is looked at.
            self.look()

    def _deliver(self, webhook: SubscriptionRow, event: Told) -> Answer:
        began = time.monotonic()
        try:
            self._refuse_private(webhook.url)
            status, after = self._post(webhook, event)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, InvalidRequestError, ValueError) as error:
            return Answer(f"{type(error).__name__}: {error}".rstrip(": "), took=_since(began))
        if 200 <= status < 300:
            return Answer(status=status, took=_since(began))
        return Answer(f"answered {status}", status, _since(began), after)

    def _post(self, webhook: SubscriptionRow, event: Told) -> tuple[int, int | None]:
        body = to_bytes(event.envelope)
        headers = signed(key_of(webhook.secret), str(event.envelope["event_id"]), int(time.time()), body)
        headers["Tasker-Sequence"] = str(event.number)
        with self._http.stream("POST", webhook.url, content=body, headers=headers) as answer:
            # What it says beyond its status isn't read: it could be endless.
            return answer.status_code, _retry_after(answer)

    def _refuse_private(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if not self._private and (found := [each for each in resolved(host) if is_private(each)]):
            said = f"{host} is {found[0]}, an address inside a network; see server.webhooks_to_private_addresses"
            raise InvalidRequestError(said, field="url")


def signed(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery, as Standard Webhooks has them.

    >>> headers = signed(b"k" * 24, "msg_1", 1_800_000_000, b"{}")
    >>> headers["webhook-signature"]
    'v1,/EgSY+8CGRL5gDGVR4Lwc1VR68AjgIMS1kZeoRoC5MI='
    """
    said = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def _retry_after(answer: httpx.Response) -> int | None:
    """In microseconds."""
    seconds = answer.headers.get("Retry-After", "")
    if answer.status_code in (429, 503) and seconds.isdigit() and len(seconds) < 10:
        return min(int(seconds), LONGEST_WAIT) * SECOND
    return None


def _since(began: float) -> int:
    return round((time.monotonic() - began) * SECOND)
