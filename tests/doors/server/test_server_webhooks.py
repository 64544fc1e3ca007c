"""Webhooks: signed, in order, again until they arrive; a dead one holds up nobody."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasker_core.clock import SECOND
from tasker_core.engine.courier import Patience
from tasker_core.engine.open import close_engine, open_engine
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.events import event, paying
from tests.support.flows import Hands, wish
from tests.support.meddling import meddle
from tests.support.receiver import Receiver, receiving
from tests.support.served import Served, served
from tests.support.workshop import Background, eventually, tasker

__all__ = ["postgres_of_the_suites", "store_url"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.server.webhooks.PATIENCE", Patience(SECOND // 50, SECOND // 10, 60 * SECOND))


@pytest.fixture
def api(store_url: str) -> Iterator[Served]:
    with served(store_url, webhooks_to_private_addresses=True) as running:
        running.engine.catalog.register(paying([event("pay.done"), event("pay.told")]), replace=False)
        yield running


@pytest.fixture
def hands(api: Served) -> Hands:
    return Hands(api.engine)


def always(status: int, headers: dict[str, str] | None = None) -> Callable[[str, int], tuple[int, dict[str, str]]]:
    return lambda *_: (status, headers or {})


def pay(hands: Hands, *numbers: int) -> None:
    for n in numbers:
        hands.engine.create([wish(hands.engine, context={"n": n})])
        hands.play({"pay": lambda lease: {"n": json.loads(lease.context)["n"]}})


def hook(api: Served, receiver: Receiver, name: str = "books", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.post("/v1/webhooks", {"name": name, "url": f"{receiver.url}/{name}", **more})
    return made


def standing(api: Served, webhook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/webhooks/{webhook['id']}")
    return found


def test_an_event_arrives_signed_and_whole(api: Served, hands: Hands, receiver: Receiver) -> None:
    books = hook(api, receiver, events=["pay.d*"])
    pay(hands, 1, 2)
    eventually(lambda: receiver.sequences("/books") == [1, 3])
    first = receiver.delivered[0]
    assert first.is_signed_with(books["secret"]) and not first.is_signed_with("whsec_" + "A" * 44)
    (told,) = api.get("/v1/events", after=0, limit=1)["events"]
    del told["sequence"], told["delivery_mode"]
    assert first.event == told
    assert first.headers["webhook-id"] == told["event_id"]
    assert abs(int(first.headers["webhook-timestamp"]) - time.time()) < 60
    assert first.headers["content-type"] == "application/json"
    shown = eventually(lambda: (s := standing(api, books))["behind"] == 0 and s)
    assert (shown["position"], shown["delivered"], shown["tries"]) == (4, 2, 0)


def test_a_failed_delivery_is_repeated_and_the_order_kept(api: Served, hands: Hands, receiver: Receiver) -> None:
    receiver.answer = lambda _, n: (500 if n <= 3 else 200, {})
    books = hook(api, receiver)
    pay(hands, 1, 2)
    eventually(lambda: receiver.sequences("/books") == [1, 1, 1, 1, 2, 3, 4])
    assert len({each.headers["webhook-id"] for each in receiver.delivered[:4]}) == 1

    def log() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get(f"/v1/webhooks/{books['id']}/deliveries", limit=5)["deliveries"]
        return found

    eventually(lambda: len(log()) == 5 and log()[0]["sequence"] == 4)
    assert [(each["sequence"], each["try"], each["status"], each["error"]) for each in log()] == [
        (4, 1, 200, None), (3, 1, 200, None), (2, 1, 200, None), (1, 4, 200, None), (1, 3, 500, "answered 500")
    ]  # fmt: skip
    more = api.get(f"/v1/webhooks/{books['id']}/deliveries", limit=5)["next"]
    assert len(api.get(f"/v1/webhooks/{books['id']}/deliveries", before=more)["deliveries"]) == 2


def test_a_dead_webhook_doesnt_hold_up_others(api: Served, hands: Hands, receiver: Receiver) -> None:
    gone = api.post("/v1/webhooks", {"name": "gone", "url": "http://127.0.0.1:9/"})
    slow = threading.Event()
    receiver.answer = lambda path, _: (200, {}) if path != "/slow" or slow.wait(10) else (500, {})
    hook(api, receiver, "slow")
    hook(api, receiver, "quick")
    pay(hands, 1, 2)
    try:
        eventually(lambda: receiver.sequences("/quick") == [1, 2, 3, 4])
        assert receiver.sequences("/slow") == [1]
        failing = eventually(lambda: (s := standing(api, gone))["tries"] > 1 and s)
        assert failing["position"] == 0 and "ConnectError" in failing["last_error"]
    finally:
        slow.set()
    eventually(lambda: receiver.sequences("/slow") == [1, 2, 3, 4])


def test_what_refuses_for_too_long_is_disabled_until_somebody_enables_it(
    store_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.server.webhooks.PATIENCE", Patience(SECOND // 50, SECOND // 20, SECOND // 10))
    works = False
    receiver.answer = lambda *_: (200 if works else 302, {"Location": f"{receiver.url}/elsewhere"})
    with served(store_url, webhooks_to_private_addresses=True) as api:
        api.engine.catalog.register(paying([event("pay.done")]), replace=False)
        books = hook(api, receiver)
        pay(Hands(api.engine), 1)
        eventually(lambda: standing(api, books)["state"] == "disabled")
        assert {each.path for each in receiver.delivered} == {"/books"}, "redirects aren't followed"
        works, before = True, len(receiver.delivered)
        pay(Hands(api.engine), 2)
        api.patch(f"/v1/webhooks/{books['id']}", {"state": "active"})
        eventually(lambda: receiver.sequences("/books")[before:] == [1, 2])


def test_a_webhook_may_ask_for_patience(api: Served, hands: Hands, receiver: Receiver) -> None:
    receiver.answer = always(429, {"Retry-After": "3600"})
    books = hook(api, receiver)
    pay(hands, 1)
    waiting = eventually(lambda: (s := standing(api, books))["tries"] and s)
    assert waiting["next_try_at"] > waiting["failing_since"]
    ((wait,),) = meddle(api.engine.store, "select next_at - failing_since from {subscriptions}")
    assert wait >= 3_500 * SECOND
    receiver.answer = always(200)
    api.patch(f"/v1/webhooks/{books['id']}", {"events": ["pay.told"]})
    eventually(lambda: receiver.sequences("/books") == [1, 2])


def test_events_are_delivered_again_or_left_out_by_an_operators_word(
    api: Served, hands: Hands, receiver: Receiver
) -> None:
    books = hook(api, receiver)
    pay(hands, 1, 2)
    eventually(lambda: receiver.sequences("/books") == [1, 2, 3, 4])
    eventually(lambda: standing(api, books)["position"] == 4)
    api.patch(f"/v1/webhooks/{books['id']}", {"position": 2})
    eventually(lambda: receiver.sequences("/books")[4:] == [3, 4])
    api.patch(f"/v1/webhooks/{books['id']}", {"state": "paused"})
    pay(hands, 3, 4)
    api.patch(f"/v1/webhooks/{books['id']}", {"position": 6})
    assert "position" in api.patch(f"/v1/webhooks/{books['id']}", {"position": 99}, 400)["error"]["field"]
    api.patch(f"/v1/webhooks/{books['id']}", {"state": "active"})
    eventually(lambda: receiver.sequences("/books")[6:] == [7, 8])


def test_a_secret_is_shown_once(api: Served, hands: Hands, receiver: Receiver) -> None:
    books = hook(api, receiver)
    secret = books["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    paths = ("/v1/webhooks", f"/v1/webhooks/{books['id']}", f"/v1/webhooks/{books['id']}/deliveries", "/metrics/events")
    assert all(secret not in api.http.get(path).text for path in paths)
    assert "secret" not in api.patch(f"/v1/webhooks/{books['id']}", {"state": "active"})
    fresh = api.patch(f"/v1/webhooks/{books['id']}", {"secret": "new"})["secret"]
    assert fresh != secret
    own = "whsec_" + "QUJD" * 10
    assert "secret" not in api.patch(f"/v1/webhooks/{books['id']}", {"secret": own})
    pay(hands, 1)
    eventually(lambda: receiver.delivered)
    assert receiver.delivered[0].is_signed_with(own)
    assert api.delete(f"/v1/webhooks/{books['id']}")["name"] == "books"
    assert api.get("/v1/webhooks") == []
    assert api.delete(f"/v1/webhooks/{books['id']}", 404)["error"]["details"] == {"resource": "subscription"}


IMPOSSIBLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"url": "ftp://a.example/"}, "url"), ({"url": "https://"}, "url"), ({"url": "https://u:p@a.example/"}, "url"),
    ({"url": "https://shop.example/#a"}, "url"), ({"url": "https://shop.example:99999/"}, "url"),
    ({"url": "https://shop.example/ b"}, "url"), ({"name": "a b"}, "name"), ({"events": []}, "events"),
    ({"events": ["Pay"]}, "events.0"), ({"secret": "whsec_short"}, "secret"), ({"secret": "hunter2"}, "secret"),
    ({"colour": "red"}, "colour"), ({"name": "books"}, "name"),
)  # fmt: skip


def test_what_no_webhook_can_be(api: Served, receiver: Receiver) -> None:
    hook(api, receiver)
    for said, field in IMPOSSIBLE:
        body = {"name": "other", "url": "https://shop.example/hook", **said}
        assert api.post("/v1/webhooks", body, 400)["error"]["field"] == field, said
    assert [each["name"] for each in api.get("/v1/webhooks")] == ["books"]


def test_addresses_inside_the_network_are_refused(store_url: str, receiver: Receiver) -> None:
    with served(store_url) as api:
        api.engine.catalog.register(paying([event("pay.done")]), replace=False)
        refused = api.post("/v1/webhooks", {"name": "books", "url": f"{receiver.url}/books"}, 400)
        assert "https://" in refused["error"]["message"]
        port = receiver.url.rpartition(":")[2]
        books = api.post("/v1/webhooks", {"name": "books", "url": f"https://localhost:{port}/books"})
        pay(Hands(api.engine), 1)
        failing = eventually(lambda: (s := standing(api, books))["tries"] and s)
        assert "an address inside a network" in failing["last_error"]
    assert receiver.delivered == []


def test_a_killed_server_leaves_its_deliveries_to_another(store_url: str, receiver: Receiver, tmp_path: Path) -> None:
    """What was under way is delivered again, the rest once; two servers never deliver to one webhook at a time."""
    if store_url.startswith("postgres"):
        assert tasker("migrate", url=store_url).code == 0
    stuck, at_once, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def answer(_: str, n: int) -> tuple[int, dict[str, str]]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        if n == 3:
            stuck.wait(20)
        with lock:
            at_once -= 1
        return 200, {}

    receiver.answer = answer
    engine = open_engine(store_url)
    try:
        engine.catalog.register(paying([event("pay.done")]), replace=False)
        engine.subscriptions.create_webhook("books", f"{receiver.url}/books", private=True)
        pay(Hands(engine), 1, 2, 3, 4, 5)
        with Background(
            "server",
            "--port",
            "0",
            log=tmp_path / "1.log",
            url=store_url,
            TASKER_SERVER_WEBHOOKS_TO_PRIVATE_ADDRESSES="true",
        ) as first:
            eventually(lambda: receiver.sequences("/books") == [1, 2, 3])
            with Background(
                "server",
                "--port",
                "0",
                log=tmp_path / "2.log",
                url=store_url,
                TASKER_SERVER_WEBHOOKS_TO_PRIVATE_ADDRESSES="true",
            ) as second:
                second.await_line("server listens at")
                time.sleep(0.7)
                assert (receiver.sequences("/books"), most) == ([1, 2, 3], 1)
                first.signal(signal.SIGKILL)
                eventually(lambda: receiver.sequences("/books") == [1, 2, 3, 3, 4, 5])
    finally:
        stuck.set()
        close_engine(engine)
