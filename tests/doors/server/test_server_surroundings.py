"""What surrounds the routes: ids, limits, health, figures, documentation."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

from tasker_core.server.shapes.health import DetailedHealthResponse, HealthResponse
from tests.support.flows import flow
from tests.support.served import Served, served
from tests.support.workshop import eventually

ORDER = {"name": "order", "namespace": "shop"}


def test_every_answer_carries_a_request_id(api: Served) -> None:
    for path in ("/health", "/v1/tasks/not-a-uuid", "/nowhere", "/metrics", "/"):
        assert uuid.UUID(api.http.get(path).headers["X-Request-ID"])
        assert api.http.get(path, headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    for bad in ("a b", "x" * 129, "<script>"):
        assert api.http.get("/health", headers={"X-Request-ID": bad}).headers["X-Request-ID"] != bad


def test_health_tells_probes_how_it_is(api: Served) -> None:
    for path in ("/health", "/health/live"):
        assert HealthResponse.model_validate(api.get(path)).status == "healthy"
    for path in ("/health/ready", "/health/detailed"):
        report = DetailedHealthResponse.model_validate(api.get(path))
        assert report.status == "healthy" and set(report.checks) == {"database", "server", "threads"}
        assert report.info.operational_state == "normal"


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


def test_a_request_that_takes_too_long_is_answered_408(sqlite_url: str) -> None:
    with served(sqlite_url, request_timeout=0.5) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        task = api.create()
        late = api.get(f"/v1/tasks/{task}", 408, wait_ms=20_000)
        assert late["error"]["code"] == "TIMEOUT"
        assert api.get("/health/detailed")["info"]["waiting_requests"] == 0


def test_more_than_can_be_worked_off_is_refused_and_may_be_tried_again(sqlite_path: Path, sqlite_url: str) -> None:
    with served(sqlite_url, threads=1, backlog=1) as api:
        api.engine.catalog.register(flow({"pay": []}), replace=False)
        answers: list[int] = []

        def post() -> None:
            # A look at the health takes the one thread for a moment, too.
            while (status := api.http.post("/v1/tasks", json=ORDER).status_code) == 503:
                time.sleep(0.01)
            answers.append(status)

        busy = threading.Thread(target=post)
        with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
            other.execute("begin immediate")
            busy.start()
            eventually(lambda: "1 calls run or wait" in api.get("/health/detailed")["checks"]["threads"]["message"])
            refused = api.http.post("/v1/tasks", json=ORDER)
            other.execute("rollback")
        busy.join(20)
        assert answers == [201]
        assert refused.status_code == 503 and refused.json()["error"]["code"] == "BACKPRESSURE"
        assert refused.headers["Retry-After"] == "1"


def test_a_store_that_is_gone_is_said_without_its_address(sqlite_path: Path, sqlite_url: str) -> None:
    with served(sqlite_url) as api:
        for file in sqlite_path.parent.glob("tasker.db*"):
            file.unlink()
        sqlite_path.mkdir()
        answer = api.http.post("/v1/tasks", json=ORDER)
        assert answer.status_code in (500, 503) and str(sqlite_path) not in answer.text
