"""While too much waits a server creates no tasks, and says when to try again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tasker_core import TaskerClient
from tasker_core.errors import ServerOverloadedError
from tasker_core.server import overload
from tasker_core.settings import load_settings
from tests.support.flows import Hands, flow, ok, wish
from tests.support.served import Served, served
from tests.support.workshop import eventually

WISH = {"name": "order", "namespace": "shop"}


@pytest.fixture
def api(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that finds three waiting steps much, and five very much, and looks often."""
    monkeypatch.setattr(overload, "LOOK_EVERY", 0.02)
    settings = load_settings({"overload": {"queue_depth": 3, "queue_overflow": 5}})
    with served(store_url, settings=settings) as running:
        running.engine.catalog.register(flow({"pay": []}), replace=False)
        yield running


def fill(api: Served, n: int) -> None:
    """``n`` more tasks, past the server's door."""
    api.engine.create([wish(api.engine, context={"n": n, "of": no}) for no in range(n)])


def create(api: Served) -> httpx.Response:
    return api.http.post("/v1/tasks", json={**WISH, "context": {"of": api.engine.ids.new()}})


def test_a_deep_queue_refuses_creations_and_nothing_else(api: Served) -> None:
    hands = Hands(api.engine)
    fill(api, 3)
    eventually(lambda: create(api).status_code == 503)
    refused = create(api)
    error = refused.json()["error"]
    assert refused.headers["Retry-After"] == "30"
    assert (error["code"], error["retry_after_seconds"]) == ("BACKPRESSURE", 30)
    assert "shop/pay" in error["message"]
    assert (
        api.post("/v1/tasks/batch", {"tasks": [{**WISH, "context": {"x": 1}}]}, 503)["error"]["code"] == "BACKPRESSURE"
    )
    waiting = api.get("/v1/tasks")["tasks"]
    assert len(waiting) >= 3
    api.delete(f"/v1/tasks/{waiting[0]['task_uuid']}")
    while leases := hands.claim_all():
        hands.report(*map(ok, leases))
    eventually(lambda: create(api).status_code == 201)


def test_a_very_deep_queue_asks_for_more_patience(api: Served) -> None:
    fill(api, 6)
    eventually(lambda: create(api).headers.get("Retry-After") == "60")
    with TaskerClient(url=api.url, timeout=2) as client, pytest.raises(ServerOverloadedError, match="shop/pay") as told:
        client.create_task("order", namespace="shop", context={"y": 1})
    assert (told.value.retry_after, told.value.status, told.value.retryable) == (60, 503, True)


def test_a_client_with_patience_tries_again_when_it_was_told_to(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "DEEP", 1)
    hands = Hands(api.engine)
    fill(api, 4)
    eventually(lambda: create(api).status_code == 503)
    hands.claim_all()
    with TaskerClient(url=api.url) as client:
        assert client.create_task("order", namespace="shop", context={"z": 1}).status == "steps_in_process"


def test_an_old_verdict_refuses_nobody(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, 4)
    eventually(lambda: create(api).status_code == 503)
    monkeypatch.setattr(overload, "GOOD_FOR", 0.0)
    assert create(api).status_code == 201


def test_a_server_without_thresholds_does_not_look(store_url: str) -> None:
    settings = load_settings({"overload": {"queue_depth": 0, "queue_overflow": 0}})
    with served(store_url, settings=settings) as running:
        assert running.get("/health/detailed")["status"] == "healthy"
