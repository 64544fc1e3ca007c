"""Why a task isn't finished: every unfinished step has one named reason, with its time and the names that matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.errors import TaskNotFoundError
from tasker_core.rules.explanation import Explanation, Reason, ReasonKind
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import meddle

DIAMOND = {"check": [], "stock": ["check"], "charge": ["check"], "ship": ["stock", "charge"]}
LANES = ["shop/check", "shop/stock", "shop/charge", "shop/ship"]


def create(engine: Engine, graph: Mapping[str, Any] = DIAMOND, name: str = "order", **keys: Any) -> str:
    engine.catalog.register(flow(graph, name=name, **keys), replace=False)
    (created,) = engine.create([wish(engine, name=name, context={"of": engine.ids.new()})])
    return created.task


def serve(hands: Hands, *lanes: str) -> None:
    hands.engine.store.workers.serve(hands.number, lanes)


def reasons(explanation: Explanation) -> dict[str, Reason]:
    return {step.name: step.reason for step in explanation.steps}


def reason(engine: Engine, task: str, step: str) -> Reason:
    return reasons(engine.explain(task))[step]


def test_a_step_waits_for_its_parents_and_names_their_states(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands, *LANES)
    born, task = clock.now(), create(engine)
    clock.advance(5)
    why = reason(engine, task, "ship")
    assert why.kind is ReasonKind.WAITS_FOR_PARENTS
    assert why.text == "waits for stock (pending) and charge (pending)"
    assert why.since == born
    assert why.details["parents"] == [{"step": "stock", "state": "pending"}, {"step": "charge", "state": "pending"}]

    hands.report(ok(hands.claim()["check"]))
    leases = hands.claim()
    hands.report(ok(leases["stock"]))
    why = reason(engine, task, "ship")
    assert (why.text, why.details["open_parents"]) == ("waits for charge (in_progress)", 1)


def test_a_step_in_progress_names_its_worker_and_how_long_its_lease_stands(
    engine: Engine, clock: ManualClock
) -> None:  # fmt: skip
    hands = Hands(engine, AWAY, name="blue-1")
    task = create(engine, timeout_seconds=30)
    clock.advance(2)
    claimed = clock.now()
    hands.claim()
    clock.advance(3)
    engine.beat(hands.number, [])
    clock.advance(1)
    why = reason(engine, task, "check")
    assert why.kind is ReasonKind.IN_PROGRESS and why.since == claimed
    assert why.text == (
        "in progress at blue-1 (another-host, process 4711) for 4 s, attempt 1 of 3, lease until 2027-01-15 08:00:15 "
        "UTC, times out at 2027-01-15 08:00:32 UTC"
    )
    assert why.details == {
        "worker": "blue-1", "host": "another-host", "pid": 4711, "attempt": 1, "max_attempts": 3,
        "lease_seconds_left": 9.0, "timeout_seconds": 30.0,
    }  # fmt: skip


def test_a_step_of_a_silent_worker_is_lost(engine: Engine, clock: ManualClock) -> None:
    hands = Hands(engine, AWAY, name="blue-1")
    task = create(engine)
    hands.claim()
    clock.advance(10.5)
    for _ in range(2):
        why = reason(engine, task, "check")
        assert why.kind is ReasonKind.WORKER_LOST
        assert "blue-1 (another-host, process 4711) is lost, last heard of 10 s ago" in why.text
        engine.store.workers.end(hands.number)


def test_a_retry_names_its_time_the_attempts_and_the_last_error(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    serve(hands, *LANES)
    task = create(engine, retry={"max_attempts": 5, "backoff_base_ms": 20_000, "jitter": 0})
    clock.advance(1)
    hands.report(failed(hands.claim()["check"], "gateway timed out", error_type="Timeout"))
    ended = clock.now()
    clock.advance(8)
    why = reason(engine, task, "check")
    assert why.kind is ReasonKind.WAITS_FOR_RETRY and why.since == ended
    assert why.text == (
        "waits until 2027-01-15 08:00:21 UTC (in 12 s), then attempt 2 of 5; last error: Timeout: gateway timed out"
    )
    assert (why.details["next_attempt"], why.details["max_attempts"], why.details["overdue"]) == (2, 5, False)

    clock.advance(100)
    why = reason(engine, task, "check")
    assert why.details["overdue"]
    assert "has been due for 1 min 28 s, but no worker is there to put it into the queue" in why.text
    engine.beat(hands.number, [])
    assert "no worker" not in reason(engine, task, "check").text


def test_a_handler_that_nobody_serves_is_named_with_what_is_near(engine: Engine, hands: Hands) -> None:
    task = create(engine, {"validate_cart": []})
    serve(hands, "shop/validate_crat", "shop/charge", "returns/validate_cart")
    why = reason(engine, task, "validate_cart")
    assert why.kind is ReasonKind.NO_WORKER
    assert why.text == (
        "no live worker serves the handler 'validate_cart' of namespace 'shop'; served are 'returns/validate_cart' and "
        "'validate_crat'"
    )
    assert why.details["nearest"] == ["returns/validate_cart", "validate_crat"]
    (advice,) = engine.explain(task).advice
    assert advice == "start a worker that serves shop/validate_cart: tasker worker --handlers PACKAGE"


@pytest.mark.parametrize("how", ["silent", "draining", "gone"])
def test_a_worker_that_takes_nothing_more_does_not_count(
    engine: Engine, hands: Hands, clock: ManualClock, how: str
) -> None:
    serve(hands, *LANES)
    task = create(engine)
    {
        "silent": lambda: clock.advance(11),
        "draining": lambda: engine.store.workers.drain(hands.number),
        "gone": lambda: engine.store.workers.end(hands.number),
    }[how]()
    why = reason(engine, task, "check")
    assert why.kind is ReasonKind.NO_WORKER
    told = "no worker lives at all" if how == "gone" else "hands did, and has gone silent or is stopping"
    assert told in why.text


def test_a_ready_step_tells_its_place_in_the_queue(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.catalog.register(flow(DIAMOND), replace=False)
    serve(hands, *LANES)
    (first,) = engine.create([wish(engine, context={"n": 1})])
    clock.advance(1)
    (urgent,) = engine.create([wish(engine, context={"n": 2}, priority=10)])
    (later,) = engine.create([wish(engine, context={"n": 3})])
    enqueued = clock.now()
    clock.advance(1)
    why = reason(engine, later.task, "check")
    assert why.kind is ReasonKind.WAITS_IN_QUEUE and why.since == enqueued
    assert why.text == (
        "ready, and hands will take it (10 of 10 slots are free); behind 2 steps of other tasks and 0 of its own"
    )
    assert (why.details["ahead"], why.details["slots"], why.details["busy_slots"]) == (2, 10, 0)
    assert reason(engine, first.task, "check").details["ahead"] == 1
    assert reason(engine, urgent.task, "check").details["ahead"] == 0


def test_steps_of_one_lane_stand_one_behind_the_other(engine: Engine, hands: Hands) -> None:
    graph: dict[str, list[str]] = {f"part{n}": [] for n in range(12)}
    engine.catalog.register(flow(graph, handler={"callable": "part"}), replace=False)
    serve(hands, "shop/part")
    (created,) = engine.create([wish(engine)])
    hands.claim_all(room=10)
    left = reasons(engine.explain(created.task))
    why = left["part11"]
    assert why.text == (
        "waits in the queue: all 10 slots of hands are busy; behind 0 steps of other tasks and 1 of its own"
    )
    assert why.details["busy_slots"] == 10


def test_what_depends_on_a_failed_step_names_the_one_that_failed_first(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    serve(hands, *LANES)
    graph = {**DIAMOND, "invoice": ["ship"], "mail": ["invoice", "check"]}
    task = create(engine, graph)
    hands.report(ok(hands.claim()["check"]))
    leases = hands.claim()
    clock.advance(2)
    failing = clock.now()
    hands.report(failed(leases["charge"], "card declined", retryable=False, error_type="CardDeclined"))
    while_moving = engine.explain(task)
    assert while_moving.state == "steps_in_process"
    found = reasons(while_moving)
    assert found["stock"].kind is ReasonKind.IN_PROGRESS
    for name in ("ship", "invoice", "mail"):
        assert found[name].kind is ReasonKind.BLOCKED_BY_FAILURE
        assert found[name].text == "blocked by the failure of charge (CardDeclined: card declined)"
        assert found[name].since == failing
        assert found[name].details["failed_steps"] == ["charge"]

    hands.report(ok(leases["stock"]))
    at_rest = engine.explain(task)
    assert at_rest.state == "blocked_by_failures"
    assert at_rest.text == (
        "blocked: charge (CardDeclined: card declined) failed for good; 3 steps can't start without it"
    )
    (failure,) = at_rest.failures
    assert (failure.step, failure.error_type, failure.message) == ("charge", "CardDeclined", "card declined")
    assert (failure.attempts, failure.max_attempts, failure.at) == (1, 3, failing)
    assert failure.verdict == "CardDeclined: permanent"
    assert f"tasker task retry {task}" in at_rest.advice[0] and f"tasker task give-up {task}" in at_rest.advice[1]


def test_all_failed_ancestors_are_named(engine: Engine, hands: Hands) -> None:
    serve(hands, *LANES)
    task = create(engine)
    hands.report(ok(hands.claim()["check"]))
    for step, lease in hands.claim().items():
        hands.report(failed(lease, f"no {step}", retryable=False, error_type="Gone"))
    why = reason(engine, task, "ship")
    assert why.text == "blocked by the failure of stock (Gone: no stock) and charge (Gone: no charge)"


def test_a_finished_task_says_how_it_ended(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    serve(hands, *LANES)
    done, cancelled = create(engine), create(engine)
    engine.cancel(cancelled, actor="ann", reason="ordered twice")
    clock.advance(1)
    hands.play()
    explanation = engine.explain(done)
    assert (explanation.state, explanation.text) == ("complete", "complete: all 4 steps are done")
    assert (explanation.since, explanation.steps, explanation.failures) == (clock.now(), (), ())
    explanation = engine.explain(cancelled)
    assert (explanation.text, list(explanation.steps)) == ("cancelled by ann: ordered twice", [])


def test_a_moving_task_is_summed_up(engine: Engine, hands: Hands) -> None:
    serve(hands, *LANES)
    task = create(engine)
    hands.report(ok(hands.claim()["check"]))
    hands.claim(room=1)
    assert engine.explain(task).text == (
        "1 of 4 steps done; 1 in progress, 1 in the queue, 1 waiting for parents"
    )  # fmt: skip


def test_a_pending_step_whose_parents_are_done_is_called_stuck(engine: Engine, hands: Hands) -> None:
    serve(hands, *LANES)
    task = create(engine)
    hands.report(ok(hands.claim()["check"]))
    meddle(engine.store, "update {steps} set state = 'pending' where name = 'stock'")
    explanation = engine.explain(task)
    why = reasons(explanation)["stock"]
    assert why.kind is ReasonKind.STUCK and "run: tasker doctor" in why.text
    assert "look at the whole store: tasker doctor --deep" in explanation.advice


def test_an_unknown_task_is_refused(engine: Engine) -> None:
    with pytest.raises(TaskNotFoundError, match="there is no task"):
        engine.explain(engine.ids.new())


def test_explaining_writes_nothing_and_survives_the_way_over_the_wire(engine: Engine, hands: Hands) -> None:
    serve(hands, *LANES)
    task = create(engine)
    hands.report(failed(hands.claim()["check"], "no", retryable=False))
    before = tables(engine.store)
    explanation = engine.explain(task)
    assert tables(engine.store) == before
    assert Explanation.from_dict(explanation.as_dict()) == explanation


# The budget is 50 ms, measured by the benchmarks; here the number of statements and what they answer must not explode.
def test_a_wide_task_is_explained_in_one_round_trip(
    engine: Engine, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = {"split": [], **{f"part{n}": ["split"] for n in range(998)}, "join": [f"part{n}" for n in range(998)]}
    task = create(engine, graph)
    serve(hands, "shop/split")
    hands.report(ok(hands.claim()["split"]))
    engine.explain(task)
    reads: list[int] = []
    database = engine.store.database
    read = database.read

    def counted(*calls: Any) -> Any:
        reads.append(len(calls))
        return read(*calls)

    monkeypatch.setattr(database, "read", counted)
    explanation = engine.explain(task)
    assert reads == [8]
    found = reasons(explanation)
    assert found["join"].details["open_parents"] == 998 and len(found["join"].details["parents"]) == 20
    assert found["join"].text.endswith("part4 (enqueued) and 993 more")
    assert found["part7"].kind is ReasonKind.NO_WORKER
