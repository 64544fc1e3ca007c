"""The graceful stop: what runs is finished, what hasn't begun is handed back, and no attempt is spent on it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tasker_core import StepContext
from tasker_core.words import Word
from tests.support.workshop import Workshop, eventually


def test_a_stop_finishes_what_runs_and_hands_back_the_rest(workshop: Workshop) -> None:
    inside = threading.Event()
    calls: list[str] = []

    @workshop.handler("work")
    def work(context: StepContext) -> dict[str, bool]:
        calls.append(str(context.task_uuid))
        inside.set()
        workshop.gate.wait(30)
        return {"done": True}

    workshop.template({"work": []})
    tasks = [workshop.create(context={"no": no}) for no in range(4)]
    worker = workshop.start(concurrency=1)
    assert inside.wait(10)
    threading.Timer(0.2, workshop.gate.set).start()
    worker.stop()
    assert calls == tasks[:1]
    assert workshop.states(tasks[0]) == {"work": "complete"}
    for task in tasks[1:]:
        step = workshop.steps(task)["work"]
        assert (step.current_state, step.attempts) == ("enqueued", 0)
    assert workshop.query("select count(*) from tasker_steps where state = 'in_progress'") == [(0,)]
    workshop.start()
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
    assert {workshop.steps(task)["work"].attempts for task in tasks} == {1}


def test_the_next_step_is_left_to_the_next_worker(workshop: Workshop) -> None:
    inside = threading.Event()

    @workshop.handler("first")
    def first() -> None:
        inside.set()
        workshop.gate.wait(30)

    workshop.handler("second")(lambda: None)
    workshop.template({"first": [], "second": ["first"]})
    worker = workshop.start()
    task = workshop.create()
    assert inside.wait(10)
    threading.Timer(0.1, workshop.gate.set).start()
    worker.stop()
    assert workshop.states(task) == {"first": "complete", "second": "enqueued"}
    workshop.start()
    assert workshop.finish(task).status == "complete"


def test_what_does_not_end_in_time_is_left_behind_and_said(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    inside = threading.Event()

    @workshop.handler("hangs")
    def hangs() -> None:
        inside.set()
        workshop.gate.wait(60)

    @workshop.handler("awaits")
    async def awaits() -> None:
        await asyncio.sleep(60)

    workshop.template({"hangs": [], "awaits": []})
    worker = workshop.start(shutdown_timeout=0.3)
    task = workshop.create()
    assert inside.wait(10)
    eventually(lambda: set(workshop.states(task).values()) == {"in_progress"})
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 5
    assert "step hangs of task" in caplog.text and "still runs after 0.3 s" in caplog.text
    steps = workshop.steps(task)
    assert (steps["awaits"].current_state, steps["awaits"].attempts) == ("enqueued", 0), "an async one is handed back"
    assert steps["hangs"].current_state == "in_progress"
    workshop.handler("hangs")(lambda: None)
    workshop.handler("awaits")(lambda: None)
    workshop.start()
    assert workshop.finish(task).status == "complete"
    lost, _ = workshop.audit(task, "hangs")
    assert lost.result is not None and lost.result["error"]["error_type"] == "worker_lost"


@pytest.mark.parametrize("kind", ["created meanwhile", "lying there"])
def test_a_stop_at_any_moment_spends_no_attempt(workshop: Workshop, kind: str) -> None:
    """Steps are claimed, begun and settled while the worker stops; none may be lost on the way."""
    workshop.handler("one")(lambda: None)
    workshop.handler("two")(lambda: None)
    workshop.template({"one": [], "two": ["one"]})
    tasks: list[str] = []
    no = 0
    for pause in range(25):
        if kind == "lying there":
            requests = [{"name": "flow", "namespace": "shop", "context": {"no": no + n}} for n in range(20)]
            tasks.extend(task.task_uuid for task in workshop.client.create_tasks(requests))
            no += 20
            worker = workshop.start(concurrency=4)
            time.sleep(0.0005 * pause)
        else:
            worker = workshop.start(concurrency=4)
            over = threading.Event()

            def submit(over: threading.Event = over) -> None:
                nonlocal no
                while not over.is_set():
                    no += 1
                    tasks.append(workshop.create(context={"no": no}))

            customer = threading.Thread(target=submit)
            customer.start()
            time.sleep(0.0005 * pause)
        worker.stop()
        if kind != "lying there":
            over.set()
            customer.join()
        assert workshop.query("select count(*) from tasker_steps where state = 'in_progress'") == [(0,)], pause
    workshop.start()
    for task in tasks:
        assert workshop.finish(task).status == "complete"
    assert workshop.query("select ending, count(*) from tasker_attempts where ending = 'lost' group by 1") == []
    assert workshop.query("select max(attempt) from tasker_steps") == [(1,)]


def test_a_worker_that_an_operator_drains_ends_what_it_runs_and_takes_no_more(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker_core.worker.transport.BEAT_EVERY", 50_000)
    monkeypatch.setattr("tasker_core.worker.pulse.SWEEP_EVERY", 0.05)
    inside = threading.Event()

    @workshop.handler("work")
    def work() -> None:
        inside.set()
        workshop.gate.wait(30)

    workshop.template({"work": []})
    tasks = [workshop.create(context={"no": no}) for no in range(3)]
    worker = workshop.start(concurrency=1)
    assert inside.wait(10)
    worker.service.engine.workers.drain(worker.worker_id, Word("client ann", "a new version comes"))
    eventually(lambda: worker.service.loop.is_draining)
    workshop.gate.set()
    assert workshop.finish(tasks[0]).status == "complete"
    tasks.append(workshop.create(context={"no": 3}))
    eventually(lambda: worker.service.loop.is_idle)
    for task in tasks[1:]:
        step = workshop.steps(task)["work"]
        assert (step.current_state, step.attempts) == ("enqueued", 0)
    worker.stop()
    workshop.start()
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
