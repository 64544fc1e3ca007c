"""Several server processes over one database behave as one, and one that restarts loses nothing."""

from __future__ import annotations

import re
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasker_core import TaskerClient
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Background, eventually, flow, tasker

__all__ = ["postgres_of_the_suites", "store_url"]

HANDLERS = "tests.support.workshop.handlers"


@pytest.fixture
def shop(store_url: str) -> str:
    """The URL of a database in which the template shop/flow stands: a single greeting."""
    if store_url.startswith("postgres"):
        assert tasker("migrate", url=store_url).code == 0
    with TaskerClient(database_url=store_url) as client:
        client.register_template(flow({"greet": []}))
    return store_url


@contextmanager
def server(url: str, log: Path, port: int = 0) -> Iterator[tuple[Background, str]]:
    """A server process, and the URL at which it listens."""
    with Background("server", "--port", str(port), log=log, url=url) as running:
        running.await_line("server listens at")
        yield running, re.findall(r"http://\S+", running.output())[-1]


def wish(n: int, **changes: Any) -> dict[str, Any]:
    return {"name": "flow", "namespace": "shop", "context": {"name": f"guest {n}"}, **changes}


def test_two_servers_are_as_one(shop: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(server(shop, tmp_path / f"{n}.log"))[1] for n in range(2)]
        left, right = (stack.enter_context(httpx.Client(base_url=url, timeout=30)) for url in urls)

        # The same order from both sides at once: one task, and each side names it to the others.
        def order(turn: int) -> tuple[int, str]:
            answer = (left, right)[turn % 2].post("/v1/tasks", json=wish(turn // 8))
            told = answer.json()
            return answer.status_code, told["task_uuid"] if "task_uuid" in told else told["error"]["details"][
                "task_uuid"
            ]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(order, range(80)))
        assert Counter(status for status, _ in answers) == {201: 10, 409: 70}
        assert len({task for _, task in answers}) == 10
        task = answers[0][1]

        # A template that one registers is known to the other; a task that one cancels is final for the other.
        assert left.post("/v1/templates", json=flow({"greet": []}, name="second")).status_code == 201
        assert right.post("/v1/tasks", json=wish(0, name="second")).status_code == 201
        assert left.delete(f"/v1/tasks/{task}").json()["status"] == "cancelled"
        assert right.delete(f"/v1/tasks/{task}").json()["error"]["code"] == "INVALID_STATE"

        # Who waits at one side hears of what a worker elsewhere does.
        other = answers[8][1]
        statuses: list[str] = []
        waiting = threading.Thread(
            target=lambda: statuses.append(right.get(f"/v1/tasks/{other}?wait_ms=20000").json()["status"])
        )
        waiting.start()
        worker = stack.enter_context(Background("worker", "-H", HANDLERS, log=tmp_path / "worker.log", url=shop))
        waiting.join(30)
        assert statuses == ["complete"]
        assert worker.is_running
        for http in (left, right):
            assert http.get("/v1/tasks").json()["pagination"]["total_count"] == 11


def test_a_server_that_restarts_in_the_middle_of_a_wait_loses_nothing(shop: str, tmp_path: Path) -> None:
    own = str(uuid.uuid4())
    with server(shop, tmp_path / "first.log") as (first, url):
        port = int(url.rpartition(":")[2])
        assert httpx.post(f"{url}/v1/tasks", json=wish(1, task_uuid=own)).status_code == 201
        statuses: list[str] = []

        def wait() -> None:
            while "complete" not in statuses:
                try:
                    statuses.append(httpx.get(f"{url}/v1/tasks/{own}?wait_ms=20000", timeout=30).json()["status"])
                except httpx.TransportError:
                    statuses.append("away")

        waiting = threading.Thread(target=wait)
        waiting.start()
        eventually(lambda: httpx.get(f"{url}/health/detailed").json()["info"]["waiting_requests"] == 1)
        first.kill()
        eventually(lambda: "away" in statuses)
    with server(shop, tmp_path / "second.log", port) as (_, again):
        assert again == url
        # The answer was lost with the server, so it is asked again: the same request is the same task.
        assert httpx.post(f"{url}/v1/tasks", json=wish(1, task_uuid=own)).status_code == 200
        with Background("worker", "-H", HANDLERS, log=tmp_path / "worker.log", url=shop):
            waiting.join(30)
    assert statuses[-1] == "complete"


def test_what_runs_is_finished_when_a_server_is_told_to_stop(shop: str, tmp_path: Path) -> None:
    """Clients create all the time: each one's task is there if and only if it was answered, or never asked for."""
    answered: list[str] = []
    refused: list[BaseException] = []
    with server(shop, tmp_path / "server.log") as (running, url), TaskerClient(database_url=shop) as client:

        def create(worker: int) -> None:
            with httpx.Client(base_url=url, timeout=30) as http:
                for n in range(1_000):
                    try:
                        answer = http.post("/v1/tasks", json=wish(1_000 * worker + n))
                    except httpx.TransportError as error:
                        refused.append(error)
                        return
                    assert answer.status_code == 201, answer.text
                    answered.append(answer.json()["task_uuid"])

        with ThreadPoolExecutor(4) as threads:
            creating = [threads.submit(create, n) for n in range(4)]
            eventually(lambda: len(answered) > 40)
            running.signal(signal.SIGTERM)
            assert running.wait(30) == 0
            for each in creating:
                each.result(30)
        assert len(refused) == 4
        stored = client.list_tasks(limit=1).pagination.total_count
    assert "Traceback" not in running.output()
    # A connection may be closed under a request that was just being sent; its task may be there all the same.
    assert len(answered) <= stored <= len(answered) + 4
