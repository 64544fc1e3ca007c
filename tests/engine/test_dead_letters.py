"""Dead letters, on each database: who gets one, what it holds, and how those of one fault are found and requeued."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.errors import DeadLetterNotFoundError, InvalidRequestError, TaskNotFoundError, TaskStateError
from tasker_core.rules.snapshot import LARGEST_CONTEXT, LARGEST_ERROR
from tasker_core.words import Settled, Word
from tests.support.flows import Hands, failed, flow, ok, wish
from tests.support.graphs import tables
from tests.support.meddling import meddle

ANN = Word("ann", "the gateway is back")
ORDER = {"pay": [], "stock": [], "ship": ["pay", "stock"]}
NOBODY = "01980000-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def template(engine: Engine) -> None:
    engine.catalog.register(flow(ORDER, retry={"max_attempts": 2, "backoff": "none"}), replace=False)


def create(engine: Engine, **context: Any) -> str:
    return engine.create([wish(engine, context=context, idempotency_key=engine.ids.new())])[0].task


def wear_out(
    engine: Engine, hands: Hands, clock: ManualClock, task: str, message: str = "gateway says 7", **more: Any
) -> None:
    """Let ``pay`` of the task fail until it has no attempt left."""
    for _ in range(2):
        clock.advance(1)
        engine.enqueue_due("test")
        for lease in hands.claim_all():
            hands.report(ok(lease) if lease.step == "stock" else failed(lease, message, **more))


def states(engine: Engine, task: str) -> dict[str, str]:
    return {step["name"]: step["current_state"] for step in engine.views.steps(task)}


def letters(engine: Engine, **wanted: str) -> list[dict[str, Any]]:
    return list(engine.dead_letters.list(wanted, 100, 0))


def test_a_step_whose_retries_are_used_up_leaves_a_letter(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    task = create(engine, customer="ann")
    wear_out(engine, hands, clock, task)
    (letter,) = letters(engine)
    assert (letter["task_uuid"], letter["step_name"], letter["dlq_reason"]) == (task, "pay", "max_retries_exceeded")
    assert (letter["original_state"], letter["resolution_status"]) == ("blocked_by_failures", "pending")
    assert letter["title"] == "shop/order pay: handler_error: gateway says <n>"
    assert letter["detail"]["reason"] == "handler_error: attempt 2 of 2 was the last"
    assert letter["detail"]["error"]["message"] == "gateway says 7"


def test_a_permanent_error_and_a_success_leave_none(engine: Engine, hands: Hands) -> None:
    create(engine)
    leases = hands.claim()
    hands.report(failed(leases["pay"], retryable=False), ok(leases["stock"]))
    assert letters(engine) == []


def test_the_snapshot_is_true_to_the_moment(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    """It holds the attempt that brought the letter about, and nothing of what came after."""
    task = create(engine, customer="ann")
    wear_out(engine, hands, clock, task)
    engine.operator.reset(task, "pay", ANN)
    hands.report(ok(hands.claim()["pay"]))
    then = engine.dead_letters.of_task(task)["task_snapshot"]
    assert then["context"] == {"customer": "ann"}
    assert (then["task"]["task_uuid"], then["task"]["state"]) == (task, "blocked_by_failures")
    assert {step["name"]: (step["state"], step["attempt"]) for step in then["steps"]} == {
        "pay": ("error", 2), "stock": ("complete", 1), "ship": ("pending", 0),
    }  # fmt: skip
    assert [step["name"] for step in then["steps"]] == ["pay", "ship", "stock"], "what went wrong first"
    assert [(a["step"], a["attempt"], a["ending"]) for a in then["attempts"]] == [
        ("pay", 2, "failed"), ("stock", 1, "ok"), ("pay", 1, "failed"),
    ]  # fmt: skip
    assert then["attempts"][0]["error"]["message"] == "gateway says 7" and then["attempts"][1]["result"]
    assert [change["to_state"] for change in then["transitions"]].count("blocked_by_failures") == 1
    assert ANN.actor not in {change["actor"] for change in then["transitions"]}, "what came after isn't in it"
    assert states(engine, task)["pay"] == "complete"


def test_large_payloads_are_left_out_of_a_snapshot(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    task = create(engine, secret="x" * LARGEST_CONTEXT)
    wear_out(engine, hands, clock, task, "y" * LARGEST_ERROR)
    ((*_, text),) = tables(engine.store, "dead_letters")["dead_letters"]
    assert len(text) < 20_000 and "xxxx" not in text
    then = engine.dead_letters.of_task(task)["task_snapshot"]
    assert then["context"] == {"left_out": LARGEST_CONTEXT + len('{"secret":""}')}
    assert then["attempts"][0]["error"]["left_out"] > LARGEST_ERROR


def test_a_task_has_one_pending_letter_and_all_the_resolved_ones(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    task = create(engine)
    leases = hands.claim()
    hands.report(*(failed(lease) for lease in leases.values()))
    clock.advance(1)
    engine.enqueue_due("test")
    leases = hands.claim()
    hands.report(*(failed(leases[step]) for step in ("stock", "pay")))
    (first,) = letters(engine)
    assert first["step_name"] == "stock", "of two in one batch the first"
    engine.dead_letters.update(first["dlq_entry_uuid"], {"resolution_status": "cancelled", "resolved_by": "ann"})
    engine.operator.retry(task, ANN)
    wear_out(engine, hands, clock, task)
    second, kept = letters(engine)
    assert kept["dlq_entry_uuid"] == first["dlq_entry_uuid"] and kept["resolution_status"] == "cancelled"
    with pytest.raises(TaskStateError, match="has another dead letter that is pending"):
        engine.dead_letters.update(first["dlq_entry_uuid"], {"resolution_status": "pending"})
    assert engine.dead_letters.of_task(task)["dlq_entry_uuid"] == second["dlq_entry_uuid"]


def test_a_late_report_leaves_no_letter(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    task = create(engine)
    hands.report(failed(hands.claim()["pay"]))
    clock.advance(1)
    engine.enqueue_due("test")
    pay = hands.claim()["pay"]
    engine.cancel(task, actor="ann")
    assert hands.answer(failed(pay)) is Settled.CANCELLED
    assert letters(engine) == []


def test_the_same_fault_in_many_tasks_is_one_group(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    for n in range(4):
        wear_out(engine, hands, clock, create(engine), f"order {n}: no answer within {n + 3}.5 s")
    wear_out(engine, hands, clock, create(engine), "account closed")
    large, small = engine.dead_letters.groups({"status": "pending"}, 10)
    assert (large["entries"], small["entries"]) == (4, 1)
    assert large["title"] == "shop/order pay: handler_error: order <n>: no answer within <n>"
    assert len(letters(engine, fingerprint=large["fingerprint"])) == 4
    assert engine.dead_letters.groups({"namespace": "bank"}, 10) == []
    assert engine.dead_letters.groups({"status": "pending"}, 1) == [large]


def test_one_is_requeued_and_resolved_by_that(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    task = create(engine)
    wear_out(engine, hands, clock, task)
    (letter,) = letters(engine)
    word = ANN._replace(stamp=4711)
    engine.requeuer.requeue(letter["dlq_entry_uuid"], word)
    engine.requeuer.requeue(letter["dlq_entry_uuid"], word)
    done = engine.dead_letters.get(letter["dlq_entry_uuid"])
    assert (done["resolution_status"], done["resolved_by"]) == ("manually_resolved", "ann")
    told = [change for change in engine.views.transitions(task) if change["actor"] == "ann"]
    assert {change["reason"] for change in told} == {
        f"requeued from dead letter {letter['dlq_entry_uuid']}: {ANN.reason}"
    }
    assert hands.play() == ["pay", "ship"]
    assert engine.views.task(task)["status"] == "complete"
    with pytest.raises(TaskStateError, match="is manually_resolved already; only a pending one is requeued"):
        engine.requeuer.requeue(letter["dlq_entry_uuid"], ANN)
    with pytest.raises(DeadLetterNotFoundError):
        engine.requeuer.requeue(NOBODY, ANN)


def test_a_group_is_requeued_at_a_rate_that_no_caller_has_to_keep(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    tasks = [create(engine) for _ in range(6)]
    for task in tasks:
        wear_out(engine, hands, clock, task)
    (group,) = engine.dead_letters.groups({"status": "pending"}, 10)
    first = engine.requeuer.requeue_alike(group["fingerprint"], ANN, rate=2, limit=4)
    assert (first["requeued"], first["remaining"], first["refused"]) == (4, 2, [])
    second = engine.requeuer.requeue_alike(group["fingerprint"], ANN, rate=2)
    assert (second["requeued"], second["remaining"]) == (2, 0), "the next caller, who goes on behind the first"
    ran = []
    for _ in range(7):
        engine.enqueue_due("test")
        leases = hands.claim_all()
        hands.report(*map(ok, leases))
        ran.append(sum(lease.step == "pay" for lease in leases))
        clock.advance(0.5)
    assert ran == [1, 1, 1, 1, 1, 1, 0]
    assert letters(engine, status="pending") == []


def test_what_cant_run_again_is_passed_over_and_named(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    gone, good = create(engine), create(engine)
    for task in (gone, good):
        wear_out(engine, hands, clock, task)
    engine.operator.resolve(gone, ANN)
    (group,) = engine.dead_letters.groups({"status": "pending"}, 10)
    done = engine.requeuer.requeue_alike(group["fingerprint"], ANN)
    assert (done["requeued"], done["remaining"]) == (1, 1)
    (refused,) = done["refused"]
    assert "is resolved_manually already" in refused["message"]
    assert set(hands.claim()) == {"pay"}
    with pytest.raises(DeadLetterNotFoundError, match="no dead letter has the fingerprint"):
        engine.requeuer.requeue_alike("0" * 16, ANN)
    for bad in (0, -1, float("nan"), float("inf"), True):
        with pytest.raises(InvalidRequestError, match="rate must be"):
            engine.requeuer.requeue_alike(group["fingerprint"], ANN, rate=bad)


def test_a_letter_is_sent_by_hand(engine: Engine, hands: Hands) -> None:
    task = create(engine)
    sent = engine.requeuer.send(task, Word("ann", "charged twice?"), NOBODY)
    assert sent == NOBODY == engine.requeuer.send(task, ANN, NOBODY), "asked again, since the answer was lost"
    letter = engine.dead_letters.get(sent)
    assert (letter["dlq_reason"], letter["step_uuid"], letter["original_state"]) == (
        "manual_dlq",
        None,
        "steps_in_process",
    )
    assert (letter["detail"]["by"], letter["title"]) == ("ann", "shop/order: manual_dlq: charged twice?")
    with pytest.raises(TaskStateError, match="a task has one at most"):
        engine.requeuer.send(task, ANN)
    with pytest.raises(TaskNotFoundError):
        engine.requeuer.send(engine.ids.new(), ANN)
    with pytest.raises(TaskStateError, match=r"no step of task .* has failed"):
        engine.requeuer.requeue(sent, ANN)
    assert hands.play() == ["pay", "stock", "ship"], "it moved no task"
    with pytest.raises(InvalidRequestError, match="was said of another task already"):
        engine.requeuer.send(create(engine), ANN, NOBODY)


def test_the_most_urgent_come_first_however_many_there_are(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    """An old letter of a light reason overtakes a young one of a heavy reason, also behind many young ones."""
    old = create(engine)
    engine.requeuer.send(old, ANN)
    clock.advance(60 * 600)
    wear_out(engine, hands, clock, create(engine))
    for _ in range(15):
        engine.requeuer.send(create(engine), ANN)
    queue = engine.dead_letters.queue(3)
    assert [(one["dlq_reason"], round(one["priority_score"])) for one in queue] == [
        ("manual_dlq", 610), ("max_retries_exceeded", 500), ("manual_dlq", 10),
    ]  # fmt: skip
    assert queue[0]["task_uuid"] == old


def test_statistics_are_by_reason_and_status(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    wear_out(engine, hands, clock, create(engine))
    sent = engine.requeuer.send(create(engine), ANN)
    clock.advance(120)
    engine.dead_letters.update(sent, {"resolution_status": "permanently_failed"})
    stats = {each["dlq_reason"]: each for each in engine.dead_letters.stats()}
    assert (stats["max_retries_exceeded"]["pending"], stats["max_retries_exceeded"]["avg_resolution_time_minutes"]) == (
        1,
        None,
    )
    assert (stats["manual_dlq"]["permanently_failed"], stats["manual_dlq"]["avg_resolution_time_minutes"]) == (1, 2.0)


def test_no_letters_are_written_where_they_arent_wanted(engine: Engine, clock: ManualClock) -> None:
    quiet = Engine(engine.store, clock=clock, buries=False)
    hands = Hands(quiet)
    wear_out(quiet, hands, clock, create(quiet))
    assert letters(quiet) == []
    quiet.requeuer.send(create(quiet), ANN)
    assert len(letters(quiet)) == 1, "by hand it is"


def test_unknown_filters_are_refused(engine: Engine) -> None:
    for wanted in ({"status": "gone"}, {"reason": "gone"}):
        with pytest.raises(InvalidRequestError, match="there are "):
            engine.dead_letters.list(wanted, 1, 0)


def test_a_second_pending_letter_cant_be_written_by_anybody(engine: Engine) -> None:
    """The database itself refuses it, whoever forgets to look."""
    task = create(engine)
    engine.requeuer.send(task, ANN)
    with pytest.raises(Exception, match=r"(?i)unique"):
        meddle(
            engine.store,
            "insert into {dead_letters} (id, task_id, no, reason, detail, status, created_at) "
            f"select '{engine.ids.new()}', task_id, 0, 'manual_dlq', '{{{{}}}}', 'pending', 1 from {{dead_letters}}",
        )
