"""Where tasks come to rest, how waiting steps go on, and what cancelling means for each of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tasker_core.store import Store
from tasker_core.store.claiming import Claim
from tests.support.graphs import Held, Stage, complete, fail, hand_back, orphans, tables

FORK = {"start": [], "left": ["start"], "right": ["start"], "end": ["left", "right"]}


def forked(stage: Stage) -> tuple[int, Held, Held]:
    """A task whose two middle steps are claimed."""
    task = stage.task(stage.template(FORK))
    stage.settle(*map(complete, stage.claim("shop/start")))
    left, right = stage.claim("shop/left", "shop/right")
    return task, left, right


def moves(stage: Stage, task: int) -> list[tuple[str, str]]:
    """The task's own transitions, oldest first."""
    return [(t.from_state, t.to_state) for t in stage.store.tasks.transitions(task) if t.no == 0]


def test_a_task_goes_on_while_anything_can_and_then_it_is_blocked(stage: Stage) -> None:
    task, left, right = forked(stage)
    assert stage.settle(fail(left)).rested == {}
    assert stage.state(task) == "steps_in_process"
    stage.clock.advance(1)
    assert stage.settle(complete(right)).rested == {task: "blocked_by_failures"}
    assert stage.steps(task) == {"start": "complete", "left": "error", "right": "complete", "end": "pending"}
    assert moves(stage, task) == [("steps_in_process", "blocked_by_failures")]


def test_a_task_whose_steps_all_wait_for_a_retry_says_so(stage: Stage) -> None:
    task, left, right = forked(stage)
    assert stage.settle(stage.retry(left, 5)).rested == {}
    assert stage.settle(stage.retry(right, 9)).rested == {task: "waiting_for_retry"}
    stage.clock.advance(5)
    assert stage.enqueue_due() == 1
    assert stage.state(task) == "steps_in_process"
    (left,) = stage.claim("shop/left", "shop/right")
    assert (left.name, left.row.attempt) == ("left", 2)
    stage.clock.advance(1)
    assert stage.settle(fail(left)).rested == {task: "waiting_for_retry"}, "a retry is coming: not blocked yet"
    stage.clock.advance(3)
    assert stage.enqueue_due() == 1
    (right,) = stage.claim("shop/right")
    stage.clock.advance(1)
    assert stage.settle(complete(right)).rested == {task: "blocked_by_failures"}
    assert moves(stage, task) == [
        ("steps_in_process", "waiting_for_retry"),
        ("waiting_for_retry", "steps_in_process"),
        ("steps_in_process", "waiting_for_retry"),
        ("waiting_for_retry", "steps_in_process"),
        ("steps_in_process", "blocked_by_failures"),
    ]


def test_a_hand_back_leaves_the_task_where_it_is(stage: Stage) -> None:
    task, left, right = forked(stage)
    assert stage.settle(hand_back(left), hand_back(right)).rested == {}
    assert stage.state(task) == "steps_in_process" and moves(stage, task) == []


# I4. Seen to fail with `s.run_at <= :now` in due_steps turned round: then nothing ever becomes due.
def test_a_step_waits_until_its_time_and_not_longer(stage: Stage) -> None:
    shape = stage.template({"only": []})
    stage.tasks(shape, 3)
    now = stage.clock.now()
    for held, seconds in zip(stage.claim("shop/only"), (3, 1, 2), strict=True):
        stage.settle(stage.retry(held, seconds))
    assert stage.store.steps.next_due() == now + 1_000_000
    assert stage.enqueue_due() == 0 and stage.claim("shop/only") == []
    stage.clock.advance(0.999_999)
    assert stage.enqueue_due() == 0
    stage.clock.advance(0.000_001)
    assert stage.enqueue_due() == 1
    assert stage.store.steps.next_due() == now + 2_000_000
    (held,) = stage.claim("shop/only")
    assert held.row.attempt == 2
    stage.clock.advance(60)
    assert stage.enqueue_due() == 2
    assert stage.store.steps.next_due() is None
    assert [h.row.attempt for h in stage.claim("shop/only")] == [2, 2]


def test_a_hundred_thousand_due_steps_would_come_in_portions(stage: Stage) -> None:
    stage.tasks(stage.template({"only": []}), 450)
    stage.settle(*(stage.retry(held, 0) for held in stage.claim("shop/only")))
    assert [stage.enqueue_due() for _ in range(4)] == [200, 200, 50, 0]
    assert len(stage.claim("shop/only")) == 450


def test_racing_enqueuers_enqueue_each_due_step_once(stage: Stage, another_store: Callable[[], Store]) -> None:
    tasks = stage.tasks(stage.template({"only": []}), 100)
    stage.settle(*(stage.retry(held, 0) for held in stage.claim("shop/only")))
    stages = [stage, Stage(another_store())]
    start = Barrier(2, timeout=30)

    def enqueue(one: Stage) -> int:
        start.wait()
        return one.enqueue_due()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(enqueue, stages)) == 100
    assert sum(len(moves(stage, task)) for task in tasks) == 200


def test_cancelling_stops_everything_unfinished(stage: Stage) -> None:
    task, _, right = forked(stage)
    stage.settle(stage.retry(right, 5))
    stage.clock.advance(1)
    assert stage.cancel(task)
    assert stage.state(task) == "cancelled"
    assert stage.steps(task) == {"start": "complete", "left": "cancelled", "right": "cancelled", "end": "cancelled"}
    said = stage.store.tasks.transitions(task)
    assert sorted((t.no, t.from_state, t.to_state) for t in said) == [
        (0, "steps_in_process", "cancelled"),
        (2, "in_progress", "cancelled"),
        (3, "waiting_for_retry", "cancelled"),
        (4, "pending", "cancelled"),
    ]
    assert {(t.at, t.actor, t.reason) for t in said} == {(stage.clock.now(), "ann", "no longer wanted")}


def test_a_cancelled_task_never_moves_again(stage: Stage) -> None:
    task, left, right = forked(stage)
    stage.settle(stage.retry(right, 0))
    stage.cancel(task)
    before = tables(stage.store)
    assert stage.settle(complete(left), complete(right)).applied == frozenset()
    assert stage.enqueue_due() == 0
    assert stage.claim("shop/start", "shop/left", "shop/right", "shop/end") == []
    assert stage.store.steps.abandoned() == [] and stage.store.steps.held_by(stage.worker) == {}
    assert tables(stage.store) == before


def test_what_is_final_is_not_cancelled(stage: Stage) -> None:
    done = stage.task(stage.template({"only": []}))
    stage.settle(*map(complete, stage.claim("shop/only")))
    gone = stage.task(stage.template({"only": []}))
    assert stage.cancel(gone)
    before = tables(stage.store)
    assert not stage.cancel(done) and not stage.cancel(gone) and not stage.cancel(999)
    assert tables(stage.store) == before


def test_a_blocked_task_can_be_cancelled_and_keeps_its_failure(stage: Stage) -> None:
    task = stage.task(stage.template({"a": [], "b": ["a"]}))
    stage.settle(*map(fail, stage.claim("shop/a")))
    assert stage.cancel(task)
    assert stage.steps(task) == {"a": "error", "b": "cancelled"}


# I2. Seen to fail on SQLite with `and t.state not in (..)` taken out of rest_tasks: a late end revived the task.
def test_a_cancel_that_races_a_settlement_leaves_one_of_two_worlds(
    stage: Stage, another_store: Callable[[], Store]
) -> None:  # fmt: skip
    shape = stage.template({"a": [], "b": ["a"]})
    tasks = stage.tasks(shape, 120)
    by_task = {held.row.task_id: held for held in stage.claim("shop/a")}
    other = Stage(another_store())
    start = Barrier(2, timeout=30)

    def settle() -> set[int]:
        start.wait()
        claim = Claim(stage.worker, ["shop/b"], 1)
        settled = [stage.settle(complete(by_task[task]), claim=claim) for task in tasks]
        return {key.task for done in settled for key in done.applied}

    def cancel() -> set[int]:
        start.wait()
        return {task for task in tasks[::-1] if other.cancel(task)}

    with ThreadPoolExecutor(2) as pool:
        settling, cancelling = pool.submit(settle), pool.submit(cancel)
        settled, cancelled = settling.result(), cancelling.result()

    assert cancelled == set(tasks), "every task still had a step to cancel"
    for task in tasks:
        first = "complete" if task in settled else "cancelled"
        assert stage.steps(task) == {"a": first, "b": "cancelled"}
        assert stage.state(task) == "cancelled"
        assert len(stage.store.tasks.attempts(task)) == (task in settled)
    assert stage.store.steps.held_by(stage.worker) == {}
    assert set(orphans(stage.store).values()) == {0}
