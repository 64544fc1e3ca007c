"""A store that is locked, full or damaged for a while; a worker that was given up though it lives; other processes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tasker_core import TaskerClient
from tasker_core.errors import StoreLockedError
from tests.support.workshop import Background, Workshop, eventually
from tests.support.workshop.handlers import ledger

IMPATIENT = "?busy_timeout=0.1"


@contextmanager
def locked(workshop: Workshop) -> Iterator[None]:
    """Another program holds the store's write lock."""
    with closing(sqlite3.connect(workshop.path, timeout=10, isolation_level=None)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


def test_results_are_kept_while_the_store_is_locked(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    inside, calls = threading.Semaphore(0), []

    @workshop.handler("work")
    def work() -> dict[str, bool]:
        calls.append(1)
        inside.release()
        workshop.gate.wait(30)
        return {"done": True}

    workshop.template({"work": [], "beside": []}, beside={"handler": {"callable": "work"}})
    workshop.start(database_url=workshop.url + IMPATIENT)
    task = workshop.create()
    assert inside.acquire(timeout=10) and inside.acquire(timeout=10)
    with locked(workshop):
        workshop.gate.set()
        eventually(lambda: "is locked" in caplog.text and "with 2 results waiting" in caplog.text)
        with (
            TaskerClient(database_url=workshop.url + IMPATIENT) as impatient,
            pytest.raises(StoreLockedError, match=r"another process has been writing.*nothing was changed"),
        ):
            impatient.create_task("flow", namespace="shop", context={"no": 2})
    assert workshop.finish(task).status == "complete"
    assert len(calls) == 2 and workshop.steps(task)["work"].attempts == 1


def test_results_are_kept_while_the_disk_is_full(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    workshop.handler("work")(lambda: {"photo": "x" * 300_000})
    workshop.template({"work": []})
    (pages,) = workshop.query("select page_count from pragma_page_count")[0]
    worker = workshop.start(database_url=f"{workshop.url}?max_pages={pages + 20}")
    task = workshop.create()
    eventually(lambda: "no room left to write" in caplog.text and "1 results waiting" in caplog.text)
    assert worker.is_running
    writer: Any = worker.service.engine.store.database
    with writer.transaction() as transaction:
        transaction.connection.execute(f"pragma max_page_count = {pages + 10_000}")
    assert workshop.finish(task).status == "complete"
    assert workshop.steps(task)["work"].attempts == 1


def test_a_worker_can_be_stopped_while_the_store_is_locked(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    inside = threading.Event()

    @workshop.handler("work")
    def work() -> dict[str, bool]:
        inside.set()
        workshop.gate.wait(30)
        return {"done": True}

    workshop.template({"work": []})
    worker = workshop.start(database_url=workshop.url + IMPATIENT, shutdown_timeout=0.5)
    task = workshop.create()
    assert inside.wait(10)
    with locked(workshop):
        workshop.gate.set()
        worker.stop()
        assert not worker.is_running
        eventually(lambda: not [t for t in threading.enumerate() if t.name in ("tasker-worker", "tasker-pulse")])
    assert "is locked" in caplog.text
    # Its process lives on, so its silence alone tells that it is gone: as the sweeper does after the lease time.
    workshop.execute("update tasker_workers set state = 'gone'")
    workshop.start()
    assert workshop.finish(task).status == "complete"


def test_a_worker_that_was_given_up_registers_again(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    inside, told = threading.Event(), threading.Event()
    attempts: list[int] = []

    @workshop.handler("work")
    def work(context: Any) -> dict[str, int]:
        attempts.append(context.attempt)
        if context.attempt == 1:
            inside.set()
            while not context.cancelled:
                time.sleep(0.01)
            told.set()
        return {"attempt": context.attempt}

    workshop.template({"work": []})
    worker = workshop.start()
    before = worker.worker_id
    task = workshop.create()
    assert inside.wait(10)
    workshop.execute("update tasker_workers set state = 'gone'")
    assert workshop.finish(task).status == "complete"
    assert told.wait(10) and attempts == [1, 2]
    assert "was given up as lost; it registers again" in caplog.text
    assert worker.worker_id != before
    assert workshop.result(task, "work") == {"attempt": 2}
    first, second = workshop.audit(task, "work")
    assert (first.result or {})["error"]["error_type"] == "worker_lost"
    assert second.worker_uuid == worker.worker_id


def test_leases_of_which_the_worker_does_not_know_go_back(workshop: Workshop) -> None:
    """As when the answer to a claim was lost: no attempt is spent."""
    workshop.handler("work")(lambda: {"done": True})
    workshop.template({"work": []}, namespace="elsewhere")
    worker = workshop.start(namespaces=["shop"])
    task = workshop.create(namespace="elsewhere")
    workshop.execute(
        "update tasker_steps set state = 'in_progress', attempt = 1, fence = 1, claimed_at = ?,"
        " worker = (select id from tasker_workers where uuid = ?)",
        int(time.time() * 1e6), worker.worker_id,
    )  # fmt: skip
    eventually(lambda: workshop.states(task) == {"work": "enqueued"})
    assert workshop.steps(task)["work"].attempts == 0
    (ended,) = workshop.audit(task, "work")
    assert ended.__dict__["to_state"] == "enqueued"


def test_two_processes_share_the_work_and_do_nothing_twice(workshop: Workshop) -> None:
    book = workshop.directory / "ledger.db"
    graph = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    workshop.template(graph, **{name: {"handler": {"callable": "note"}} for name in graph})
    start = ["worker", "--handlers", "tests.support.workshop.handlers", "--concurrency", "2"]
    with ledger(book):
        pass
    with (
        Background(*start, log=workshop.directory / "one.log", url=workshop.url) as one,
        Background(*start, log=workshop.directory / "two.log", url=workshop.url) as two,
    ):
        one.await_line("serves 1 handlers")
        two.await_line("serves 1 handlers")
        requests = [
            {"name": "flow", "namespace": "shop", "context": {"ledger": str(book), "nap": 0.005, "no": no}}
            for no in range(40)
        ]
        tasks = [task.task_uuid for task in workshop.client.create_tasks(requests)]
        for task in tasks:
            assert workshop.finish(task, timeout=60).status == "complete"
        with ledger(book) as entries:
            calls = entries.execute("select count(*), count(distinct task || step) from calls").fetchone()
            by_process = dict(entries.execute("select process, count(*) from calls group by 1"))
    assert calls == (160, 160)
    assert by_process.keys() == {one.pid, two.pid} and min(by_process.values()) >= 16
