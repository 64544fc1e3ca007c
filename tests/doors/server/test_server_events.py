"""Domain events over HTTP: in pages, and as streams that a client may lose and take up again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.events import event, paying
from tests.support.flows import Hands, wish
from tests.support.guard import Guard
from tests.support.served import Served, served
from tests.support.workshop import eventually

__all__ = ["postgres_of_the_suites", "store_url"]

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def api(store_url: str) -> Iterator[Served]:
    with served(store_url, event_streams=60) as running:
        running.engine.catalog.register(paying([event("pay.done"), event("pay.told")]), replace=False)
        elsewhere = paying([event("pay.done")], namespace="elsewhere")
        running.engine.catalog.register(elsewhere, replace=False)
        yield running


@pytest.fixture
def hands(api: Served) -> Hands:
    return Hands(api.engine)


def pay(hands: Hands, *numbers: int, namespace: str = "shop") -> list[str]:
    """Tasks that publish pay.done and pay.told, one after the other."""
    engine, tasks = hands.engine, []
    for n in numbers:
        (made,) = engine.create([wish(engine, namespace=namespace, context={"n": n, "card": "4111"})])
        hands.play({"pay": lambda lease: {"n": json.loads(lease.context)["n"], "token": "t0"}})
        tasks.append(made.task)
    return tasks


class Heard:
    """A stream that is being read in a thread."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.ids: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.comments = 0
        self.is_over = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self.answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self.ids.append(int(value))
                elif field == "data":
                    self.events.append(json.loads(value))
                elif line.startswith(":"):
                    self.comments += 1
        except (httpx.HTTPError, httpx.StreamError):
            pass
        self.is_over = True

    def hang_up(self) -> None:
        """As a client does whose process ends."""
        with suppress(OSError):
            self.answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.join()
        self.answer.close()

    def join(self) -> None:
        self._thread.join(20)
        assert self.is_over


@contextmanager
def stream(api: Served, headers: dict[str, str] | None = None, **query: Any) -> Iterator[Heard]:
    with httpx.Client(base_url=api.url, timeout=20) as http:
        request = http.build_request("GET", "/v1/events", params=query, headers={**STREAM, **(headers or {})})
        answer = http.send(request, stream=True)
        if answer.status_code != 200:
            answer.read()
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        heard = Heard(answer)
        try:
            yield heard
        finally:
            heard.hang_up()


def test_events_in_pages(api: Served, hands: Hands) -> None:
    tasks = pay(hands, 1, 2, 3)
    pay(hands, 4, namespace="elsewhere")
    page = api.get("/v1/events", limit=4)
    assert [each["sequence"] for each in page["events"]] == [7, 6, 5, 4]
    page = api.get("/v1/events", limit=4, before=page["next"])
    assert ([each["sequence"] for each in page["events"]], page["next"]) == ([3, 2, 1], None)
    page = api.get("/v1/events", after=0, limit=5, name=["pay.d*"], namespace="shop")
    assert [each["payload"]["payload"]["n"] for each in page["events"]] == [1, 2, 3]
    assert page["next"] is None
    page = api.get("/v1/events", task_uuid=tasks[1])
    assert {each["metadata"]["task_uuid"] for each in page["events"]} == {tasks[1]} and len(page["events"]) == 2


IMPOSSIBLE: tuple[tuple[dict[str, Any], int], ...] = (
    ({"name": "Order Paid"}, 400), ({"limit": 101}, 400), ({"after": -1}, 400), ({"after": 1, "before": 2}, 400),
    ({"task_uuid": "01980000-0000-7000-8000-000000000000"}, 404), ({"namespace": "a\x00"}, 400),
)  # fmt: skip


def test_what_cant_be_asked_for(api: Served) -> None:
    for query, status in IMPOSSIBLE:
        api.get("/v1/events", status, **query)
        assert api.http.get("/v1/events", params=query, headers=STREAM).status_code == status, query
    assert api.http.get("/v1/events", headers={**STREAM, "Last-Event-ID": "last"}).status_code == 400


def test_a_stream_tells_what_is_published_from_now_on(api: Served, hands: Hands) -> None:
    pay(hands, 1)
    with stream(api) as heard, stream(api, name="pay.told", namespace="shop") as told:
        pay(hands, 2)
        pay(hands, 3, namespace="elsewhere")
        eventually(lambda: heard.ids == [3, 4, 5])
        eventually(lambda: told.ids == [4])
    assert heard.events[0]["payload"]["payload"]["n"] == 2


def test_a_stream_is_taken_up_where_it_was_lost(api: Served, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.server.streams.KEPT", 4)
    monkeypatch.setattr("tasker_core.server.streams.PAGE", 3)
    pay(hands, 1, 2)
    with stream(api) as other:
        with stream(api, headers={"Last-Event-ID": "1"}) as heard:
            pay(hands, 3)
            eventually(lambda: heard.ids == [2, 3, 4, 5, 6])
        pay(hands, *range(4, 10))
        with stream(api, after=1, headers={"Last-Event-ID": "6"}) as heard:
            pay(hands, 10)
            eventually(lambda: heard.ids == list(range(7, 21)))
        with stream(api, after=0, name=["pay.told"]) as heard:
            eventually(lambda: heard.ids == list(range(2, 21, 2)))
        eventually(lambda: other.ids == list(range(5, 21)))


def test_a_stream_hears_of_another_process(api: Served) -> None:
    with stream(api) as heard:
        engine = Engine(Store(open_database(api.url_of_store)))
        pay(Hands(engine), 1)
        engine.close()
        eventually(lambda: heard.ids == [1, 2])


def test_a_quiet_stream_says_that_it_is_there(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.server.streams.HEARTBEAT", 0.05)
    with served(store_url) as api, stream(api) as heard:
        eventually(lambda: heard.comments > 2)


def test_streams_outlive_the_time_limit_and_end_with_the_server(store_url: str) -> None:
    with served(store_url, request_timeout=2) as api:
        api.engine.catalog.register(paying([event("pay.done")]), replace=False)
        with stream(api) as heard:
            threading.Event().wait(2.3)
            pay(Hands(api.engine), 1)
            eventually(lambda: heard.ids == [1])
            api.server.stop()
            heard.join()


def test_fifty_streams_leave_the_servers_threads_alone(api: Served, hands: Hands) -> None:
    def listen(n: int) -> list[int]:
        with stream(api, after=0) as heard:
            begun.release()
            eventually(lambda: len(heard.ids) == 20)
            return heard.ids

    begun = threading.Semaphore(0)
    with ThreadPoolExecutor(50) as pool:
        streams = [pool.submit(listen, n) for n in range(50)]
        for _ in range(50):
            assert begun.acquire(timeout=20)
        for n in range(10):
            pay(hands, n)
            assert api.get("/v1/tasks")["pagination"]["total_count"] == n + 1
        assert all(each.result(30) == list(range(1, 21)) for each in streams)
    core = api.server._core
    assert core.threads.pending == 0
    eventually(lambda: core.streams.count == 0)


def test_more_streams_than_allowed_are_refused(store_url: str) -> None:
    with served(store_url, event_streams=2) as api, stream(api), stream(api):
        answer = api.http.get("/v1/events", headers=STREAM)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"]["code"] == "BACKPRESSURE"
        eventually(lambda: api.get("/v1/events")["events"] == [])


def test_who_may_not_see_everything_sees_no_secrets(store_url: str) -> None:
    guard = Guard()
    guard.key("reader", "events:read")
    guard.key("auditor", "events:read", "tasks:context_read")
    guard.key("stranger", "tasks:read")
    with served(store_url, guard.access()) as api:
        api.engine.catalog.register(paying([event("pay.done")]), replace=False)
        pay(Hands(api.engine), 1)
        for who, token, card in (("reader", "[redacted]", "[redacted]"), ("auditor", "t0", "4111")):
            credentials = guard.headers(who)
            answer = api.http.get("/v1/events", headers=credentials).json()["events"][0]
            with stream(api, headers=credentials, after=0) as heard:
                eventually(lambda: heard.events)
            for told in (answer, heard.events[0]):
                shown = told["payload"]
                assert shown["payload"] == {"n": 1, "token": token}
                assert shown["execution_result"]["result"]["token"] == token
                assert shown["task_sequence_step"]["task"]["task"]["context"]["card"] == card
        for headers in ({}, STREAM):
            assert api.http.get("/v1/events", headers={**guard.headers("stranger"), **headers}).status_code == 403
            assert api.http.get("/v1/events", headers=headers).status_code == 401
