"""What runs at the same time and what waits for what."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tasker_core import PermanentError, StepContext
from tasker_core.step_handler import depends_on, step_handler
from tests.support.workshop import Workshop, eventually

TOGETHER = 10.0
"""Seconds that handlers wait for each other: long, for a busy machine."""


def test_independent_steps_run_at_the_same_time(workshop: Workshop) -> None:
    meeting = threading.Barrier(4)

    def meet() -> dict[str, Any]:
        return {"place": meeting.wait(TOGETHER)}

    branches = ["north", "east", "south", "west"]
    for name in branches:
        workshop.handler(name)(meet)
        meet = _copy(meet)
    workshop.handler("start")(lambda: None)
    workshop.handler("end")(lambda: None)
    workshop.template({"start": [], **{name: ["start"] for name in branches}, "end": branches})
    workshop.start(concurrency=4)
    task = workshop.run()
    assert task.status == "complete"
    assert sorted(workshop.result(task.task_uuid, name)["place"] for name in branches) == [0, 1, 2, 3]


def _copy(function: Any) -> Any:
    """A function may be decorated once only."""
    return lambda: function.__wrapped__() if hasattr(function, "__wrapped__") else function()


def test_async_and_sync_handlers_run_side_by_side(workshop: Workshop) -> None:
    inside = threading.Semaphore(0)
    both = threading.Event()

    @workshop.handler("blocks")
    def blocks() -> None:
        inside.release()
        assert both.wait(TOGETHER)

    @workshop.handler("awaits")
    async def awaits() -> None:
        inside.release()
        while not both.is_set():
            await asyncio.sleep(0.005)

    workshop.template({"blocks": [], "awaits": []})
    workshop.start(concurrency=2)
    task = workshop.create()
    assert inside.acquire(timeout=TOGETHER) and inside.acquire(timeout=TOGETHER)
    both.set()
    assert workshop.finish(task).status == "complete"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_concurrency_one_means_one_at_a_time(workshop: Workshop, kind: str) -> None:
    running, most, calls = 0, 0, 0
    counting = threading.Lock()

    def enter() -> None:
        nonlocal running, most, calls
        with counting:
            running, calls = running + 1, calls + 1
            most = max(most, running)

    def leave() -> None:
        nonlocal running
        with counting:
            running -= 1

    @step_handler("work")
    def work() -> None:
        enter()
        time.sleep(0.002)
        leave()

    @step_handler("work")
    async def work_async() -> None:
        enter()
        await asyncio.sleep(0.002)
        leave()

    workshop.register("work", work if kind == "sync" else work_async)
    workshop.template({f"s{no}": [] for no in range(8)}, **_all_call("work", 8))
    workshop.start(concurrency=1)
    tasks = [workshop.create(context={"no": no}) for no in range(3)]
    assert {workshop.finish(task).status for task in tasks} == {"complete"}
    assert (most, calls, running) == (1, 24, 0)


def _all_call(handler: str, count: int) -> dict[str, Mapping[str, Any]]:
    return {f"s{no}": {"handler": {"callable": handler}} for no in range(count)}


def test_no_more_run_at_once_than_allowed(workshop: Workshop) -> None:
    counting = threading.Lock()
    running: set[int] = set()
    most = 0

    @workshop.handler("work")
    def work() -> None:
        nonlocal most
        with counting:
            running.add(threading.get_ident())
            most = max(most, len(running))
        time.sleep(0.01)
        with counting:
            running.discard(threading.get_ident())

    workshop.template({f"s{no}": [] for no in range(30)}, **_all_call("work", 30))
    workshop.start(concurrency=3)
    assert workshop.run().status == "complete"
    assert most == 3


def test_a_diamond_runs_in_order_and_joins_once(workshop: Workshop) -> None:
    order: list[str] = []

    def note(context: StepContext) -> dict[str, Any]:
        order.append(context.step_name)
        keys: Sequence[str] = context.get_dependency_result_keys()
        return {"saw": sorted(keys)}

    workshop.handler("note")(note)
    graph = {"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"]}
    workshop.template(graph, **{name: {"handler": {"callable": "note"}} for name in graph})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    assert order[0] == "top" and sorted(order[1:3]) == ["left", "right"] and order[3:] == ["bottom"]
    assert workshop.result(task.task_uuid, "bottom") == {"saw": ["left", "right"]}
    assert workshop.result(task.task_uuid, "top") == {"saw": []}


def test_a_handler_reads_what_any_ancestor_found_out(workshop: Workshop) -> None:
    workshop.handler("first")(lambda: {"n": 1})
    workshop.handler("second")(lambda: {"n": 2})
    workshop.handler("third")(lambda: {"n": 3})
    workshop.handler("aside")(lambda: {"n": 99})

    @step_handler("declared")
    @depends_on(first="first", third="third")
    def declared(first: dict[str, int], third: dict[str, int], context: StepContext) -> dict[str, Any]:
        return {"first": first, "third": third, "came": sorted(context.get_dependency_result_keys())}

    @step_handler("asked")
    def asked(context: StepContext) -> dict[str, Any]:
        return {
            "first": context.get_dependency_field("first", "n"),
            "second": context.get_dependency_result("second"),
            "nothing": context.get_dependency_result("no_such_step"),
        }

    workshop.register("declared", declared)
    workshop.register("asked", asked)
    graph = {
        "first": [],
        "second": ["first"],
        "third": ["second"],
        "aside": [],
        "declared": ["third"],
        "asked": ["declared"],
    }
    workshop.template(graph)
    task = workshop.create()
    workshop.start()
    assert workshop.finish(task).status == "complete"
    assert workshop.result(task, "declared") == {"first": {"n": 1}, "third": {"n": 3}, "came": ["first", "third"]}
    assert workshop.result(task, "asked") == {"first": 1, "second": {"n": 2}, "nothing": None}


def test_ancestors_are_readable_in_the_worker_that_takes_over(workshop: Workshop) -> None:
    workshop.handler("first")(lambda: {"n": 1})
    workshop.handler("second")(lambda: {"n": 2})
    workshop.template({"first": [], "second": ["first"], "third": ["second"]})
    workshop.start()
    task = workshop.create()
    eventually(lambda: workshop.states(task)["second"] == "complete")
    workshop.close()
    another = Workshop(workshop.directory)

    @another.handler("third")
    def third(context: StepContext) -> dict[str, Any]:
        return {"sum": context.get_dependency_result("first")["n"] + context.get_dependency_result("second")["n"]}

    try:
        another.start()
        assert another.finish(task).status == "complete"
        assert another.result(task, "third") == {"sum": 3}
    finally:
        another.close()


def test_siblings_of_a_failure_go_on_to_their_end(workshop: Workshop) -> None:
    failed = threading.Event()

    @workshop.handler("fails")
    def fails() -> None:
        raise PermanentError("the card was declined")

    @workshop.handler("goes_on")
    def goes_on() -> dict[str, bool]:
        assert failed.wait(TOGETHER)
        return {"done": True}

    workshop.handler("after_failure")(lambda: None)
    workshop.handler("after_success")(lambda: None)
    workshop.handler("join")(lambda: None)
    graph = {
        "fails": [],
        "goes_on": [],
        "after_failure": ["fails"],
        "after_success": ["goes_on"],
        "join": ["after_failure", "after_success"],
    }
    workshop.template(graph)
    workshop.start()
    task = workshop.create()
    eventually(lambda: workshop.states(task)["fails"] == "error")
    assert workshop.client.get_task(task).status == "steps_in_process"
    failed.set()
    finished = workshop.finish(task)
    assert (finished.status, finished.execution_status) == ("blocked_by_failures", "blocked_by_failures")
    assert (finished.completed_steps, finished.failed_steps, finished.pending_steps) == (2, 1, 2)
    assert workshop.states(task) == {
        "fails": "error",
        "goes_on": "complete",
        "after_failure": "pending",
        "after_success": "complete",
        "join": "pending",
    }


def test_slow_steps_do_not_strand_quick_ones_behind_them(workshop: Workshop) -> None:
    """A worker takes quick steps ahead; one that turns out to be slow mustn't hold up those that share its trip."""

    @workshop.handler("work")
    def work(context: StepContext) -> None:
        if context.get_input("slow"):
            workshop.gate.wait(30)

    workshop.template({"work": []})
    workshop.start(concurrency=4)
    for no in range(200):  # the worker learns that these are quick
        last = workshop.create(context={"warm": no})
    workshop.finish(last)
    requests = [{"name": "flow", "namespace": "shop", "context": {"slow": no in (0, 7), "no": no}} for no in range(120)]
    tasks = [task.task_uuid for task in workshop.client.create_tasks(requests)]
    for no, task in enumerate(tasks):
        if no not in (0, 7):
            assert workshop.finish(task, timeout=10).status == "complete", no
    assert {workshop.client.get_task(tasks[no]).status for no in (0, 7)} == {"steps_in_process"}
    workshop.gate.set()
    assert {workshop.finish(tasks[no]).status for no in (0, 7)} == {"complete"}


def test_urgent_tasks_go_first(workshop: Workshop) -> None:
    order: list[int] = []

    @workshop.handler("work")
    def work(context: StepContext) -> None:
        order.append(context.get_input("priority"))

    workshop.template({"work": []})
    tasks = [workshop.create(context={"priority": p}, priority=p) for p in (0, -5, 90, 3, 100)]
    workshop.start(concurrency=1)
    for task in tasks:
        workshop.finish(task)
    assert order == [100, 90, 3, 0, -5]
