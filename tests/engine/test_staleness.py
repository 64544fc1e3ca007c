"""Tasks that stand still are found and seen to, on each database; those that move are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker_core.clock import SECOND, ManualClock
from tasker_core.engine import Engine
from tasker_core.engine import staleness as looking
from tasker_core.engine.staleness import Vigilance
from tasker_core.rules.staleness import Defaults
from tasker_core.rules.template import Template
from tasker_core.words import Settled, Word
from tests.support.flows import AWAY, Hands, failed, flow, ok, wish
from tests.support.meddling import meddle

ANN = Word("ann", "workers are back")
MINUTE = 60
ORDER = {"pay": [], "stock": [], "ship": ["pay", "stock"]}


@pytest.fixture
def watching(engine: Engine, clock: ManualClock) -> Callable[..., Engine]:
    """An engine on the database of this test that looks for tasks that stand still."""

    def open_one(**changes: Any) -> Engine:
        vigilance = Vigilance(**{"interval": 60 * SECOND, **changes})
        return Engine(engine.store, clock=clock, roll=lambda: 0.5, vigilance=vigilance)

    return open_one


@pytest.fixture
def watch(watching: Callable[..., Engine]) -> Engine:
    return watching()


def register(engine: Engine, says: dict[str, Any] | None = None, **each: Any) -> None:
    content = flow(ORDER, **each).content()
    engine.catalog.register(Template.from_content({**content, "lifecycle": says} if says else content), replace=True)


def create(engine: Engine) -> str:
    return engine.create([wish(engine, idempotency_key=engine.ids.new())])[0].task


def look(engine: Engine, looks: int = 6) -> int:
    """A whole round, slice by slice."""
    return sum(engine.watchman.look() for _ in range(looks))


def status(engine: Engine, task: str) -> str:
    return str(engine.views.task(task)["status"])


def states(engine: Engine, task: str) -> dict[str, str]:
    return {step["name"]: step["current_state"] for step in engine.views.steps(task)}


def serve(hands: Hands) -> None:
    hands.engine.store.workers.serve(hands.number, list(hands.request().lanes))


def test_a_task_that_no_worker_serves_is_ended_with_a_letter(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    task = create(watch)
    clock.advance(29 * MINUTE)
    assert look(watch) == 0 and status(watch, task) == "steps_in_process"
    clock.advance(MINUTE)
    assert look(watch) == 1
    assert status(watch, task) == "error"
    assert set(states(watch, task).values()) == {"cancelled"}
    letter = watch.dead_letters.of_task(task)
    assert (letter["dlq_reason"], letter["original_state"], letter["step_name"]) == (
        "worker_unavailable", "steps_in_process", "pay",
    )  # fmt: skip
    assert letter["detail"]["limit"] == "max_steps_in_process_minutes" and letter["detail"]["minutes"] == 30
    then = {step["name"]: step["state"] for step in letter["task_snapshot"]["steps"]}
    assert then == {"pay": "enqueued", "stock": "enqueued", "ship": "pending"}, "as it stood before it was ended"
    last = watch.views.transitions(task)[-1]
    assert "worker_unavailable: has waited for a worker" in last["reason"] and last["actor"] == "staleness detector"
    assert "error by staleness detector" in watch.explain(task).text
    assert look(watch) == 0, "once"


def test_it_is_mended_by_a_retry_or_a_requeue_and_runs_to_its_end(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    retried, requeued = create(watch), create(watch)
    clock.advance(31 * MINUTE)
    assert look(watch) == 2
    watch.operator.retry(retried, ANN)
    watch.requeuer.requeue(watch.dead_letters.of_task(requeued)["dlq_entry_uuid"], ANN)
    assert look(watch) == 0, "it counts anew from the word on"
    assert sorted(Hands(watch).play()) == sorted([*ORDER, *ORDER])
    assert {status(watch, retried), status(watch, requeued)} == {"complete"}


def test_row_4_a_long_healthy_step_is_not_killed(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    task = create(watch)
    hands = Hands(watch)
    leases = hands.claim()
    for _ in range(10):
        clock.advance(60 * MINUTE)
        watch.beat(hands.number, [lease.key for lease in leases.values()])
        assert look(watch) == 0
    hands.report(*map(ok, leases.values()))
    assert status(watch, task) == "steps_in_process"


def test_what_somebody_holds_is_left_alone_until_it_goes_on(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    task = create(watch)
    watch.operator.pause(task, ANN)
    clock.advance(40 * MINUTE)
    assert look(watch) == 0 and status(watch, task) == "steps_in_process"
    (held,) = watch.dead_letters.staleness(10)
    assert (held["health_status"], held["limit"], held["waits_for"]) == ("healthy", None, "is held by a pause")
    watch.operator.resume(task, ANN)
    watch.namespaces.pause("shop", ANN)
    clock.advance(40 * MINUTE)
    assert look(watch) == 0 and status(watch, task) == "steps_in_process"
    assert [one["waits_for"] for one in watch.dead_letters.staleness(10)] == ["is held by a pause"]
    watch.namespaces.resume("shop", ANN)
    clock.advance(29 * MINUTE)
    assert look(watch) == 0, "since the word that let it go on"
    clock.advance(MINUTE)
    assert look(watch) == 1 and status(watch, task) == "error"


def test_what_waits_in_line_at_a_live_worker_is_left_alone(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    task, hands = create(watch), Hands(watch)
    serve(hands)
    clock.advance(10 * 60 * MINUTE)
    assert look(watch) == 0 and status(watch, task) == "steps_in_process"
    watch.store.workers.beat(hands.number, clock.now())
    watch.store.workers.end(hands.number)
    clock.advance(29 * MINUTE)
    assert look(watch) == 0, "the worker may come back: its lanes were served until a moment ago"
    clock.advance(MINUTE)
    assert look(watch) == 1


def test_a_retry_that_is_far_away_is_stale_and_one_that_is_near_isnt(watch: Engine, clock: ManualClock) -> None:
    register(watch, {"max_waiting_for_retry_minutes": 10})
    far, near, hands = create(watch), create(watch), Hands(watch)
    for lease in hands.claim_all():
        after = 3_600 if lease.task_uuid == far else 60
        hands.report(failed(lease, retry_after=after) if lease.step == "pay" else ok(lease))
    clock.advance(5 * MINUTE)
    watch.enqueue_due("test")
    hands.report(*(failed(lease, retry_after=3_600) for lease in hands.claim_all()))
    clock.advance(5 * MINUTE)
    assert look(watch) == 1
    assert (status(watch, far), status(watch, near)) == ("error", "waiting_for_retry")
    letter = watch.dead_letters.of_task(far)
    assert (letter["dlq_reason"], letter["detail"]["limit"]) == ("staleness_timeout", "max_waiting_for_retry_minutes")
    assert states(watch, far) == {"pay": "cancelled", "stock": "complete", "ship": "cancelled"}


def test_row_14_max_duration_minutes_is_acted_on_by_age(watch: Engine, clock: ManualClock) -> None:
    register(watch, {"max_duration_minutes": 120})
    task, hands = create(watch), Hands(watch)
    leases = hands.claim()
    clock.advance(119 * MINUTE)
    assert look(watch) == 0
    clock.advance(MINUTE)
    assert look(watch) == 1
    assert status(watch, task) == "error"
    assert watch.beat(hands.number, [lease.key for lease in leases.values()]).lost == {
        lease.key for lease in leases.values()
    }, "its workers hear of it with the next beat"
    assert hands.answer(ok(leases["pay"], 1)) is Settled.LOST, "a late result changes nothing"
    history = watch.views.steps(task)[0]["history"]
    assert [(attempt["ending"], attempt["state"]) for attempt in history] == [("taken", "cancelled")]
    watch.operator.restart(task, "pay", ANN)
    assert status(watch, task) == "steps_in_process"


@pytest.mark.parametrize(("says", "ends", "letters"), [
    ({"staleness_action": "dlq"}, "error", 1),
    ({"staleness_action": "error"}, "error", 0),
    ({"staleness_action": "none"}, "steps_in_process", 0),
    ({"staleness_action": "dlq", "auto_fail_on_timeout": False}, "steps_in_process", 1),
    ({"staleness_action": "none", "auto_fail_on_timeout": True}, "error", 0),
    ({"staleness_action": "error", "auto_dlq_on_timeout": True}, "error", 1),
])  # fmt: skip
def test_row_14_staleness_action_and_auto_on_timeout_are_acted_on(
    watch: Engine, clock: ManualClock, says: dict[str, Any], ends: str, letters: int
) -> None:
    register(watch, {"max_steps_in_process_minutes": 5, **says})
    task = create(watch)
    clock.advance(5 * MINUTE)
    look(watch)
    clock.advance(5 * MINUTE)
    look(watch)
    assert status(watch, task) == ends
    assert len(watch.dead_letters.list({}, 10, 0)) == letters, "one, however often it is looked at"


def test_row_14_the_settings_of_the_actions_count_where_a_template_is_silent(
    watching: Callable[..., Engine], clock: ManualClock
) -> None:
    watch = watching(defaults=Defaults(steps_in_process=5, fails=False))
    register(watch)
    task = create(watch)
    clock.advance(5 * MINUTE)
    look(watch)
    assert status(watch, task) == "steps_in_process" and watch.dead_letters.of_task(task)
    watch = watching(defaults=Defaults(steps_in_process=5, buries=False))
    other = create(watch)
    clock.advance(5 * MINUTE)
    look(watch)
    assert status(watch, other) == "error" and len(watch.dead_letters.list({}, 10, 0)) == 1


def test_a_dry_run_changes_nothing(watching: Callable[..., Engine], clock: ManualClock) -> None:
    watch = watching(dry_run=True)
    register(watch)
    task = create(watch)
    clock.advance(31 * MINUTE)
    assert look(watch) == 1, "found and counted"
    assert status(watch, task) == "steps_in_process" and watch.dead_letters.list({}, 10, 0) == []


def test_a_task_with_nothing_to_run_is_stale_and_a_circle_is_called_by_its_name(
    watch: Engine, clock: ManualClock
) -> None:
    """Neither can come about but by other hands: here the test's."""
    register(watch)
    stuck, circle = create(watch), create(watch)
    for task in (stuck, circle):
        number = watch.number(task)
        meddle(watch.store, f"update {{steps}} set state = 'pending', waits = 1 where task_id = {number}")
        meddle(watch.store, f"update {{tasks}} set state = 'pending' where id = {number}")
    meddle(watch.store, f"insert into {{dependencies}} (task_id, parent, child) values ({watch.number(circle)}, 3, 1)")
    clock.advance(59 * MINUTE)
    assert look(watch) == 0
    clock.advance(MINUTE)
    assert look(watch) == 2
    assert (status(watch, stuck), status(watch, circle)) == ("error", "error")
    assert watch.dead_letters.of_task(stuck)["dlq_reason"] == "staleness_timeout"
    letter = watch.dead_letters.of_task(circle)
    assert letter["dlq_reason"] == "dependency_cycle_detected"
    assert "pay -> ship -> pay" in letter["detail"]["reason"] or "ship -> pay -> ship" in letter["detail"]["reason"]


def test_a_backlog_is_walked_in_slices_and_nothing_of_it_missed(
    watching: Callable[..., Engine], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PAGE", 3)
    watch = watching(batch_size=2)
    register(watch)
    tasks = [create(watch) for _ in range(11)]
    clock.advance(31 * MINUTE)
    looks = 0
    while any(status(watch, task) != "error" for task in tasks):
        assert watch.watchman.look() <= 2, "no more than the batch size in one look"
        looks += 1
        assert looks < 40
    assert len(watch.dead_letters.list({}, 100, 0)) == 11


def test_between_two_rounds_nothing_is_looked_at(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    clock.advance(1)
    look(watch)
    task = create(watch)
    clock.advance(31 * MINUTE)
    assert look(watch, 1) == 1 and status(watch, task) == "error"
    other = create(watch)
    look(watch)
    meddle(watch.store, f"update {{steps}} set enqueued_at = 1 where task_id = {watch.number(other)}")
    meddle(watch.store, f"update {{tasks}} set updated_at = 1 where id = {watch.number(other)}")
    assert look(watch) == 0, "the round is over"
    clock.advance(60)
    assert look(watch) == 1


def test_the_process_with_the_duty_to_sweep_looks(watch: Engine, clock: ManualClock) -> None:
    register(watch)
    task = create(watch)
    clock.advance(31 * MINUTE)
    watch.sweep()
    assert status(watch, task) == "error"


def test_the_monitor_tells_how_near_each_task_is_to_its_limit(
    watching: Callable[..., Engine], clock: ManualClock
) -> None:
    watch = watching(defaults=Defaults(steps_in_process=100))
    register(watch)
    create(watch)
    clock.advance(50 * MINUTE)
    create(watch)
    clock.advance(30 * MINUTE)
    warned, healthy = watch.dead_letters.staleness(10)
    assert (warned["health_status"], warned["time_in_state_minutes"], warned["staleness_threshold_minutes"]) == (
        "warning", 80, 100,
    )  # fmt: skip
    assert (healthy["health_status"], healthy["limit"]) == ("healthy", "max_steps_in_process_minutes")
    clock.advance(20 * MINUTE)
    assert [one["health_status"] for one in watch.dead_letters.staleness(10)] == ["stale", "healthy"]
    hands = Hands(watch, AWAY)
    serve(hands)
    assert {one["limit"] for one in watch.dead_letters.staleness(10)} == {None}, "they are in line at a worker"
    assert hands.claim_all()
    assert [one["health_status"] for one in watch.dead_letters.staleness(10)] == ["healthy", "healthy"]
