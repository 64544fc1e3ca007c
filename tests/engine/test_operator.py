"""Operators end steps by hand, on each database: dependents go on, what was under way is fenced off."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.clock import stamp_of
from tasker_core.engine import Engine
from tasker_core.errors import InvalidRequestError, PayloadError, StepNotFoundError, TaskNotFoundError, TaskStateError
from tasker_core.words import Settled, StepState, Word
from tests.engine.test_decisions import APPROVAL, choose, states, task_of
from tests.support.flows import Hands, failed, flow, ok, results, wish

ANN = Word("ann", "paid in cash")
ORDER = {"pay": [], "stock": [], "ship": ["pay", "stock"]}


@pytest.fixture
def task(engine: Engine) -> str:
    engine.catalog.register(flow(ORDER), replace=False)
    return engine.create([wish(engine)])[0].task


def words(engine: Engine, task: str) -> list[tuple[Any, ...]]:
    """What operators said: step, from, to, actor, reason."""
    keys = ("step_name", "from_state", "to_state", "actor", "reason")
    return [tuple(change[key] for key in keys) for change in engine.views.transitions(task) if change["actor"] == "ann"]


def step(engine: Engine, task: str, name: str) -> dict[str, Any]:
    return next(step for step in engine.views.steps(task) if step["name"] == name)


def test_dependents_read_the_result_of_a_step_that_was_completed_by_hand(
    engine: Engine, hands: Hands, task: str
) -> None:
    leases = hands.claim()
    hands.report(failed(leases["pay"], "declined", retryable=False), ok(leases["stock"], {"left": 3}))
    assert engine.views.task(task)["status"] == "blocked_by_failures"
    engine.operator.complete_step(task, "pay", {"charge": "ch_1"}, ANN, metadata={"till": 3})
    assert engine.views.task(task)["status"] == "steps_in_process", "it goes on by itself"
    ship = hands.claim()["ship"]
    assert results(ship) == {"pay": {"charge": "ch_1"}, "stock": {"left": 3}}
    hands.report(ok(ship))
    assert engine.views.task(task)["status"] == "complete"
    paid = step(engine, task, "pay")
    assert (paid["current_state"], paid["results"]["success"], paid["attempts"]) == ("complete", True, 1)
    assert paid["results"]["metadata"] == {
        "till": 3, "manually_completed": True, "completed_by": "ann", "completion_reason": "paid in cash",
    }  # fmt: skip
    assert [attempt["ending"] for attempt in paid["history"]] == ["failed", "by_hand"]
    assert sorted(words(engine, task), key=str) == [
        ("pay", "error", "complete", "ann", "paid in cash"),
        (None, "blocked_by_failures", "steps_in_process", "ann", "paid in cash"),
    ]
    audit = engine.views.audit(task, paid["step_uuid"])
    assert (audit[0]["success"], audit[0]["worker_uuid"]) == (True, None)


def test_a_resolved_step_counts_as_done_and_has_no_result(engine: Engine, hands: Hands, task: str) -> None:
    leases = hands.claim()
    hands.report(failed(leases["pay"], retryable=False), ok(leases["stock"], 3))
    engine.operator.resolve_step(task, "pay", ANN)
    ship = hands.claim()["ship"]
    assert results(ship) == {"pay": None, "stock": 3}
    engine.operator.resolve_step(task, "ship", ANN)
    done = engine.views.task(task)
    assert (done["status"], done["completed_steps"], done["completion_percentage"]) == ("complete", 3, 100.0)
    assert hands.answer(ok(ship)) is Settled.LOST
    assert engine.views.task(task)["completed_at"] is not None


def test_an_attempt_under_way_is_taken_from_its_worker(engine: Engine, hands: Hands, task: str) -> None:
    pay = hands.claim()["pay"]
    engine.operator.complete_step(task, "pay", 1, ANN)
    assert pay.key in engine.beat(hands.number, [pay.key]).lost, "its worker hears of it with the next beat"
    assert hands.answer(ok(pay, 2)) is Settled.LOST, "a late report changes nothing"
    told = step(engine, task, "pay")
    assert told["results"]["result"] == 1
    assert [(a["ending"], a["state"]) for a in told["history"]] == [("taken", "complete"), ("by_hand", "complete")]


@pytest.mark.parametrize("state", ["pending", "enqueued", "in_progress", "waiting_for_retry", "error"])
def test_whatever_isnt_done_can_be_ended(engine: Engine, hands: Hands, task: str, state: str) -> None:
    name = "ship" if state == "pending" else "pay"
    if state not in ("pending", "enqueued"):
        lease = hands.claim()[name]
        if state != "in_progress":
            hands.report(failed(lease, retryable=state != "error"))
    assert step(engine, task, name)["current_state"] == state
    engine.operator.resolve_step(task, name, ANN)
    assert step(engine, task, name)["current_state"] == "resolved_manually"
    with pytest.raises(TaskStateError, match="is resolved_manually already; restart the task from it"):
        engine.operator.complete_step(task, name, 1, ANN)
    engine.operator.resolve_step(task, "stock", ANN)
    if name == "ship":
        engine.operator.resolve_step(task, "pay", ANN)
        assert engine.views.task(task)["status"] == "complete"
    else:
        assert set(hands.claim()) == {"ship"}


def test_the_same_word_again_is_done_once(engine: Engine, hands: Hands, task: str) -> None:
    """A client whose answer was lost asks again, maybe long after."""
    hands.report(failed(hands.claim()["pay"], retryable=False))
    word = Word("ann", "again", stamp=4711)
    engine.operator.reset(task, "pay", word)
    hands.report(failed(hands.claim()["pay"], retryable=False))
    engine.operator.reset(task, "pay", word)
    assert step(engine, task, "pay")["current_state"] == "error", "the second call changed nothing"
    other = Word("ann", "cash", stamp=4712)
    engine.operator.complete_step(task, "pay", 1, other)
    engine.operator.complete_step(task, "pay", 2, other)
    assert step(engine, task, "pay")["results"]["result"] == 1


def test_what_cant_be_done_changes_nothing(engine: Engine, hands: Hands, task: str) -> None:
    before = engine.views.steps(task), engine.views.transitions(task)
    with pytest.raises(StepNotFoundError, match="has no step 'chip'; did you mean 'ship'"):
        engine.operator.resolve_step(task, "chip", ANN)
    with pytest.raises(TaskNotFoundError):
        engine.operator.resolve_step(task[:-4] + "ffff", "ship", ANN)
    with pytest.raises(PayloadError, match="result of step 'pay'"):
        engine.operator.complete_step(task, "pay", float("nan"), ANN)
    assert (engine.views.steps(task), engine.views.transitions(task)) == before
    engine.cancel(task, actor="ann")
    with pytest.raises(TaskStateError, match="is cancelled already; only a step of an unfinished task can be resolved"):
        engine.operator.resolve_step(task, "ship", ANN)


def test_a_process_that_remembers_reads_what_was_said_elsewhere(
    engine: Engine, hands: Hands, task: str, another_engine: Callable[[], Engine]
) -> None:
    leases = hands.claim()
    hands.report(ok(leases["stock"], 3), failed(leases["pay"], retryable=False))
    another_engine().operator.complete_step(task, "pay", "cash", ANN)
    assert results(hands.claim()["ship"]) == {"pay": "cash", "stock": 3}


def test_a_result_must_fit_where_that_is_enforced(engine: Engine, hands: Hands) -> None:
    schema = {"type": "object", "required": ["charge"]}
    template = flow({"pay": []}, name="strict", result_schema=schema).content() | {"schema_validation": "enforce"}
    engine.catalog.register(type(flow({"pay": []})).from_content(template), replace=False)
    task = engine.create([wish(engine, name="strict")])[0].task
    with pytest.raises(InvalidRequestError, match="doesn't fit the step's result_schema") as refused:
        engine.operator.complete_step(task, "pay", {}, ANN)
    assert refused.value.field == "result" and step(engine, task, "pay")["current_state"] == "enqueued"
    engine.operator.complete_step(task, "pay", {"charge": 1}, ANN)


def test_elsewhere_it_is_a_warning(engine: Engine) -> None:
    engine.catalog.register(flow({"pay": []}, name="lenient", result_schema={"type": "object"}), replace=False)
    task = engine.create([wish(engine, name="lenient")])[0].task
    engine.operator.complete_step(task, "pay", 5, ANN)
    (warning,) = engine.views.task(task)["warnings"]
    assert warning["step"] == "pay" and engine.views.task(task)["status"] == "complete"


def test_a_decision_by_hand_decides(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, APPROVAL)
    assert hands.play({"route": choose("nowhere")}) == ["receive", "route"]
    with pytest.raises(InvalidRequestError, match="can't be carried out: 'nobody' can't be reached"):
        engine.operator.complete_step(task, "route", choose("nobody")(None), ANN)
    assert states(engine, task)["route"] == "error"
    engine.operator.complete_step(task, "route", choose("manager")(None), ANN)
    assert hands.play() == ["manager", "finance", "record", "notify"]
    assert engine.views.task(task)["status"] == "complete"


def test_a_decision_that_is_resolved_has_chosen_nothing(engine: Engine, hands: Hands) -> None:
    task = task_of(engine, {"one?": [], "two?": [], "a": ["one"], "b": ["two"], "join&": ["a", "b"]})
    leases = hands.claim()
    hands.report(ok(leases["one"], choose("a")(None)))
    assert "join" not in states(engine, task), "the other decision may still send something its way"
    engine.operator.resolve_step(task, "two", ANN)
    assert states(engine, task) == {
        "one": "complete", "two": str(StepState.RESOLVED_MANUALLY), "a": "enqueued", "join": "pending",
    }  # fmt: skip
    assert hands.play() == ["a", "join"]


def test_ids_that_one_machine_made_by_its_clock_are_different_words() -> None:
    ids = [str(uuid.uuid1()) for _ in range(100)]
    assert len({stamp_of(each) for each in ids}) == len({stamp_of(each.upper()) for each in ids}) == 100
