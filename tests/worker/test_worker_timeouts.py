"""``timeout_seconds``, and handlers that are told to stop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from tasker_core import StepCancelledError, StepContext, TaskStateError
from tests.support.workshop import Workshop, eventually

ONCE = {"max_attempts": 1}
TWICE = {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}
BEAT = 10.0
"""Seconds within which a handler hears of a cancellation: a heartbeat of 2 s, and a busy machine."""


def test_a_slow_sync_attempt_ends_and_its_late_result_is_refused(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    returned = threading.Event()

    @workshop.handler("work")
    def work(context: StepContext) -> dict[str, Any]:
        if context.is_retry():
            return {"attempt": context.attempt}
        workshop.gate.wait(30)
        returned.set()
        return {"late": context.cancelled}

    workshop.template({"work": []}, work={"timeout_seconds": 0.2, "retry": TWICE})
    workshop.start()
    began = time.monotonic()
    task = workshop.run()
    assert task.status == "complete" and time.monotonic() - began < 5
    workshop.gate.set()
    assert returned.wait(5)
    eventually(lambda: "returned after its attempt was over (the attempt timed out)" in caplog.text)
    assert workshop.result(task.task_uuid, "work") == {"attempt": 2}
    first, second = workshop.audit(task.task_uuid, "work")
    assert first.result is not None and first.result["error"]["error_type"] == "timeout"
    assert "longer than timeout_seconds: 0.2" in first.result["error"]["message"]
    assert (first.to_state, second.to_state) == ("waiting_for_retry", "complete")


def test_a_slow_async_attempt_is_cancelled(workshop: Workshop) -> None:
    cancelled = threading.Event()

    @workshop.handler("work")
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    workshop.template({"work": []}, work={"timeout_seconds": 0.2, "retry": ONCE})
    workshop.start()
    task = workshop.run()
    assert task.status == "blocked_by_failures"
    assert workshop.error(task.task_uuid, "work")["error_type"] == "timeout"
    assert cancelled.wait(5)


def test_a_worker_whose_slots_are_all_held_for_good_ends_itself(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tasker_core.worker.loop.STUCK_AFTER", 0.2)
    workshop.handler("hangs")(lambda: workshop.gate.wait(60))
    workshop.template({"hangs": []}, hangs={"timeout_seconds": 0.1, "retry": ONCE})
    tasks = [workshop.create(context={"no": no}) for no in range(3)]
    worker = workshop.start(concurrency=2)
    eventually(lambda: not worker.is_running)
    assert "handlers that outlive their attempts hold all its slots: hangs of task" in caplog.text
    assert [workshop.states(task)["hangs"] for task in tasks] == ["error", "error", "enqueued"]
    assert workshop.steps(tasks[2])["hangs"].attempts == 0
    workshop.gate.set()


def test_the_clock_of_an_attempt_starts_with_its_handler(workshop: Workshop) -> None:
    """Steps that lie ready behind others don't lose their time to them."""

    @workshop.handler("work")
    def work() -> None:
        time.sleep(0.15)

    workshop.template({f"s{no}": [] for no in range(6)}, **{
        f"s{no}": {"handler": {"callable": "work"}, "timeout_seconds": 0.6, "retry": ONCE} for no in range(6)
    })  # fmt: skip
    workshop.start(concurrency=1)
    assert workshop.run().status == "complete"


def test_a_quick_handler_is_left_in_peace(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work(context: StepContext) -> dict[str, Any]:
        context.heartbeat({"done": 1})
        return {"cancelled": context.cancelled}

    workshop.template({"work": []}, work={"timeout_seconds": 30})
    workshop.start()
    assert workshop.result(workshop.run().task_uuid, "work") == {"cancelled": False}


def test_cancelling_a_task_reaches_what_runs_and_stops_what_has_not_begun(workshop: Workshop) -> None:
    inside = threading.Barrier(4)
    heard: dict[str, str] = {}

    @workshop.handler("looks")
    def looks(context: StepContext) -> dict[str, bool]:
        inside.wait(10)
        while not context.cancelled:
            time.sleep(0.01)
        heard["looks"] = "cancelled"
        return {"ignored": True}

    @workshop.handler("beats")
    def beats(context: StepContext) -> None:
        inside.wait(10)
        try:
            while True:
                context.heartbeat()
                time.sleep(0.01)
        except StepCancelledError as error:
            heard["beats"] = str(error)
            raise

    @workshop.handler("awaits")
    async def awaits() -> None:
        await asyncio.get_running_loop().run_in_executor(None, inside.wait, 10)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            heard["awaits"] = "cancelled"
            raise

    workshop.handler("after")(lambda: heard.setdefault("after", "ran"))
    workshop.template({"looks": [], "beats": [], "awaits": [], "after": ["looks"]})
    workshop.start()
    task = workshop.create()
    inside.wait(10)
    assert workshop.client.cancel_task(task, reason="the customer changed her mind") == {"cancelled": True}
    assert workshop.finish(task).status == "cancelled"
    eventually(lambda: len(heard) == 3, timeout=BEAT)
    assert heard == {"looks": "cancelled", "beats": "the task was cancelled", "awaits": "cancelled"}
    assert set(workshop.states(task).values()) == {"cancelled"}
    with pytest.raises(TaskStateError, match="is cancelled already; only an unfinished task can be cancelled"):
        workshop.client.cancel_task(task)
    said = workshop.query("select actor, reason from tasker_transitions where to_state = 'cancelled' and no = 0")
    assert said == [("client tasker-core-python", "the customer changed her mind")]


def test_the_result_of_a_cancelled_task_is_refused(workshop: Workshop) -> None:
    inside = threading.Event()

    @workshop.handler("work")
    def work() -> dict[str, bool]:
        inside.set()
        workshop.gate.wait(30)
        return {"done": True}

    workshop.handler("after")(lambda: None)
    workshop.template({"work": [], "after": ["work"]})
    workshop.start()
    task = workshop.create()
    assert inside.wait(10)
    workshop.client.cancel_task(task)
    workshop.gate.set()
    refused = "select count(*) from tasker_transitions where reason like 'late report refused%'"
    eventually(lambda: workshop.query(refused) == [(1,)])
    assert workshop.states(task) == {"work": "cancelled", "after": "cancelled"}
    assert workshop.client.get_task(task).status == "cancelled"
    assert workshop.steps(task)["work"].results is None
