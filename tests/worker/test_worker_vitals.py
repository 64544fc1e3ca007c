"""What a worker tells of itself: what it did since it started, how it is, what it runs with."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tasker_core import PermanentError, RetryableError, StepContext
from tasker_core.worker.outlook import Outlook
from tests.support.workshop import Workshop, eventually


def test_it_counts_since_its_own_start(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay(context: StepContext) -> None:
        if context.get_input("card") == "bad":
            raise PermanentError("no")
        if not context.is_retry():
            raise RuntimeError("not yet")

    workshop.template({"pay": []})
    first = workshop.start(concurrency=3)
    workshop.run()
    first.stop()
    vitals = workshop.start(concurrency=3).service.vitals
    assert vitals.metrics().model_dump(exclude={"uptime_seconds"}) == {
        "steps_claimed": 0, "steps_succeeded": 0, "steps_failed": 0, "steps_retried": 0, "steps_timed_out": 0,
        "leases_lost": 0, "in_progress": 0, "slots": 3, "slots_free": 3,
    }  # fmt: skip
    workshop.run(context={"card": "good"})
    workshop.run(context={"card": "bad"})
    eventually(lambda: vitals.metrics().in_progress == 0)
    told = vitals.metrics()
    assert (told.steps_claimed, told.steps_succeeded, told.steps_failed, told.steps_retried) == (3, 1, 2, 1)
    assert told.uptime_seconds > 0


def test_slots_that_outlive_their_attempts_are_told(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        workshop.gate.wait()

    workshop.template({"pay": []}, pay={"timeout_seconds": 0.05, "retry": {"max_attempts": 1}})
    vitals = workshop.start(concurrency=2).service.vitals
    assert vitals.health().is_healthy
    workshop.run()
    eventually(lambda: vitals.health().status != "healthy")
    health = vitals.health()
    assert (health.status, health.components["step_processing"].status) == ("degraded", "degraded")
    assert health.is_healthy and "1 of 2 slots: pay of task" in (health.components["step_processing"].message or "")
    workshop.run(context={"no": 2})
    assert eventually(lambda: vitals.health().status == "unhealthy")
    assert not vitals.health().is_healthy
    assert vitals.metrics().steps_timed_out == 2 and vitals.stuck_handlers == 2
    workshop.gate.set()
    assert eventually(lambda: vitals.health().is_healthy)


def test_steps_that_it_cant_serve_and_a_drain_are_told(workshop: Workshop) -> None:
    workshop.template({"pay": []})
    service = workshop.start().service
    handlers = service.vitals.health().components["handlers"]
    assert handlers.status == "degraded" and "shop/flow/pay" in (handlers.message or "")
    service.drain()
    assert service.vitals.health().components["queue_processing"].status == "degraded"


def test_a_draining_worker_rests_though_a_retry_is_due(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    @workshop.handler("slow")
    def slow() -> None:
        workshop.gate.wait(10)

    @workshop.handler("flaky")
    def flaky() -> None:
        raise RetryableError("not now", retry_after=1)

    workshop.template({"slow": [], "flaky": []})
    service = workshop.start().service
    task = workshop.create()
    assert eventually(lambda: "waiting_for_retry" in workshop.states(task).values())
    service.drain()
    time.sleep(1.2)
    waits: list[float] = []
    wait = Outlook.wait

    def counted(outlook: Outlook, *given: Any) -> bool:
        waits.append(time.monotonic())
        return wait(outlook, *given)

    monkeypatch.setattr(Outlook, "wait", counted)
    time.sleep(0.5)
    assert 1 <= len(waits) < 100, "it looked thousands of times whether anything has ended"
    workshop.gate.set()


def test_a_heart_that_stopped_beating_is_unhealthy(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.template({"pay": []})
    service = workshop.start().service
    assert service.vitals.health().components["database"].status == "healthy"
    service.pulse.stop()
    service.pulse.join(5)
    monkeypatch.setattr(service.engine, "lease_time", 1)
    database = service.vitals.health().components["database"]
    assert database.status == "unhealthy" and "no heartbeat" in (database.message or "")


def test_the_config_holds_no_password(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay() -> None: ...

    workshop.template({"pay": []})
    told = workshop.start(concurrency=4, weights={"shop": 2.0}).service.vitals.config()
    assert (told.concurrency, told.namespaces, told.handlers) == (4, ["shop"], ["pay"])
    assert told.database == str(workshop.path)
    assert told.settings["worker.weights"] == {"shop": 2.0} and told.settings["worker.lease_seconds"] == 10
