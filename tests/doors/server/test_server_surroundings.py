"""What surrounds the routes: ids, limits, health, figures, documentation."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tasker_core import TaskerClient
from tasker_core.server.shapes.health import DetailedHealthResponse, HealthResponse
from tasker_core.settings import load_settings
from tasker_core.words import Word
from tests.support.flows import flow, wish
from tests.support.raw_http import request, say
from tests.support.served import Served, served
from tests.support.workshop import eventually

ORDER = {"name": "order", "namespace": "shop"}


def test_every_answer_carries_a_request_id(api: Served) -> None:
    for path in ("/health", "/v1/tasks/not-a-uuid", "/nowhere", "/metrics", "/"):
        assert uuid.UUID(api.http.get(path).headers["X-Request-ID"])
        assert api.http.get(path, headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    for bad in ("a b", "x" * 129, "<script>"):
        assert api.http.get("/health", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad


def test_an_answer_is_sent_at_once(api: Served) -> None:
    """With Nagle's algorithm each one waits 40 ms, for the acknowledgement of its own first half."""
    api.get("/health")
    (connection,) = api.server.server_state.connections
    transport = connection.transport
    assert transport is not None
    assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_health_tells_probes_how_it_is(api: Served) -> None:
    for path in ("/health", "/health/live"):
        assert HealthResponse.model_validate(api.get(path)).status == "healthy"
    for path, more in (("/health/ready", set()), ("/health/detailed", {"breakers"})):
        report = DetailedHealthResponse.model_validate(api.get(path))
        assert report.status == "healthy" and set(report.checks) == {"database", "server", "threads"} | more
        assert report.info.operational_state == "normal"


def test_an_open_breaker_is_seen_and_keeps_no_requests_away(api: Served) -> None:
    api.engine.limits.set_breaker("shop/charge", "open", Word("ann", "the gateway is down"))
    try:
        report = DetailedHealthResponse.model_validate(api.get("/health/detailed"))
        assert (report.status, report.checks["breakers"].message) == ("degraded", "1 open")
        assert "charge" not in report.model_dump_json(), "it is public"
        assert api.get("/health/ready")["status"] == "healthy"
    finally:
        api.engine.limits.set_breaker("shop/charge", "closed", Word("ann", "it is back"))
    assert api.get("/health/detailed")["checks"]["breakers"]["message"] == "none is open"


def test_figures_count_by_route_and_never_by_path(api: Served) -> None:
    task = api.create()
    api.get(f"/v1/tasks/{task}")
    api.get("/made/up/by/a/stranger", 404)
    text = api.http.get("/metrics").text
    assert 'tasker_api_requests_total{method="GET",route="/v1/tasks/{task_uuid}",status="200"} 1.0' in text
    assert "tasker_orchestration_info" in text and task not in text and "stranger" not in text


def test_the_document_is_where_it_is_looked_for(api: Served) -> None:
    document = api.get("/openapi.json")
    assert document["openapi"].startswith("3.") and "/v1/tasks" in document["paths"]
    assert api.get("/api-docs/openapi.json") == document
    for page in ("/docs", "/api-docs/ui", "/"):
        answer = api.http.get(page)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


def test_the_pages_load_from_this_server_alone(api: Served) -> None:
    for page in ("/docs", "/api-docs/ui"):
        answer = api.http.get(page)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        linked = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assets = [urljoin(page, found) for found in linked if found != "data:,"]
        assert sorted(assets) == ["/docs/page.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"]
        assert "://" not in answer.text
        for asset in assets:
            assert len(api.http.get(asset).raise_for_status().text) > 100
    assert "://" not in api.http.get("/docs/page.js").text
    assert api.get("/docs/other.js", 404)["error"]["code"] == "NOT_FOUND"


def test_the_settings_are_shown_where_that_is_wanted_without_their_secrets(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKER_LISTEN_URL", "postgresql://shop:s3cret@db/shop")
    monkeypatch.setenv("TASKER_API_KEY", "s3cret")
    monkeypatch.setenv("TASKER_SERVER_AUTH_JWT_SECRET", "s3cret")
    settings = load_settings({"server": {"config_endpoint": True, "largest_body": "2MiB"}})
    with served(sqlite_url, settings=settings) as api:
        answer = api.http.get("/config")
        told = answer.json()["settings"]
    assert answer.status_code == 200 and "s3cret" not in answer.text
    assert told["server"]["largest_body"] == 2 * 1024 * 1024
    assert told["client"]["api_key"] == told["server"]["auth"]["jwt"]["secret"] == "********"
    assert told["database"]["listen_url"] == "postgresql://shop:********@db/shop"
    with served(sqlite_url) as api:
        assert "server.config_endpoint" in api.get("/config", 404)["error"]["message"]


def test_a_request_that_takes_too_long_is_answered_408(sqlite_url: str) -> None:
    with served(sqlite_url, request_timeout=1.0) as api:
        head = ("Host: localhost", "Content-Type: application/json", "Content-Length: 1000")
        late = say(api.url, request("/v1/tasks", *head, method="POST", body=b"{"))
        assert late.status == 408 and b'"TIMEOUT"' in late.body


def test_who_waits_for_a_task_is_answered_before_the_time_of_a_request_is_over(sqlite_url: str) -> None:
    with served(sqlite_url, request_timeout=1.0) as api, TaskerClient(url=api.url, retries=0) as client:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        (made,) = api.engine.create([wish(api.engine)])
        assert api.get(f"/v1/tasks/{made.task}", wait_ms=20_000)["status"] == "steps_in_process"
        assert api.get("/health/detailed")["info"]["waiting_requests"] == 0
        with pytest.raises(TimeoutError):
            client.wait(made.task, timeout=1.5)


def test_more_than_can_be_worked_off_is_refused_and_may_be_tried_again(sqlite_path: Path, sqlite_url: str) -> None:
    with served(sqlite_url, threads=1, backlog=2) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        answers: list[httpx.Response] = []

        def create(n: int) -> None:
            answers.append(httpx.post(f"{api.url}/v1/tasks", json={**ORDER, "context": {"n": n}}, timeout=30))

        creating = [threading.Thread(target=create, args=[n]) for n in range(12)]
        with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
            other.execute("begin immediate")
            for thread in creating:
                thread.start()
            # One is being written, two wait; that leaves at least three.
            eventually(lambda: len(answers) >= 3)
            other.execute("rollback")
        for thread in creating:
            thread.join(20)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 3 and len(refused) + [a.status_code for a in answers].count(201) == 12
        assert {answer.json()["error"]["code"] for answer in refused} == {"BACKPRESSURE"}
        assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
        assert api.get("/v1/tasks")["pagination"]["total_count"] == 12 - len(refused)


def test_a_store_that_is_gone_is_said_without_its_address(sqlite_path: Path, sqlite_url: str) -> None:
    with served(sqlite_url) as api:
        # Not taken away: who has a file open goes on reading it.
        for file in sqlite_path.parent.glob("tasker.db*"):
            file.write_bytes(b"no store" * (file.stat().st_size // 8))
        answer = api.http.post("/v1/tasks", json=ORDER)
        assert answer.status_code in (500, 503) and str(sqlite_path) not in answer.text
