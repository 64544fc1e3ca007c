"""Settling: a verdict applies once, and only while its lease stands (I1); what it wrote stays as it is."""

from __future__ import annotations

import pytest

from tasker_core.errors import StoreDataError
from tasker_core.store.claiming import Claim
from tasker_core.words import Ending, LeaseKey, StepState
from tests.support.graphs import Held, Stage, complete, fail, hand_back, lose, tables

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}


def held_step(stage: Stage) -> Held:
    """The first step of a new chain, claimed."""
    stage.task(stage.template(CHAIN))
    (held,) = stage.claim("shop/a")
    return held


def test_a_chain_runs_to_its_end(stage: Stage) -> None:
    task = stage.task(stage.template(CHAIN))
    for n, name in enumerate(CHAIN, 1):
        stage.clock.advance(1)
        (held,) = stage.claim(f"shop/{name}")
        stage.clock.advance(1)
        done = stage.settle(complete(held, f'{{"result":{n}}}'))
        assert done.applied == {held.key}
        assert done.rested == ({task: "complete"} if name == "c" else {})

    assert stage.steps(task) == {"a": "complete", "b": "complete", "c": "complete"}
    attempts = stage.store.tasks.attempts(task)
    assert [(a.no, a.attempt, a.ending, a.state, a.result) for a in attempts] == [
        (1, 1, "ok", "complete", '{"result":1}'),
        (2, 1, "ok", "complete", '{"result":2}'),
        (3, 1, "ok", "complete", '{"result":3}'),
    ]
    assert all(a.enqueued_at < a.claimed_at < a.ended_at for a in attempts)
    (moved,) = stage.store.tasks.transitions(task)
    assert (moved.from_state, moved.to_state, moved.at) == ("steps_in_process", "complete", stage.clock.now())
    ((row,), _) = stage.store.tasks.newest({}, 1, 0)
    assert row.id == task and row.completed_at == row.updated_at == stage.clock.now()


# I1. Seen to fail with `and s.fence = b.held` taken out of settle_steps.
@pytest.mark.parametrize("state", [StepState.COMPLETE, StepState.ERROR, StepState.ENQUEUED])
def test_a_report_under_another_lease_changes_nothing(stage: Stage, state: StepState) -> None:
    held = held_step(stage)
    before = tables(stage.store)
    for fence in (0, 2, 3, 2**62):
        foreign = held.at(fence=fence)
        ruling = {StepState.COMPLETE: complete, StepState.ERROR: fail, StepState.ENQUEUED: hand_back}[state](foreign)
        assert stage.settle(ruling).applied == frozenset()
    assert tables(stage.store) == before


# I1. Seen to fail with `s.state = 'in_progress' and` taken out of settle_steps.
def test_the_same_report_again_changes_nothing(stage: Stage) -> None:
    held = held_step(stage)
    assert stage.settle(complete(held)).applied == {held.key}
    before = tables(stage.store)
    stage.clock.advance(5)
    for again in (complete(held), complete(held, '{"result":"other"}'), fail(held), hand_back(held), lose(held)):
        assert stage.settle(again).applied == frozenset()
    assert tables(stage.store) == before


# Seen to fail with the primary key of `attempts` taken away: then the join counts one parent three times.
def test_the_same_verdict_twice_in_one_batch_is_refused_and_changes_nothing(stage: Stage) -> None:
    task = stage.task(stage.template({"a": [], "b": [], "join": ["a", "b"]}))
    one, other = stage.claim("shop/a", "shop/b")
    before = tables(stage.store)
    with pytest.raises(StoreDataError):
        stage.settle(complete(one), complete(one), complete(one))
    assert tables(stage.store) == before
    stage.settle(complete(one))
    assert stage.steps(task) == {"a": "complete", "b": "in_progress", "join": "pending"}
    stage.settle(complete(other))
    assert stage.steps(task)["join"] == "enqueued"


# I3. Seen to fail with `and p.fence = b.held` taken out of free_children, and likewise out of record_attempts.
@pytest.mark.parametrize("stale_first", [True, False])
def test_a_stale_and_a_valid_verdict_for_one_step_in_one_batch_count_once(stage: Stage, stale_first: bool) -> None:
    task = stage.task(stage.template({"a": [], "b": [], "join": ["a", "b"]}))
    stale, other = stage.claim("shop/a", "shop/b")
    stage.settle(hand_back(stale))
    (valid,) = stage.claim("shop/a")
    batch = [complete(stale, '{"result":"stale"}'), complete(valid, '{"result":"valid"}')]
    assert stage.settle(*(batch if stale_first else batch[::-1])).applied == {valid.key}
    results = [a.result for a in stage.store.tasks.attempts(task)]
    assert results == [None, '{"result":"valid"}']
    assert stage.steps(task)["join"] == "pending"
    stage.settle(complete(other))
    assert stage.steps(task)["join"] == "enqueued"


def test_a_late_report_after_the_step_went_to_another_worker_changes_nothing(stage: Stage) -> None:
    first = held_step(stage)
    stage.settle(lose(first))
    (second,) = stage.claim("shop/a", worker=stage.hire())
    before = tables(stage.store)
    assert stage.settle(complete(first)).applied == frozenset()
    assert tables(stage.store) == before
    assert stage.settle(complete(second)).applied == {second.key}


def test_a_report_for_a_step_that_was_never_claimed_changes_nothing(stage: Stage) -> None:
    held = held_step(stage)
    before = tables(stage.store)
    for no, fence in ((2, 0), (2, 1), (3, 0), (4, 1)):
        forged = held.at(no=no, fence=fence)
        assert stage.settle(complete(forged)).applied == stage.settle(fail(forged)).applied == frozenset()
    assert tables(stage.store) == before


def test_one_batch_settles_steps_of_many_tasks(stage: Stage) -> None:
    shape = stage.template(CHAIN)
    tasks = stage.tasks(shape, 60)
    held = stage.claim("shop/a")
    rulings = [(complete, fail, hand_back)[n % 3](one) for n, one in enumerate(held)]
    done = stage.settle(*rulings)
    assert done.applied == {one.key for one in held}
    assert sorted(done.rested.values()) == ["blocked_by_failures"] * 20
    states = [stage.steps(task) for task in tasks]
    assert sorted(s["a"] for s in states) == ["complete"] * 20 + ["enqueued"] * 20 + ["error"] * 20
    assert [s["b"] for s in states].count("enqueued") == 20


def test_a_hand_back_spends_no_attempt_and_keeps_the_count_of_losses(stage: Stage) -> None:
    held = held_step(stage)
    stage.settle(lose(held))
    (second,) = stage.claim("shop/a")
    assert (second.row.attempt, second.row.fence, second.row.crashes) == (2, 2, 1)
    stage.settle(hand_back(second))
    (third,) = stage.claim("shop/a")
    assert (third.row.attempt, third.row.fence, third.row.crashes) == (2, 3, 1)
    stage.settle(stage.retry(third, 0))
    stage.enqueue_due()
    (fourth,) = stage.claim("shop/a")
    assert (fourth.row.attempt, fourth.row.fence, fourth.row.crashes) == (3, 4, 0), "a failure of its own ends the row"
    endings = [(a.fence, a.attempt, a.ending) for a in stage.store.tasks.attempts(held.row.task_id)]
    assert endings == [(1, 1, "lost"), (2, 2, "released"), (3, 2, "failed")]


def test_settling_hands_over_what_it_freed(stage: Stage) -> None:
    task = stage.task(stage.template(CHAIN))
    (held,) = stage.claim("shop/a")
    done = stage.settle(complete(held), claim=Claim(stage.worker, ["shop/c", "shop/b"], 5))
    (row,) = done.claimed
    assert (row.task_id, row.no, row.name, row.attempt) == (task, 2, "b", 1)
    assert stage.steps(task)["b"] == "in_progress"
    assert stage.settle(complete(Held(row, done.stamp))).applied == {LeaseKey(task, 2, 1)}


def test_what_is_handed_back_can_be_claimed_by_the_same_transaction(stage: Stage) -> None:
    held = held_step(stage)
    done = stage.settle(hand_back(held), claim=Claim(stage.worker, ["shop/a"], 1))
    (row,) = done.claimed
    assert (row.no, row.attempt, row.fence) == (1, 1, 2)
    assert stage.settle(complete(held)).applied == frozenset()
    assert stage.settle(complete(Held(row, done.stamp))).applied


def test_what_was_reported_before_can_be_told(stage: Stage) -> None:
    held = held_step(stage)
    unknown = LeaseKey(held.row.task_id, 1, 7)
    assert stage.store.steps.reported_before([held.key, unknown]) == {}
    stage.settle(complete(held, '{"result":1}'))
    said = stage.store.steps.reported_before([unknown, held.key])
    assert said == {held.key: (Ending.OK, '{"result":1}', None)}


def test_a_refused_report_is_written_down_and_changes_nothing_else(stage: Stage) -> None:
    held = held_step(stage)
    stage.settle(complete(held))
    quiet = [name for name in tables(stage.store) if name != "transitions"]
    before = tables(stage.store, *quiet)
    rejected = [(held.key, stage.ids.stamp()), (held.key, stage.ids.stamp())]
    stage.store.steps.record_rejected(rejected, "came too late", stage.clock.now(), "worker 7")
    assert tables(stage.store, *quiet) == before
    said = stage.store.tasks.transitions(held.row.task_id)
    assert [(t.no, t.from_state, t.to_state, t.actor, t.reason) for t in said] == [
        (1, "complete", "complete", "worker 7", "came too late")
    ] * 2


def test_a_value_that_the_database_refuses_leaves_the_whole_batch_as_it_was(stage: Stage) -> None:
    stage.tasks(stage.template(CHAIN), 3)
    one, two, three = stage.claim("shop/a")
    before = tables(stage.store)
    bad = complete(two)._replace(ending=None)  # type: ignore[arg-type]  # on purpose: the column takes no NULL
    with pytest.raises(StoreDataError):
        stage.settle(complete(one), bad, complete(three))
    assert tables(stage.store) == before
    assert stage.settle(complete(one), complete(two), complete(three)).applied == {one.key, two.key, three.key}
