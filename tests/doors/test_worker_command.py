"""``tasker worker``: started, told to stop, told twice."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.workshop import Background, Workshop, eventually, flow, tasker
from tests.support.workshop.handlers import ledger

HANDLERS = "tests.support.workshop.handlers"


@pytest.fixture
def lingering(workshop: Workshop) -> dict[str, str]:
    """A template whose first step waits for a gate; the context of its tasks."""
    workshop.template(
        {"wait": [], "after": ["wait"]},
        wait={"handler": {"callable": "linger"}},
        after={"handler": {"callable": "greet"}},
    )
    return {"gate": str(workshop.directory / "gate"), "ledger": str(workshop.directory / "ledger.db")}


def start(workshop: Workshop, *options: str) -> Background:
    arguments = ["worker", "--handlers", HANDLERS, *options]
    return Background(*arguments, log=workshop.directory / "worker.log", url=workshop.url, cwd=workshop.directory)


def test_a_worker_serves_until_it_is_told_to_stop(workshop: Workshop, lingering: dict[str, str]) -> None:
    with start(workshop, "--name", "front-desk", "--concurrency", "1") as worker:
        worker.await_line("serves 2 handlers, 1 at a time")
        assert workshop.query("select name, state, slots from tasker_workers") == [("front-desk", "live", 1)]
        task = workshop.create(context=lingering)
        behind = workshop.create(context={**lingering, "no": 2})
        eventually(lambda: workshop.states(task)["wait"] == "in_progress")
        worker.signal(signal.SIGTERM)
        worker.await_line("stopping: what runs may finish ...")
        Path(lingering["gate"]).touch()
        assert worker.wait() == 0
    assert workshop.states(task) == {"wait": "complete", "after": "enqueued"}
    step = workshop.steps(behind)["wait"]
    assert (step.current_state, step.attempts) == ("enqueued", 0)
    assert workshop.query("select state from tasker_workers") == [("gone",)]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(workshop: Workshop, lingering: dict[str, str], sign: signal.Signals) -> None:
    task = workshop.create(context=lingering)
    with start(workshop) as worker:
        eventually(lambda: workshop.states(task)["wait"] == "in_progress", timeout=30)
        worker.await_line("serves")
        worker.signal(sign)
        worker.await_line("stopping")
        worker.signal(sign)
        assert worker.wait(10) == 128 + sign
    Path(lingering["gate"]).touch()
    with start(workshop):
        assert workshop.finish(task).status == "complete"
    assert workshop.steps(task)["wait"].attempts == 2


def test_a_stop_does_not_wait_for_ever(workshop: Workshop, lingering: dict[str, str]) -> None:
    task = workshop.create(context=lingering)
    with start(workshop, "--shutdown-timeout", "0.3") as worker:
        eventually(lambda: workshop.states(task)["wait"] == "in_progress", timeout=30)
        worker.await_line("serves")
        worker.signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        assert "still runs after 0.3 s" in worker.output()


def test_a_worker_that_is_stuck_ends_with_exit_code_70(workshop: Workshop, lingering: dict[str, str]) -> None:
    wait = {"handler": {"callable": "linger"}, "timeout_seconds": 0.1}
    workshop.template({"wait": []}, name="stuck", wait=wait)
    workshop.create("stuck", context=lingering)
    with start(workshop, "--concurrency", "1") as worker:
        assert worker.wait(30) == 70
        assert "hold all its slots: wait of task" in worker.output()


def test_what_is_not_served_is_said(workshop: Workshop) -> None:
    workshop.client.register_template(flow({"greet": [], "rare": ["greet"]}))
    with start(workshop) as worker:
        worker.await_line("serves 1 handlers")
        assert "not served: shop/flow/rare: no handler is registered as 'rare'" in worker.output()


def test_templates_of_this_directory_are_registered(workshop: Workshop) -> None:
    folder = workshop.directory / "config" / "tasks"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(json.dumps(flow({"greet": []})))
    with start(workshop) as worker:
        worker.await_line("serves 1 handlers")
        assert workshop.run(context={"name": "Ann"}).status == "complete"
    (folder / "flow.yaml").write_text("steps: [")
    refused = tasker("worker", "--handlers", HANDLERS, cwd=workshop.directory, url=workshop.url)
    assert refused.code == 2 and "flow.yaml:1" in refused.err and "Traceback" not in refused.err


def test_a_killed_workers_steps_are_taken_up_within_seconds(workshop: Workshop, lingering: dict[str, str]) -> None:
    with start(workshop) as first:
        task = workshop.create(context=lingering)
        first.await_line("serves")
        eventually(lambda: workshop.states(task)["wait"] == "in_progress")
        with Background(
            "worker", "--handlers", HANDLERS, log=workshop.directory / "second.log", url=workshop.url
        ) as second:
            second.await_line("serves")
            eventually(lambda: len(calls(lingering)) == 1)
            first.kill()
            eventually(lambda: len(calls(lingering)) == 2, timeout=10)
            Path(lingering["gate"]).touch()
            assert workshop.finish(task).status == "complete"
    lost, done = workshop.audit(task, "wait")
    assert (lost.result or {})["error"]["error_type"] == "worker_lost" and done.success


def calls(context: dict[str, str]) -> list[tuple[Any, ...]]:
    with ledger(context["ledger"]) as book:
        return book.execute("select attempt, process from calls").fetchall()


def test_a_store_that_cannot_be_used_ends_the_worker_with_a_reason(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database " * 300)
    with closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("begin exclusive")
        for url, code, words in (
            (f"sqlite:///{tmp_path}/broken.db", 1, "is not a sound SQLite database"),
            (f"sqlite:///{tmp_path}/locked.db?busy_timeout=0.2", 1, "is locked: another process has been writing"),
            (f"sqlite:///{tmp_path}/nowhere/tasker.db", 1, "doesn't exist; make it first"),
            ("mysql://localhost/shop", 1, "unknown kind of database 'mysql'"),
        ):
            done = tasker("worker", "--handlers", HANDLERS, cwd=tmp_path, url=url)
            assert done.code == code and words in done.err, done
            assert "Traceback" not in done.err
