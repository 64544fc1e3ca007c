"""A task is paused and goes on, on each database: nothing of it begins meanwhile, whatever becomes of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.errors import TaskNotFoundError, TaskStateError
from tasker_core.rules.explanation import ReasonKind
from tasker_core.words import Settled, Word
from tests.engine.test_decisions import choose, states, task_of
from tests.support.batches import batching, cut
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish, yielded
from tests.support.graphs import tables

ANN, BOB = Word("ann", "the bank is down"), Word("bob", "it is back")
ORDER = {"cart": [], "pay": ["cart"], "stock": ["cart"], "ship": ["pay", "stock"]}


@pytest.fixture
def task(engine: Engine) -> str:
    engine.catalog.register(flow(ORDER), replace=False)
    return engine.create([wish(engine)])[0].task


def kinds(engine: Engine, task: str) -> dict[str, ReasonKind]:
    return {step.name: step.reason.kind for step in engine.explain(task).steps}


# Seen to fail without hold_steps, and without let_steps_go.
def test_nothing_begins_until_it_is_resumed(engine: Engine, hands: Hands, clock: ManualClock, task: str) -> None:
    engine.operator.pause(task, ANN)
    at = clock.now()
    assert hands.claim() == {} and engine.store.steps.look(["shop/cart"]).waiting == {}
    told = engine.views.task(task)
    assert told["paused"] == {
        "what": "task", "by": "ann", "at": "2027-01-15T08:00:00.000000Z", "reason": "the bank is down",
    }  # fmt: skip
    assert told["status"] == "steps_in_process"
    clock.advance(60)
    why = engine.explain(task)
    assert kinds(engine, task)["cart"] is ReasonKind.TASK_PAUSED
    assert why.steps[0].reason.text == "held: task paused by ann since 2027-01-15 08:00:00 UTC: the bank is down"
    assert why.steps[0].reason.since == at and why.advice == (f"let it go on: tasker task resume {task}",)
    engine.operator.resume(task, BOB)
    assert engine.views.task(task)["paused"] is None
    assert hands.play() == ["cart", "pay", "stock", "ship"]
    said = [
        (t["verb"], t["actor"], t["reason"], t["from_state"], t["to_state"]) for t in engine.views.transitions(task)
    ]
    assert said[:2] == [
        ("pause", "ann", "the bank is down", "steps_in_process", "steps_in_process"),
        ("resume", "bob", "it is back", "steps_in_process", "steps_in_process"),
    ]
    assert said[-1][0] is None, "nobody said that it is complete"


def test_what_runs_goes_on_and_what_it_frees_is_held(engine: Engine, hands: Hands, task: str) -> None:
    cart = hands.claim()["cart"]
    engine.operator.pause(task, ANN)
    reply = hands.report(ok(cart), then=hands.request())
    assert reply.answers[cart.key] is Settled.APPLIED and not reply.leases
    assert states(engine, task) == {"cart": "complete", "pay": "enqueued", "stock": "enqueued", "ship": "pending"}
    assert kinds(engine, task) == {
        "pay": ReasonKind.TASK_PAUSED, "stock": ReasonKind.TASK_PAUSED, "ship": ReasonKind.WAITS_FOR_PARENTS,
    }  # fmt: skip
    assert hands.claim() == {}
    engine.operator.resume(task, BOB)
    assert set(hands.claim()) == {"pay", "stock"}


def test_other_tasks_of_the_lane_go_on(engine: Engine, hands: Hands, task: str) -> None:
    other = engine.create([wish(engine, context={"n": 2})])[0].task
    engine.operator.pause(task, ANN)
    assert [lease.task_uuid for lease in hands.claim_all()] == [other]


@pytest.mark.parametrize("how", ["retry", "checkpoint", "handed back", "crash"])
def test_a_step_that_comes_back_is_held(engine: Engine, clock: ManualClock, task: str, how: str) -> None:
    hands = Hands(engine, AWAY)
    cart = hands.claim()["cart"]
    engine.operator.pause(task, ANN)
    if how == "retry":
        hands.report(failed(cart))
        clock.advance(100)
        assert "; then held: task paused by ann" in engine.explain(task).steps[0].reason.text
        assert engine.enqueue_due("timer") == 1
    elif how == "checkpoint":
        hands.report(yielded(cart, 7))
    elif how == "handed back":
        engine.give_back(hands.number, [cart.key], "stopping")
    else:
        engine.store.workers.end(hands.number)
        assert engine.sweep() == 1
        hands = Hands(engine)
    assert states(engine, task)["cart"] == "enqueued"
    assert kinds(engine, task)["cart"] is ReasonKind.TASK_PAUSED
    assert hands.claim() == {}
    engine.operator.resume(task, BOB)
    again = hands.claim()["cart"]
    assert again.lane == "shop/cart" and hands.answer(ok(again)) is Settled.APPLIED


def test_what_is_said_meanwhile_is_held_as_well(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(ok(hands.claim()["cart"]))
    leases = hands.claim()
    hands.report(ok(leases["stock"]), failed(leases["pay"], retryable=False))
    engine.operator.pause(task, ANN)
    engine.operator.reset(task, "pay", ANN)
    assert hands.claim() == {}, "a failed step that was reset"
    engine.operator.restart(task, "cart", ANN)
    assert states(engine, task)["cart"] == "enqueued" and hands.claim() == {}, "and steps that were done"
    engine.operator.complete_step(task, "cart", 1, ANN)
    assert states(engine, task)["stock"] == "enqueued" and hands.claim() == {}, "and what a person frees"
    engine.operator.resume(task, BOB)
    assert hands.play() == ["pay", "stock", "ship"]


def test_a_decision_brings_about_what_is_held(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, {"route?": [], "a": ["route"], "b": ["route"], "join&": ["a", "b"]})
    route = hands.claim()["route"]
    engine.operator.pause(task, ANN)
    hands.report(ok(route, choose("a")(None)))
    assert states(engine, task)["a"] == "enqueued" and hands.claim() == {}
    engine.operator.resume(task, BOB)
    assert hands.play() == ["a", "join"]


def test_a_batch_waits_as_well(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(batching(parallelism=2), replace=True)
    task = engine.create([wish(engine)])[0].task
    analyzer = hands.claim()["analyze"]
    engine.operator.pause(task, ANN)
    hands.report(ok(analyzer, cut(3)))
    assert hands.claim() == {}, "pieces that came into being meanwhile"
    engine.operator.resume(task, BOB)
    pieces = hands.claim()
    assert set(pieces) == {"process_001", "process_002"}
    engine.operator.pause(task, ANN)
    hands.report(*map(ok, pieces.values()))
    assert states(engine, task)["process_003"] == "enqueued" and hands.claim() == {}, "and one that was let in"
    engine.operator.resume(task, BOB)
    assert hands.play() == ["process_003", "total", "tell"]


def test_a_pause_ends_with_its_task(engine: Engine, hands: Hands, task: str) -> None:
    engine.operator.pause(task, ANN)
    engine.cancel(task, actor="ann")
    assert engine.views.task(task)["paused"] is None
    with pytest.raises(TaskStateError, match="is cancelled already; only an unfinished task that is paused can be"):
        engine.operator.resume(task, BOB)
    engine.operator.restart(task, "cart", ANN)
    assert engine.views.task(task)["paused"] is None
    assert hands.play() == ["cart", "pay", "stock", "ship"]


def test_what_cant_be_paused_or_resumed_is_refused(engine: Engine, hands: Hands, task: str) -> None:
    with pytest.raises(TaskStateError, match=f"task {task} isn't paused; there is nothing to resume"):
        engine.operator.resume(task, BOB)
    engine.operator.pause(task, ANN)
    with pytest.raises(TaskStateError, match=r"is paused already, by ann since .*: the bank is down"):
        engine.operator.pause(task, BOB)
    engine.operator.resume(task, BOB)
    with pytest.raises(TaskStateError, match="isn't paused"):
        engine.operator.resume(task, BOB)
    hands.play()
    before = engine.views.transitions(task)
    with pytest.raises(TaskStateError, match="is complete already; only an unfinished task can be paused") as refused:
        engine.operator.pause(task, ANN)
    assert refused.value.state == "complete" and engine.views.transitions(task) == before
    with pytest.raises(TaskNotFoundError):
        engine.operator.pause(task[:-4] + "ffff", ANN)


def test_the_same_pause_again_is_done_once(engine: Engine, hands: Hands, task: str) -> None:
    word = Word("ann", "", stamp=4711)
    engine.operator.pause(task, word)
    engine.operator.pause(task, word)
    engine.operator.resume(task, Word("ann", "", stamp=4712))
    engine.operator.pause(task, word)
    assert engine.views.task(task)["paused"] is None, "asked again long after"


def test_it_is_gone_with_its_task(engine: Engine, clock: ManualClock, task: str) -> None:
    engine.operator.pause(task, ANN)
    engine.cancel(task, actor="ann")
    clock.advance(100)
    assert engine.prune(1_000_000).tasks == 1
    assert not any(tables(engine.store, "paused_tasks").values())


def test_the_doctor_tells_what_is_held(engine: Engine, clock: ManualClock, task: str) -> None:
    hands = Hands(engine)
    engine.store.workers.serve(hands.number, ["shop/cart", "shop/pay", "shop/stock", "shop/ship"])
    engine.operator.pause(task, ANN)
    clock.advance(600)
    engine.beat(hands.number, [])
    found = {str(check.kind): check for check in engine.doctor().checks}
    assert found["pauses"].text == "1 task paused, the first for 10 min"
    assert found["pauses"].advice.endswith(f"tasker explain {task}")
    assert found["queue"].text == "nothing waits"


def every_verb() -> dict[str, Callable[[Engine, str], Any]]:
    return {
        "reset": lambda e, t: e.operator.reset(t, "pay", ANN),
        "retry": lambda e, t: e.operator.retry(t, ANN),
        "restart": lambda e, t: e.operator.restart(t, "cart", ANN),
        "give_up": lambda e, t: e.operator.give_up(t, ANN),
        "resolve": lambda e, t: e.operator.resolve(t, ANN),
        "resolve_step": lambda e, t: e.operator.resolve_step(t, "pay", ANN),
        "complete_step": lambda e, t: e.operator.complete_step(t, "pay", 1, ANN),
        "cancel": lambda e, t: e.cancel(t, actor="ann", reason="the bank is down"),
        "pause": lambda e, t: e.operator.pause(t, ANN),
    }


@pytest.mark.parametrize("verb", every_verb())
def test_the_audit_names_the_verb_and_who_and_why(engine: Engine, hands: Hands, task: str, verb: str) -> None:
    hands.report(ok(hands.claim()["cart"]))
    leases = hands.claim()
    hands.report(failed(leases["pay"], retryable=False), ok(leases["stock"]))
    before = len(engine.views.transitions(task))
    every_verb()[verb](engine, task)
    said = engine.views.transitions(task)[before:]
    assert said and {(t["verb"], t["actor"], t["reason"]) for t in said} == {(verb, "ann", "the bank is down")}
