"""A worker that has no store and asks a server: what it runs, what it is told, and what it can't do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tasker_core import RetryableError, Worker
from tasker_core.domain_events import BaseSubscriber, SubscriberRegistry
from tasker_core.errors import InvalidRequestError, ServerError
from tasker_core.step_handler import depends_on, inputs, step_handler
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.served import Served, served
from tests.support.workshop import Workshop, eventually

__all__ = ["postgres_of_the_suites", "store_url"]


class Remote(Workshop):
    """A workshop whose worker asks a server; ``stop_server`` and ``start_server`` take it away and bring it back."""

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory, url)
        self._stack, self._port = ExitStack(), 0
        self.server = self.start_server()

    def start_server(self) -> Served:
        self.server = self._stack.enter_context(served(self.url, port=self._port))
        self._port = int(self.server.url.rpartition(":")[2])
        self.worker_door = {"url": self.server.url}
        return self.server

    def stop_server(self) -> None:
        self._stack.close()

    def close(self) -> None:
        super().close()
        self._stack.close()


@pytest.fixture
def remote(tmp_path: Path, store_url: str) -> Iterator[Remote]:
    remote = Remote(tmp_path, store_url)
    try:
        yield remote
    finally:
        remote.close()


def test_results_numbers_and_texts_arrive_as_they_were(remote: Remote) -> None:
    @step_handler("first")
    @inputs("n", "text")
    def first(n: int, text: str) -> dict[str, Any]:
        return {"n": n + 1, "text": text, "none": None}

    @step_handler("second")
    @depends_on(found="first")
    def second(found: dict[str, Any], context: Any) -> dict[str, Any]:
        return {**found, "config": context.get_config("unit"), "key": context.idempotency_key}

    @step_handler("third")
    def third(context: Any) -> dict[str, Any]:
        # Not a parent's, and not declared: asked for.
        return {"first": context.get_dependency_result("first")["n"]}

    for name, handler in (("first", first), ("second", second), ("third", third)):
        remote.register(name, handler)
    remote.template(
        {"first": [], "second": ["first"], "third": ["second"]},
        second={"handler": {"callable": "second", "initialization": {"unit": "kg"}}},
    )
    remote.start()
    text = "grüß \U0001f600 \u0000 \ud800"
    task = remote.run(context={"n": 2**70, "text": text})
    assert task.status == "complete"
    expected = {"n": 2**70 + 1, "text": text, "none": None, "config": "kg", "key": f"{task.task_uuid}:second"}
    assert remote.result(task.task_uuid, "second") == expected
    assert remote.result(task.task_uuid, "third") == {"first": 2**70 + 1}
    (worker,) = remote.client.list_workers()
    assert worker["version"].startswith("python") and worker["slots"] == 10


def test_failures_are_tried_again_and_tell_why(remote: Remote) -> None:
    @remote.handler("busy")
    def busy(context: Any) -> dict[str, int]:
        if context.attempt == 1:
            raise RetryableError("the gateway is busy", error_code="GW-7", retry_after=0)
        return {"attempt": context.attempt}

    remote.template({"busy": []}, busy={"retry": {"backoff": "none"}})
    remote.start()
    task = remote.run().task_uuid
    first, second = remote.audit(task, "busy")
    assert first.result is not None and first.result["error"]["error_code"] == "GW-7"
    assert (first.result["error"]["message"], second.success) == ("the gateway is busy", True)


def test_a_cancelled_task_reaches_its_handler(remote: Remote) -> None:
    begun, told = threading.Event(), threading.Event()

    @remote.handler("long")
    def long(context: Any) -> None:
        begun.set()
        while not context.cancelled:
            time.sleep(0.01)
        told.set()

    remote.template({"long": []})
    remote.start()
    task = remote.create()
    assert begun.wait(10)
    remote.client.cancel_task(task, "the customer left")
    assert told.wait(10)
    assert remote.client.get_task(task).status == "cancelled"


def test_work_goes_on_through_a_restart_of_the_server(remote: Remote) -> None:
    """What is finished while it is away is kept, and nothing runs twice."""
    begun, ran = threading.Event(), list[str]()

    @remote.handler("slow")
    def slow(context: Any) -> dict[str, bool]:
        begun.set()
        remote.gate.wait(10)
        ran.append(str(context.task_uuid))
        return {"done": True}

    remote.template({"slow": []})
    remote.start()
    task = remote.create()
    assert begun.wait(10)
    remote.stop_server()
    remote.gate.set()
    eventually(lambda: ran, what="the handler's end")
    remote.start_server()
    assert remote.finish(task).status == "complete"
    more = remote.run(context={"after": True}).task_uuid
    assert ran == [task, more]
    (attempt,) = remote.audit(task, "slow")
    assert attempt.success


def test_limits_hold_for_remote_workers(remote: Remote) -> None:
    running, most = list[int](), list[int]()

    @remote.handler("narrow")
    def narrow() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    remote.template({"narrow": []}, narrow={"handler": {"callable": "narrow"}, "concurrency": {"limit": 1}})
    remote.start()
    tasks = [remote.create(context={"no": no}) for no in range(6)]
    assert {remote.finish(task).status for task in tasks} == {"complete"}
    assert max(most) == 1


def test_a_handler_that_outlives_its_worker_is_found_as_lost(remote: Remote) -> None:
    """It isn't given back: it may have acted, and its step would begin again as if it hadn't."""
    begun = threading.Event()

    @remote.handler("endless")
    def endless() -> None:
        begun.set()
        remote.gate.wait(20)

    remote.template({"endless": []})
    worker = remote.start(shutdown_timeout=0.2)
    task = remote.create()
    assert begun.wait(10)
    worker.stop()
    assert remote.states(task) == {"endless": "in_progress"}


def test_what_needs_the_store_is_refused(remote: Remote) -> None:
    @remote.handler("writes")
    def writes(context: Any) -> None:
        context.transaction.execute("select 1")

    remote.template({"writes": []})
    remote.start()
    task = remote.run().task_uuid
    assert "start the worker with database_url" in remote.error(task, "writes")["message"]
    Worker.reset_instance()

    class Durable(BaseSubscriber):
        durable_name = "books"

        @classmethod
        def subscribes_to(cls) -> list[str]:
            return ["*"]

        def handle(self, event: Any) -> None:
            raise AssertionError

    SubscriberRegistry.instance().register(Durable)
    try:
        with pytest.raises(InvalidRequestError, match="books"):
            remote.start()
    finally:
        SubscriberRegistry.reset()
    with pytest.raises(InvalidRequestError, match="not both"):
        remote.start(database_url=remote.url)


def test_a_worker_whose_server_is_away_says_so(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    with pytest.raises(ServerError, match=r"http://127\.0\.0\.1:1 can't be reached"):
        workshop.start(url="http://127.0.0.1:1", database_url=None)


def test_a_process_that_is_killed_is_noticed_at_once_on_its_own_machine(remote: Remote, tmp_path: Path) -> None:
    """As for a worker on the store itself, by the process that it named."""
    (tmp_path / "work.py").write_text(
        "import os, time\n"
        "from tasker_core.step_handler import step_handler\n"
        "@step_handler('work')\n"
        "def work(context):\n"
        "    if context.attempt == 1:\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(60)\n"
        "    return {'attempt': context.attempt}\n"
    )
    remote.template({"work": []})
    task = remote.create()
    command = [sys.executable, "-m", "tasker_core.cli", "worker", "--handlers", "work", "--url", remote.server.url]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        while first.stdout.readline() != "begun\n":
            assert first.poll() is None
        first.kill()
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as second:
        assert remote.finish(task, 8).status == "complete"
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0
    lost, ended = remote.audit(task, "work")
    assert (lost.result or {})["error"]["error_type"] == "worker_lost" and ended.success
