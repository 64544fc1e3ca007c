"""Workers: their heartbeats, what is left behind when one is gone, and the duties that one of them does."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tasker_core.store import Store
from tasker_core.store.burial import DeadLetter, Letter
from tasker_core.store.rows import WorkerRow
from tasker_core.words import StepState
from tests.support.graphs import Stage, complete, lose, tables

SECOND = 1_000_000


def worker(stage: Stage, number: int) -> WorkerRow | None:
    return next((row for row in stage.store.workers.live() if row.id == number), None)


def test_a_worker_is_entered_with_all_that_it_says_of_itself(stage: Stage) -> None:
    now, uuid = stage.clock.now(), stage.ids.new()
    said = WorkerRow(0, uuid, "till", "shop-1", "b00t", 4711, 99, "0.1.0", 10, '["shop/a"]', "live", now, now)
    number = stage.store.workers.register(said)
    assert worker(stage, number) == said._replace(id=number)
    assert stage.store.workers.names([number, 999]) == {number: (uuid, "till")}
    stage.store.workers.serve(number, ["shop/b", "shop/a"])
    found = worker(stage, number)
    assert found is not None and json.loads(found.lanes) == ["shop/a", "shop/b"]


def test_numbers_of_workers_are_never_used_twice(stage: Stage) -> None:
    numbers = [stage.hire() for _ in range(5)]
    assert len(set(numbers)) == 5 and stage.worker not in numbers


def test_a_beat_renews_a_living_worker_only(stage: Stage) -> None:
    draining, gone = stage.hire(), stage.hire()
    stage.store.workers.drain(draining)
    stage.store.workers.end(gone)
    stage.clock.advance(2)
    beat = stage.store.workers.beat
    assert beat(stage.worker, stage.clock.now()) and beat(draining, stage.clock.now())
    assert not beat(gone, stage.clock.now()) and not beat(999, stage.clock.now())
    live = {row.id: (row.state, row.beat_at) for row in stage.store.workers.live()}
    assert live == {stage.worker: ("live", stage.clock.now()), draining: ("draining", stage.clock.now())}


def test_expiring_takes_the_silent_and_the_dead(stage: Stage) -> None:
    silent, dead, gone = stage.hire(), stage.hire(), stage.hire()
    stage.store.workers.end(gone)
    stage.clock.advance(10)
    for number in (stage.worker, dead):
        stage.store.workers.beat(number, stage.clock.now())
    expired = stage.store.workers.expire(stage.clock.now() - 5 * SECOND, [dead, gone, 999])
    assert sorted(expired) == sorted([silent, dead])
    assert [row.id for row in stage.store.workers.live()] == [stage.worker]
    assert stage.store.workers.expire(stage.clock.now() - 5 * SECOND, []) == []
    assert not stage.store.workers.beat(silent, stage.clock.now()), "a swept worker isn't revived"


def test_nobody_is_expired_without_a_reason(stage: Stage) -> None:
    stage.clock.advance(10_000)
    assert stage.store.workers.expire(0, []) == []
    assert worker(stage, stage.worker) is not None


def test_a_drained_worker_that_ended_is_not_drained_back_to_life(stage: Stage) -> None:
    stage.store.workers.end(stage.worker)
    stage.store.workers.drain(stage.worker)
    assert worker(stage, stage.worker) is None


# I4, I6. Seen to fail with `and w.state in (..)` taken out of abandoned_steps: whoever had a row counted as alive.
def test_a_step_in_progress_is_abandoned_when_its_worker_is_not_alive(stage: Stage) -> None:
    shape = stage.template({"only": []})
    stage.tasks(shape, 5)
    gone, draining, swept = stage.hire(), stage.hire(), stage.hire()
    hands = {number: stage.claim("shop/only", room=1, worker=number)[0] for number in (gone, draining, swept)}
    (kept,) = stage.claim("shop/only", room=1)
    assert stage.store.steps.abandoned() == []

    stage.store.workers.drain(draining)
    stage.store.workers.end(gone)
    stage.store.workers.expire(0, [swept])
    found = {row.worker: row for row in stage.store.steps.abandoned()}
    assert set(found) == {gone, swept}
    row, held = found[gone], hands[gone]
    assert (row.task_id, row.no, row.fence, row.name, row.template_id) == (*held.key, "only", shape.id)
    assert stage.settle(lose(hands[gone]), lose(hands[swept])).applied == {hands[gone].key, hands[swept].key}
    assert stage.store.steps.abandoned() == []
    assert sorted(h.row.attempt for h in stage.claim("shop/only")) == [1, 2, 2]
    assert set(stage.store.steps.held_by(stage.worker)) >= {kept.key}


def test_abandoned_steps_come_in_portions(stage: Stage) -> None:
    stage.tasks(stage.template({"only": []}), 250)
    held = {one.key: one for one in stage.claim("shop/only")}
    stage.store.workers.end(stage.worker)
    found = stage.store.steps.abandoned()
    assert len(found) == 200
    stage.settle(*(lose(held[type(next(iter(held)))(row.task_id, row.no, row.fence)]) for row in found))
    assert len(stage.store.steps.abandoned()) == 50


def test_a_dead_letter_is_written_with_the_verdict_that_caused_it(stage: Stage) -> None:
    task = stage.task(stage.template({"only": []}))
    (held,) = stage.claim("shop/only")
    letter = DeadLetter(
        held.key, Letter(stage.ids.new(), held.key.task, held.key.no, "worker_lost", '{"workers":[1,2,3]}')
    )
    done = stage.settle(lose(held, StepState.ERROR), dead=[letter])
    assert done.rested == {task: "blocked_by_failures"}
    ((_, of_task, no, reason, detail, status, at, *_),) = tables(stage.store, "dead_letters")["dead_letters"]
    assert (of_task, no, reason, detail) == (task, 1, "worker_lost", '{"workers":[1,2,3]}')
    assert (status, at) == ("pending", stage.clock.now())


def test_a_verdict_that_did_not_apply_buries_nothing(stage: Stage) -> None:
    stage.task(stage.template({"only": []}))
    (held,) = stage.claim("shop/only")
    stage.settle(complete(held))
    before = tables(stage.store)
    letter = DeadLetter(held.key, Letter(stage.ids.new(), held.key.task, held.key.no, "worker_lost", "{}"))
    stage.settle(lose(held, StepState.ERROR), dead=[letter])
    assert tables(stage.store) == before


def test_a_duty_has_one_holder_until_it_is_dropped_or_lapses(stage: Stage) -> None:
    take, drop = stage.store.workers.take_duty, stage.store.workers.drop_duty
    ann, bob = stage.ids.new(), stage.ids.new()
    now = stage.clock.now()
    assert take("sweep", ann, now, now + 5 * SECOND)
    assert not take("sweep", bob, now, now + 5 * SECOND)
    assert take("prune", bob, now, now + 5 * SECOND), "another duty is another matter"
    assert take("sweep", ann, now + 4 * SECOND, now + 9 * SECOND), "its holder renews it"
    assert not take("sweep", bob, now + 6 * SECOND, now + 11 * SECOND)
    assert take("sweep", bob, now + 9 * SECOND + 1, now + 14 * SECOND), "it has lapsed"
    assert not take("sweep", ann, now + 10 * SECOND, now + 15 * SECOND)
    drop("sweep", ann)
    assert not take("sweep", ann, now + 10 * SECOND, now + 15 * SECOND), "only its holder can drop it"
    drop("sweep", bob)
    assert take("sweep", ann, now + 10 * SECOND, now + 15 * SECOND)


# I6. Seen to fail with the `where` behind `do update` taken out of take_duty.
def test_of_racing_takers_one_gets_the_duty(stage: Stage, another_store: Callable[[], Store]) -> None:
    stores = [stage.store, *(another_store() for _ in range(3))]
    start = Barrier(len(stores), timeout=30)
    now = stage.clock.now()

    def take(store: Store) -> list[bool]:
        me = stage.ids.new()
        start.wait()
        return [store.workers.take_duty(f"duty {n}", me, now, now + SECOND) for n in range(25)]

    with ThreadPoolExecutor(len(stores)) as pool:
        answers = list(pool.map(take, stores))
    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 25
