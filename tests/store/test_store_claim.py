"""Claiming: in the order of the lane, within the room, each step for one worker, and only for a live one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasker_core.store import Store
from tasker_core.store.claiming import Claim
from tasker_core.words import LeaseKey
from tests.support.graphs import Held, Stage, complete, tables

ONE: dict[str, list[str]] = {"only": []}
THREE: dict[str, list[str]] = {"a": [], "b": [], "c": []}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ranks=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=12), room=st.integers(1, 14))
def test_a_lane_is_served_by_rank_and_no_further_than_the_room(stage: Stage, ranks: list[int], room: int) -> None:
    shape = stage.template(ONE)
    stage.claim("shop/only")  # what an earlier example left
    for rank in ranks:
        stage.task(shape, rank=rank)
    claimed = stage.claim("shop/only", room=room)
    assert sorted(held.row.rank for held in claimed) == sorted(ranks)[:room]
    rest = stage.claim("shop/only")
    assert len(claimed) + len(rest) == len(ranks)


def test_one_by_one_the_order_is_rank_then_step(stage: Stage) -> None:
    shape = stage.template(THREE, lane="shop/lane")
    for rank in (5, -3, 5, 0):
        stage.task(shape, rank=rank)
    order = [(held.row.rank, held.name) for _ in range(12) for held in stage.claim("shop/lane", room=1)]
    assert sorted(rank for rank, _ in order) == [rank for rank, _ in order] == [-3] * 3 + [0] * 3 + [5] * 6
    assert [name for _, name in order] == ["a", "b", "c", "a", "b", "c", "a", "a", "b", "b", "c", "c"]


def test_the_room_is_shared_by_the_lanes_in_their_order(stage: Stage) -> None:
    stage.tasks(stage.template(THREE), 3)
    assert sorted(held.name for held in stage.claim("shop/c", "shop/a", "shop/b", room=5)) == ["a", "a", "c", "c", "c"]
    assert sorted(held.name for held in stage.claim("shop/c", "shop/a", "shop/b", room=2)) == ["a", "b"]
    assert [held.name for held in stage.claim("shop/c", "shop/a", "shop/b", room=50)] == ["b", "b"]
    assert stage.claim("shop/c", "shop/a", "shop/b") == []


def test_what_is_held_already_takes_no_room_of_the_next_claim(stage: Stage) -> None:
    stage.tasks(stage.template(ONE), 5)
    assert [len(stage.claim("shop/only", room=2)) for _ in range(3)] == [2, 2, 1]


def test_no_room_and_no_lanes_get_nothing(stage: Stage) -> None:
    stage.task(stage.template(ONE))
    before = tables(stage.store)
    assert stage.claim("shop/only", room=0) == stage.claim() == stage.claim("shop/other") == []
    assert tables(stage.store) == before


def test_a_claim_writes_who_when_and_a_new_fence(stage: Stage) -> None:
    task = stage.task(stage.template(ONE), rank=42)
    stage.clock.advance(3)
    (held,) = stage.claim("shop/only")
    assert held.row._replace(epoch=0) == (task, 1, "only", "shop/only", 1, 1, 0, 0, 42)
    (row,) = stage.store.tasks.steps([task])[0][task]
    assert (row.state, row.worker, row.claimed_at, row.fence) == ("in_progress", stage.worker, stage.clock.now(), 1)


# I6. Seen to fail with `and exists (..)` taken out of claim_lane.
def test_only_a_live_worker_gets_anything(stage: Stage) -> None:
    stage.tasks(stage.template(ONE), 3)
    draining, gone, expired = stage.hire(), stage.hire(), stage.hire()
    stage.store.workers.drain(draining)
    stage.store.workers.end(gone)
    stage.store.workers.expire(0, [expired])
    before = tables(stage.store)
    for worker in (draining, gone, expired, 10_000):
        assert stage.claim("shop/only", worker=worker) == []
    assert tables(stage.store) == before
    assert len(stage.claim("shop/only")) == 3


def test_a_drained_worker_gets_nothing_with_a_settlement_either(stage: Stage) -> None:
    stage.tasks(stage.template(ONE), 2)
    (held,) = stage.claim("shop/only", room=1)
    stage.store.workers.drain(stage.worker)
    done = stage.settle(complete(held), claim=Claim(stage.worker, ["shop/only"], 5))
    assert done.applied == {held.key} and done.claimed == []


# Seen to fail on PostgreSQL with `for no key update of s skip locked` taken out of claim_lane.
def test_racing_claimers_get_distinct_steps(stage: Stage, another_store: Callable[[], Store]) -> None:
    tasks = stage.tasks(stage.template(THREE), 60)
    stages = [stage, *(Stage(another_store()) for _ in range(3))]
    start = Barrier(len(stages), timeout=30)

    def claim(one: Stage) -> list[Held]:
        start.wait()
        mine: list[Held] = []
        misses = 0
        while misses < 3:
            claimed = one.claim("shop/a", "shop/b", "shop/c", room=7)
            misses = 0 if claimed else misses + 1
            mine += claimed
        return mine

    with ThreadPoolExecutor(len(stages)) as pool:
        hands = list(pool.map(claim, stages))
    keys = [held.key for hand in hands for held in hand]
    assert len(keys) == len(set(keys)) == 180
    assert {(key.task, key.no) for key in keys} == {(task, no) for task in tasks for no in (1, 2, 3)}
    assert all(key.fence == 1 for key in keys)
    for one, hand in zip(stages, hands, strict=True):
        assert set(one.store.steps.held_by(one.worker)) == {held.key for held in hand}


def test_a_claim_whose_answer_was_lost_can_be_asked_for_again(stage: Stage) -> None:
    stage.tasks(stage.template(THREE), 2)
    first, second = stage.claim("shop/a"), stage.claim("shop/b", "shop/c")
    before = stage.store.steps.claimed_before
    assert sorted(before(stage.worker, second[0].stamp)) == sorted(held.row for held in second)
    stage.settle(complete(first[0]))
    assert before(stage.worker, first[0].stamp) == [first[1].row]
    assert before(stage.hire(), first[0].stamp) == before(stage.worker, 12345) == []


def test_a_peek_tells_what_waits_and_the_rank_of_the_first(stage: Stage) -> None:
    shape = stage.template(THREE)
    stage.task(shape, rank=9)
    stage.task(shape, rank=4)
    stage.claim("shop/a")
    stage.claim("shop/b", room=1)
    assert stage.store.steps.look(["shop/a", "shop/b", "shop/c", "shop/none"]).waiting == {"shop/b": 9, "shop/c": 4}
    assert stage.store.steps.look([]).waiting == {}


def test_creating_hands_over_what_is_ready_at_once(stage: Stage) -> None:
    shape = stage.template({"a": [], "b": [], "c": ["a"]})
    stage.task(shape, rank=stage.clock.now())
    mine = stage.new_task(shape, rank=-7)
    done = stage.written([mine], Claim(stage.worker, ["shop/a", "shop/b"], 3))
    claimed = sorted((row.name, row.rank, row.attempt, row.fence) for row in done.claimed)
    assert claimed == [("a", -7, 1, 1), ("a", stage.clock.now(), 1, 1), ("b", -7, 1, 1)]
    assert set(stage.store.steps.held_by(stage.worker)) == {LeaseKey(r.task_id, r.no, r.fence) for r in done.claimed}


def test_a_refused_creation_hands_over_nothing(stage: Stage) -> None:
    shape = stage.template({"a": []})
    stage.task(shape, identity="taken")
    batch = [stage.new_task(shape), stage.new_task(shape, identity="taken")]
    before = tables(stage.store)
    done = stage.written(batch, Claim(stage.worker, ["shop/a"], 5))
    assert (done.written, list(done.claimed)) == ({}, [])
    assert tables(stage.store) == before


def test_what_a_worker_holds_is_told_with_its_template(stage: Stage) -> None:
    shape = stage.template(THREE)
    stage.task(shape)
    other = stage.hire()
    (mine,), (others,) = stage.claim("shop/a"), stage.claim("shop/b", worker=other)
    held = stage.store.steps.held_by(stage.worker)
    assert set(held) == {mine.key}
    row = held[mine.key]
    assert (row.name, row.template_id, row.worker, row.lane) == ("a", shape.id, stage.worker, "shop/a")
    assert (row.attempt, row.crashes, row.claimed_at) == (1, 0, stage.clock.now())
    assert set(stage.store.steps.held_by(other)) == {others.key}
    stage.settle(complete(mine))
    assert stage.store.steps.held_by(stage.worker) == {}


def test_contexts_and_results_are_read_together(stage: Stage) -> None:
    shape = stage.template({"a": [], "b": ["a"]})
    task = stage.task(shape, context='{"n":1}', correlation_id="11111111-1111-4111-8111-111111111111")
    (held,) = stage.claim("shop/a")
    assert stage.store.steps.inputs([task], [(task, 1), (task, 2)])[1] == {}
    stage.settle(complete(held, '{"result":{"b":1,"a":2}}'))
    inputs, results = stage.store.steps.inputs([task, 999], [(task, 1), (task, 2), (999, 1)])
    assert results == {(task, 1): '{"result":{"b":1,"a":2}}'}
    assert set(inputs) == {task}
    row = inputs[task]
    assert (row.template_id, row.context, row.correlation_id) == (
        shape.id,
        '{"n":1}',
        "11111111-1111-4111-8111-111111111111",
    )
    assert stage.store.steps.inputs([], []) == ({}, {})
