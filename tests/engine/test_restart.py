"""A task runs again from a step, is tried again, given up or resolved, on each database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.engine import Engine
from tasker_core.errors import PayloadError, SchemaViolationError, StepNotFoundError, TaskStateError
from tasker_core.rules.payload import decode
from tasker_core.rules.template import Template
from tasker_core.words import Settled, Word
from tests.engine.test_decisions import APPROVAL, choose, states, task_of
from tests.support.batches import cursors
from tests.support.flows import Hands, failed, flow, ok, results, wish

ANN = Word("ann", "again")
ORDER = {"cart": [], "pay": ["cart"], "stock": ["cart"], "ship": ["pay", "stock"], "thank": ["ship"]}


@pytest.fixture
def task(engine: Engine) -> str:
    engine.catalog.register(flow(ORDER), replace=False)
    return engine.create([wish(engine, context={"card": "old"})])[0].task


def status(engine: Engine, task: str) -> str:
    return str(engine.views.task(task)["status"])


def test_that_step_and_all_after_it_run_again_and_earlier_results_stay(engine: Engine, hands: Hands, task: str) -> None:
    hands.play({"cart": lambda _: "cart 1", "stock": lambda _: "stock 1", "pay": lambda _: "pay 1"})
    assert status(engine, task) == "complete"
    engine.operator.restart(task, "pay", ANN)
    assert states(engine, task) == {
        "cart": "complete", "pay": "enqueued", "stock": "complete", "ship": "pending", "thank": "pending",
    }  # fmt: skip
    assert engine.views.task(task)["completed_at"] is None and status(engine, task) == "steps_in_process"
    seen: dict[str, Any] = {}
    assert hands.play({"pay": lambda _: "pay 2", "ship": lambda lease: seen.update(results(lease))}) == [
        "pay", "ship", "thank",
    ]  # fmt: skip
    assert seen == {"pay": "pay 2", "stock": "stock 1"} and status(engine, task) == "complete"
    told = [
        (t["step_name"], t["from_state"], t["to_state"]) for t in engine.views.transitions(task) if t["actor"] == "ann"
    ]
    assert sorted(told, key=str) == [
        ("pay", "complete", "enqueued"), ("ship", "complete", "pending"), ("thank", "complete", "pending"),
        (None, "complete", "steps_in_process"),
    ]  # fmt: skip


def test_an_attempt_before_the_restart_is_refused(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(ok(hands.claim()["cart"]))
    before = hands.claim()
    engine.operator.restart(task, "cart", ANN)
    assert [hands.answer(ok(lease)) for lease in before.values()] == [Settled.LOST, Settled.LOST]
    assert set(hands.claim()) == {"cart"}
    (history,) = [step["history"] for step in engine.views.steps(task) if step["name"] == "pay"]
    assert [(entry["ending"], entry["state"]) for entry in history] == [("taken", "pending")]


def test_another_context_is_what_the_task_works_on_from_now_on(
    engine: Engine, hands: Hands, task: str, another_engine: Callable[[], Engine]
) -> None:
    hands.report(ok(hands.claim()["cart"]))
    hands.report(*map(ok, hands.claim().values()))
    another_engine().operator.restart(task, "pay", ANN, context={"card": "new"})
    seen: list[Any] = []
    hands.play({"pay": lambda lease: seen.append(decode(lease.context))})
    assert seen == [{"card": "new"}] and engine.views.task(task)["context"] == {"card": "new"}


def test_what_decisions_brought_about_is_gone_and_they_decide_anew(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, APPROVAL)
    hands.report(ok(hands.claim()["receive"]))
    hands.report(ok(hands.claim()["route"], choose("manager")(None)))
    late = hands.claim()["manager"]
    engine.operator.restart(task, "route", ANN)
    assert states(engine, task) == {"receive": "complete", "route": "enqueued"}
    assert engine.views.task(task)["total_steps"] == 2
    assert hands.answer(ok(late)) is Settled.LOST
    assert hands.play({"route": choose("auto")}) == ["route", "auto", "record", "notify"]
    assert status(engine, task) == "complete"
    engine.operator.restart(task, "receive", ANN)
    assert hands.play({"route": choose("manager")})[:3] == ["receive", "route", "manager"]
    assert hands.answer(ok(late)) is Settled.LOST, "its fence is never given again"
    assert status(engine, task) == "complete"
    assert engine.views.transitions(task)


def test_a_step_that_was_cancelled_and_is_born_again_has_another_fence(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, APPROVAL)
    hands.report(ok(hands.claim()["receive"]))
    hands.report(ok(hands.claim()["route"], choose("manager")(None)))
    late = hands.claim()["manager"]
    engine.cancel(task, actor="ann", reason="wrong customer")
    engine.operator.restart(task, "route", ANN)
    hands.report(ok(hands.claim()["route"], choose("manager")(None)))
    again = hands.claim()["manager"]
    assert again.key.fence > late.key.fence
    assert hands.answer(ok(late)) is Settled.LOST
    assert hands.answer(ok(again)) is Settled.APPLIED


def test_an_attempt_that_a_cancellation_ended_is_told_once_its_step_runs_again(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, {"first": [], "second": ["first"]})
    hands.report(ok(hands.claim()["first"]))
    late = hands.claim()["second"]
    engine.cancel(task, actor="ann", reason="wrong customer")
    engine.operator.restart(task, "first", ANN)
    assert hands.play() == ["first", "second"] and hands.answer(ok(late)) is Settled.LOST
    (second,) = (step for step in engine.views.steps(task) if step["name"] == "second")
    assert [entry["ending"] for entry in engine.views.audit(task, second["step_uuid"])] == ["ok", "taken"]


def test_a_branch_of_a_decision_that_stands_stays(engine: Engine, hands: Hands) -> None:
    graph = {"one?": [], "two?": [], "a": ["one"], "b": ["two"], "join&": ["a", "b"]}
    task = task_of(engine, graph)
    hands.play({"one": choose("a"), "two": choose("b")})
    engine.operator.restart(task, "two", ANN)
    assert states(engine, task) == {"one": "complete", "two": "enqueued", "a": "complete"}
    assert hands.play({"two": choose()}) == ["two", "join"]
    assert status(engine, task) == "complete"


def test_what_another_decision_named_as_well_stays_and_waits_again(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, {"one?": [], "two?": [], "x": ["one", "two"], "y": ["two"]})
    hands.play({"one": choose("x"), "two": choose("y")})
    engine.operator.restart(task, "two", ANN)
    assert states(engine, task) == {"one": "complete", "two": "enqueued", "x": "pending"}
    assert hands.play({"two": choose()}) == ["two", "x"] and status(engine, task) == "complete"


BATCH = {
    "name": "order", "namespace_name": "shop", "version": "1.0.0",
    "steps": [
        {"name": "cut", "type": "batchable", "handler": {"callable": "cut"},
         "batch_config": {"worker_template": "work", "parallelism": 2}},
        {"name": "work", "type": "batch_worker", "handler": {"callable": "work"}, "dependencies": ["cut"]},
        {"name": "sum", "type": "deferred_convergence", "handler": {"callable": "sum"}, "dependencies": ["work"]},
    ],
}  # fmt: skip


def cut(pieces: int) -> dict[str, Any]:
    made = {
        "type": "create_batches", "worker_template_name": "work", "cursor_configs": cursors(pieces),
        "total_items": pieces,
    }  # fmt: skip
    return {"batch_processing_outcome": made}


def test_an_analyzer_cuts_anew(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(Template.from_content(BATCH), replace=True)
    task = engine.create([wish(engine)])[0].task
    assert len(hands.play({"cut": lambda _: cut(3)})) == 5
    engine.operator.restart(task, "cut", ANN)
    assert states(engine, task) == {"cut": "enqueued"}
    assert len(hands.play({"cut": lambda _: cut(5)})) == 7 and status(engine, task) == "complete"


def test_one_piece_of_a_batch_runs_again_and_what_converges_on_it(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(Template.from_content(BATCH), replace=True)
    task = engine.create([wish(engine)])[0].task
    hands.play({"cut": lambda _: cut(3)})
    piece = next(name for name in states(engine, task) if name.startswith("work_"))
    engine.operator.restart(task, piece, ANN)
    assert hands.play() == [piece, "sum"] and status(engine, task) == "complete"


def test_what_cant_be_restarted_stays_as_it_is(engine: Engine, hands: Hands, task: str) -> None:
    with pytest.raises(TaskStateError, match=r"step 'cart' of task .* is enqueued and hasn't run yet"):
        engine.operator.restart(task, "cart", ANN)
    with pytest.raises(TaskStateError, match="waits for 'cart', which is enqueued; only a step whose parents are done"):
        engine.operator.restart(task, "pay", ANN)
    with pytest.raises(StepNotFoundError, match="did you mean 'cart'"):
        engine.operator.restart(task, "crat", ANN)
    with pytest.raises(PayloadError):
        engine.operator.restart(task, "cart", ANN, context={"n": float("inf")})
    assert engine.views.transitions(task) == [] and engine.views.task(task)["context"] == {"card": "old"}
    engine.operator.restart(task, "cart", ANN, context={"card": "new"})
    (told,) = engine.views.transitions(task)
    assert (told["step_name"], told["from_state"], told["to_state"]) == (None, "steps_in_process", "steps_in_process")


def test_the_new_context_must_fit_where_that_is_enforced(engine: Engine, hands: Hands) -> None:
    schema = {"type": "object", "required": ["sku"]}
    for enforce in ({}, {"schema_validation": "enforce"}):
        content = {**flow({"pay": []}, name="strict").content(), "input_schema": schema, **enforce}
        engine.catalog.register(Template.from_content(content), replace=True)
        task = engine.create([wish(engine, name="strict", context={"sku": len(enforce)})])[0].task
        if enforce:
            with pytest.raises(SchemaViolationError):
                engine.operator.restart(task, "pay", ANN, context={})
            continue
        engine.operator.restart(task, "pay", ANN, context={})
        assert [warning["code"] for warning in engine.views.task(task)["warnings"]] == ["input_schema"]
        engine.operator.restart(task, "pay", ANN, context={"sku": 1})
        assert engine.views.task(task)["warnings"] == []


def test_all_that_failed_runs_again(engine: Engine, hands: Hands, task: str) -> None:
    with pytest.raises(TaskStateError, match=r"no step of task .* has failed; nothing can be run again"):
        engine.operator.retry(task, ANN)
    hands.report(ok(hands.claim()["cart"]))
    hands.report(*(failed(lease, retryable=False) for lease in hands.claim().values()))
    assert status(engine, task) == "blocked_by_failures"
    engine.operator.retry(task, ANN)
    assert hands.play() == ["pay", "stock", "ship", "thank"] and status(engine, task) == "complete"


def test_a_task_that_is_given_up_ends_as_error_and_can_be_tried_again(engine: Engine, hands: Hands, task: str) -> None:
    with pytest.raises(TaskStateError, match="has failed; it can be cancelled, not given up"):
        engine.operator.give_up(task, ANN)
    hands.report(ok(hands.claim()["cart"]))
    leases = hands.claim()
    hands.report(failed(leases["pay"], retryable=False))
    engine.operator.give_up(task, ANN)
    assert status(engine, task) == "error" and engine.views.task(task)["completed_at"] is not None
    assert states(engine, task) == {
        "cart": "complete", "pay": "error", "stock": "cancelled", "ship": "cancelled", "thank": "cancelled",
    }  # fmt: skip
    assert leases["stock"].key in engine.beat(hands.number, [leases["stock"].key]).lost
    assert hands.answer(ok(leases["stock"])) is Settled.LOST
    with pytest.raises(TaskStateError, match="is error already; only an unfinished task can be given up"):
        engine.operator.give_up(task, ANN)
    engine.operator.reset(task, "pay", ANN)
    assert sorted(hands.play()) == ["pay", "ship", "stock", "thank"] and status(engine, task) == "complete"


def test_a_task_is_resolved_and_restarted_all_the_same(engine: Engine, hands: Hands, task: str) -> None:
    hands.report(ok(hands.claim()["cart"]))
    engine.operator.resolve(task, ANN)
    assert status(engine, task) == "resolved_manually" and hands.claim() == {}
    with pytest.raises(TaskStateError, match="is resolved_manually already"):
        engine.operator.resolve(task, ANN)
    engine.operator.restart(task, "cart", ANN)
    assert len(hands.play()) == len(ORDER) and status(engine, task) == "complete"
