"""``compensate``: what a task had done is undone, once and in reverse, when it fails for good or somebody says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tasker_core import PermanentError, StepContext, TaskStateError
from tasker_core.step_handler import Decision, decision_handler, depends_on, step_handler
from tests.support.workshop import Workshop, eventually
from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]

ONCE = {"max_attempts": 1}
TWICE = {"max_attempts": 2, "backoff": "none", "backoff_base_ms": 1}


class Shop:
    """A workshop whose handlers write down that they were called; those in ``broken`` fail for good."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.calls: list[str] = []
        self.broken: set[str] = set()
        self.held: dict[str, threading.Event] = {}

    def serve(self, graph: dict[str, list[str]], *undone: str, **steps: Any) -> None:
        """A template of ``graph``, of which the steps ``undone`` are compensated."""
        for name in graph:
            self.workshop.register(name, self._handler(name))
        for name in undone:
            self.workshop.register(f"undo_{name}", self._handler(f"undo_{name}"))
            compensate = {"compensate": {"handler": f"undo_{name}", "retry": dict(TWICE)}}
            steps[name] = {**compensate, **steps.get(name, {})}
        self.workshop.template(graph, **steps)
        self.workshop.start(concurrency=4)

    def hold(self, *names: str) -> None:
        self.held |= {name: threading.Event() for name in names}

    def _handler(self, name: str) -> Any:
        @step_handler(name)
        def act(context: StepContext) -> dict[str, Any]:
            self.calls.append(name)
            if name in self.held:
                self.held[name].wait(20)
            if name in self.broken:
                raise PermanentError(f"{name} doesn't work")
            return {"by": name, "of": sorted(context.dependency_results)}

        return act


@pytest.fixture
def shop(workshop: Workshop) -> Shop:
    return Shop(workshop)


def refused(act: Callable[[], object], *words: str) -> None:
    with pytest.raises(TaskStateError) as error:
        act()
    for word in words:
        assert word in str(error.value), error.value


def test_what_was_done_is_undone_in_reverse_order(shop: Shop) -> None:
    graph = {"a": [], "b1": ["a"], "b2": ["a"], "between": ["b1", "b2"], "c": ["between"], "last": ["c"]}
    shop.broken = {"last"}
    shop.serve(graph, "a", "b1", "b2", "c", "last")
    task = shop.workshop.run()
    assert (task.status, task.compensated, task.execution_status) == ("error", True, "all_complete")
    undone = shop.calls[shop.calls.index("undo_c") :]
    assert undone[0] == "undo_c" and undone[-1] == "undo_a" and sorted(undone[1:3]) == ["undo_b1", "undo_b2"]
    steps = shop.workshop.steps(task.task_uuid)
    assert "undo:last" not in steps and "undo:between" not in steps
    assert (steps["undo:a"].compensates, steps["undo:a"].template_step, steps["a"].compensates) == ("a", "a", None)
    assert shop.workshop.result(task.task_uuid, "undo:a") == {"by": "undo_a", "of": ["a"]}
    assert (steps["undo:a"].total_parents, steps["undo:c"].total_parents) == (2, 0)
    assert shop.workshop.client.get_task(task.task_uuid).total_steps == 10


def test_a_compensation_reads_what_it_undoes_and_what_came_before(shop: Shop) -> None:
    seen: list[Any] = []

    @shop.workshop.handler("refund")
    @depends_on(charge="charge", cart="cart")
    def refund(charge: dict[str, Any], cart: dict[str, Any], context: StepContext) -> None:
        seen.append((charge["by"], cart["by"], context.get_input("no"), context.idempotency_key.partition(":")[2]))

    shop.broken = {"ship"}
    shop.serve({"cart": [], "charge": ["cart"], "ship": ["charge"]}, charge={"compensate": {"handler": "refund"}})
    assert shop.workshop.run(context={"no": 7}).compensated
    assert seen == [("charge", "cart", 7, "undo:charge")]


def test_where_nothing_is_to_undo_the_task_is_blocked_as_ever(shop: Shop) -> None:
    shop.broken = {"a"}
    shop.serve({"a": [], "b": ["a"]}, "a", "b")
    task = shop.workshop.run()
    assert (task.status, task.compensated) == ("blocked_by_failures", False)
    shop.broken.clear()
    shop.workshop.client.reset_step(task.task_uuid, shop.workshop.steps(task.task_uuid)["a"].step_uuid)
    assert shop.workshop.finish(task.task_uuid).status == "complete"


def test_what_is_in_progress_elsewhere_ends_first_and_is_undone_too(shop: Shop) -> None:
    shop.broken = {"fails"}
    shop.hold("slow")
    shop.serve({"a": [], "slow": ["a"], "fails": ["a"], "after": ["slow"]}, "a", "slow", "after")
    task = shop.workshop.create()
    eventually(lambda: shop.workshop.states(task)["fails"] == "error")
    assert shop.workshop.client.get_task(task).status == "steps_in_process"
    shop.held["slow"].set()
    assert shop.workshop.finish(task).compensated
    # Its branch goes on to its end before anything is undone.
    assert shop.calls[-4:] == ["after", "undo_after", "undo_slow", "undo_a"]


def test_a_compensation_that_fails_for_good_waits_for_an_operator(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.broken = {"c", "undo_b"}
    shop.serve({"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}, "a", "b")
    uuid = work.run().task_uuid
    task = client.get_task(uuid)
    assert (task.status, task.compensated, task.execution_status) == (
        "blocked_by_failures",
        False,
        "blocked_by_failures",
    )
    why = client.explain(uuid)
    assert "undo:b (permanent_error: undo_b doesn't work)" in why.text
    (waiting,) = why.steps
    assert waiting.name == "undo:a" and "the compensation of b" in waiting.reason.text
    steps = work.steps(uuid)
    refused(lambda: client.reset_step(uuid, steps["c"].step_uuid), "is being undone", "only a compensation")
    refused(lambda: client.complete_step(uuid, steps["c"].step_uuid, {}), "is being undone")
    refused(lambda: client.restart_task(uuid, "b"), "is being undone", "create a new task")
    refused(lambda: client.undo_task(uuid), "is being undone already")
    shop.broken.discard("undo_b")
    client.retry_task(uuid, "mended")
    assert work.finish(uuid).compensated
    assert shop.calls.count("undo_b") == 2 and shop.calls.count("undo_a") == 1 and shop.calls.count("c") == 1
    refused(lambda: client.retry_task(uuid), "is undone", "none has")
    refused(lambda: client.restart_task(uuid, "a"), "is undone")
    refused(lambda: client.undo_task(uuid), "undone already")


def test_a_compensation_is_ended_by_hand(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.broken = {"c", "undo_a", "undo_b"}
    shop.serve({"a": [], "b": ["a"], "c": ["b"]}, "a", "b")
    uuid = work.run().task_uuid
    client.resolve_step(uuid, work.steps(uuid)["undo:b"].step_uuid, "paid back by hand")
    eventually(lambda: work.states(uuid)["undo:a"] == "error")
    task = work.finish(uuid)
    assert task.status == "blocked_by_failures"
    client.complete_step(uuid, work.steps(uuid)["undo:a"].step_uuid, {"by": "hand"}, "paid back as well")
    task = work.finish(uuid)
    assert (task.status, task.compensated) == ("error", True)


def test_an_operator_undoes_a_task_that_is_complete(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.serve({"a": [], "b": ["a"]}, "a", "b")
    uuid = work.run().task_uuid
    client.undo_task(uuid, "the customer sends it back", by="ann")
    task = work.finish(uuid)
    assert (task.status, task.compensated) == ("error", True)
    assert shop.calls == ["a", "b", "undo_b", "undo_a"]
    refused(lambda: client.undo_task(uuid), "undone already")


def test_an_operator_undoes_a_task_that_runs(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.hold("b")
    shop.serve({"a": [], "b": ["a"], "c": ["b"]}, "a", "b", "c")
    uuid = work.create()
    eventually(lambda: "b" in shop.calls)
    client.undo_task(uuid, "not wanted any more")
    assert work.states(uuid) == {"a": "complete", "b": "in_progress", "c": "cancelled"}
    refused(lambda: client.undo_task(uuid), "is being undone already")
    shop.held["b"].set()
    assert work.finish(uuid).compensated
    assert shop.calls == ["a", "b", "undo_b", "undo_a"]


def test_what_ran_when_an_operator_said_so_may_fail(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.hold("a")
    shop.broken = {"a"}
    shop.serve({"a": [], "b": ["a"]}, "a", "b")
    uuid = work.create()
    eventually(lambda: "a" in shop.calls)
    client.undo_task(uuid)
    shop.held["a"].set()
    task = work.finish(uuid)
    assert (task.status, task.compensated, shop.calls) == ("error", True, ["a"])


def test_an_undoing_that_was_cancelled_goes_on(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.broken = {"c"}
    shop.hold("undo_b")
    shop.serve({"a": [], "b": ["a"], "c": ["b"]}, "a", "b")
    uuid = work.create()
    eventually(lambda: "undo_b" in shop.calls)
    client.cancel_task(uuid)
    shop.held["undo_b"].set()
    task = work.finish(uuid)
    assert (task.status, task.compensated) == ("cancelled", False)
    client.undo_task(uuid)
    assert work.finish(uuid).compensated
    assert shop.calls.count("undo_a") == 1


def test_there_must_be_something_to_undo(shop: Shop) -> None:
    work, client = shop.workshop, shop.workshop.client
    shop.broken = {"a"}
    shop.serve({"a": []}, "a")
    work.template({"a": []}, name="plain")
    refused(lambda: client.undo_task(work.run().task_uuid), "nothing to undo")
    refused(lambda: client.undo_task(work.run("plain").task_uuid), "declares a compensation")


def test_branches_that_werent_taken_have_nothing_to_undo(shop: Shop) -> None:
    work = shop.workshop

    @decision_handler("choose")
    def choose() -> Decision:
        return Decision.route(["left"])

    graph = {"choose": [], "left": ["choose"], "right": ["choose"], "join": ["left", "right"], "last": ["join"]}
    shop.broken = {"last"}
    for name in graph:
        work.register(name, shop._handler(name))
    work.register("choose", choose)
    special = {"choose": {"type": "decision"}, "join": {"type": "deferred_convergence"}}
    shop.serve(graph, "left", "right", "join", **special)
    work.register("choose", choose)
    task = work.run()
    assert task.compensated and shop.calls[-2:] == ["undo_join", "undo_left"]


def test_two_failures_undo_once(shop: Shop) -> None:
    shop.broken = {"b1", "b2", "b3"}
    shop.hold("b1", "b2", "b3")
    shop.serve({"a": [], "b1": ["a"], "b2": ["a"], "b3": ["a"]}, "a")
    tasks = [shop.workshop.create(context={"no": no}) for no in range(3)]
    for held in shop.held.values():
        held.set()
    assert all(shop.workshop.finish(task).compensated for task in tasks)
    assert shop.calls.count("undo_a") == 3


def test_the_failure_of_a_decision_undoes_as_well(shop: Shop) -> None:
    work = shop.workshop

    @decision_handler("choose")
    def choose() -> Decision:
        return Decision.route(["nowhere"])

    shop.serve({"a": [], "choose": ["a"], "b": ["choose"]}, "a", choose={"type": "decision"})
    work.register("choose", choose)
    assert work.run().compensated and shop.calls[-1] == "undo_a"
