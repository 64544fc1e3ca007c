"""What is told of a worker: how it is, what it did, with which settings it runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import tasker_core
from tasker_core import (
    BootstrapConfig,
    RetryableError,
    StepContext,
    Worker,
    WorkerNotInitializedError,
    get_health_check,
    get_metrics,
    get_version,
    get_worker_config,
    get_worker_status,
    health_check,
    transition_to_graceful_shutdown,
    version,
)
from tasker_core.types import WorkerState
from tests.support.workshop import Workshop, eventually


def parts() -> dict[str, str]:
    """The parts that aren't healthy."""
    found = get_health_check().components
    return {name: part.message or "" for name, part in found.items() if part.status != "healthy"}


@pytest.mark.parametrize("ask", [get_health_check, get_metrics, get_worker_config])
def test_without_a_worker_there_is_nothing_to_tell(ask: Any) -> None:
    with pytest.raises(WorkerNotInitializedError, match=r"start one with Worker.start\(\) or bootstrap_worker\(\)"):
        ask()
    assert health_check(), "the package can be used"


def test_a_worker_that_does_its_work_is_healthy(workshop: Workshop) -> None:
    workshop.handler("work")(lambda: None)
    workshop.template({"work": []})
    worker = workshop.start()
    told = get_health_check()
    assert (told.status, told.is_healthy, told.worker_id) == ("healthy", True, worker.worker_id)
    assert told.version == tasker_core.__version__ == version() == get_version()
    assert {part.status for part in told.components.values()} == {"healthy"} and len(told.components) >= 4
    assert health_check()


def test_numbers_are_what_was_done_since_the_start(workshop: Workshop) -> None:
    @workshop.handler("flaky")
    def flaky(context: StepContext) -> None:
        if context.attempt < 3:
            raise RetryableError("busy")

    @workshop.handler("slow")
    async def slow() -> None:
        import asyncio

        await asyncio.sleep(60)

    workshop.handler("quick")(lambda: None)
    workshop.template({"quick": [], "flaky": ["quick"]})
    workshop.template({"slow": []}, name="late", slow={"timeout_seconds": 0.1, "retry": {"max_attempts": 1}})
    workshop.start(concurrency=3)
    first = get_metrics()
    assert (first.steps_claimed, first.steps_succeeded, first.in_progress) == (0, 0, 0)
    assert workshop.run().status == "complete"
    assert workshop.run("late").status == "blocked_by_failures"
    eventually(lambda: get_metrics().in_progress == 0)
    told = get_metrics()
    assert (told.steps_claimed, told.steps_succeeded, told.steps_retried) == (5, 2, 2)
    assert (told.steps_failed, told.steps_timed_out, told.leases_lost) == (3, 1, 0)
    assert (told.slots, told.slots_free) == (3, 3) and told.uptime_seconds > 0
    Worker.reset_instance()
    workshop.start()
    assert get_metrics().steps_claimed == 0, "another worker begins anew"


def test_running_steps_hold_slots(workshop: Workshop) -> None:
    running = threading.Event()

    @workshop.handler("hold")
    def hold() -> None:
        running.set()
        workshop.gate.wait(20)

    workshop.template({"hold": []})
    workshop.start(concurrency=2)
    task = workshop.create()
    assert running.wait(20)
    assert (get_metrics().in_progress, get_metrics().slots_free) == (1, 1)
    assert get_worker_status().in_progress == 1
    workshop.gate.set()
    workshop.finish(task)
    eventually(lambda: get_metrics().in_progress == 0)


def test_handlers_that_outlive_their_attempts_are_named_and_make_it_unhealthy(workshop: Workshop) -> None:
    workshop.handler("hold")(lambda: workshop.gate.wait(20))
    workshop.template({"hold": []}, hold={"timeout_seconds": 0.1, "retry": {"max_attempts": 1}})
    workshop.start(concurrency=2)
    for no in range(2):
        assert workshop.run(context={"no": no}).status == "blocked_by_failures"
        (said,) = parts().values()
        assert f"hold {no + 1} of 2 slots" in said and "hold" in said
        assert (get_health_check().status, health_check()) == (("degraded", True) if no == 0 else ("unhealthy", False))
    workshop.gate.set()
    eventually(lambda: get_health_check().status == "healthy")


def test_steps_that_it_can_not_serve_are_odd_and_no_reason_to_restart_it(workshop: Workshop) -> None:
    workshop.handler("known")(lambda: None)
    workshop.template({"known": [], "unknown": []})
    workshop.start()
    told = get_health_check()
    assert (told.status, told.is_healthy) == ("degraded", True)
    assert parts() == {"handlers": "not served by this worker: shop/flow/unknown"}


def test_a_worker_that_drains_says_so(workshop: Workshop) -> None:
    workshop.start()
    assert get_worker_status().state is WorkerState.RUNNING
    transition_to_graceful_shutdown()
    assert get_worker_status().state is WorkerState.SHUTTING_DOWN
    assert get_health_check().status == "degraded" and "takes nothing more" in str(parts())


def test_the_settings_of_a_worker(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_ENV", "staging")
    monkeypatch.setenv("TASKER_API_KEY", "very-secret")
    workshop.handler("work")(lambda: None)
    workshop.template({"work": []})
    worker = workshop.start(config=BootstrapConfig(worker_id="front-desk"), concurrency=4, shutdown_timeout=7)
    told = get_worker_config()
    assert (told.environment, told.worker_id, told.concurrency) == ("staging", worker.worker_id, 4)
    assert (told.namespaces, told.handlers) == (["shop"], ["work"])
    assert told.settings["worker.name"] == "front-desk" and told.settings["worker.shutdown_timeout"] == 7
    assert "very-secret" not in told.model_dump_json()
