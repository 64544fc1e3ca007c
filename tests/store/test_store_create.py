"""Creating tasks: all or none, once per identity, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasker_core.errors import StoreDataError
from tasker_core.store import Store
from tests.support.graphs import Stage, orphans, tables

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def test_a_task_is_written_with_its_steps_edges_and_payload(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    new = stage.new_task(shape, context='{"cart":7}', priority=5, tags='["x"]', idempotency_key="order-7")
    assert stage.create(new) == {new.id}

    row = stage.store.tasks.find(new.id)
    assert row is not None
    task = row.id
    assert stage.store.tasks.numbers([new.id]) == {new.id: task}
    assert (row.uuid, row.template_id, row.namespace, row.name, row.version) == (
        new.id, shape.id, "shop", "flow", "1.0.0"
    )  # fmt: skip
    assert (row.state, row.priority, row.total_steps) == ("steps_in_process", 5, 4)
    assert (row.context, row.tags, row.idempotency_key) == ('{"cart":7}', '["x"]', "order-7")
    assert (row.created_at, row.updated_at, row.completed_at) == (stage.clock.now(), stage.clock.now(), 0)

    steps, edges = stage.store.tasks.steps([task])
    assert [(s.no, s.name, s.state, s.lane, s.waits, s.attempt) for s in steps[task]] == [
        (1, "a", "enqueued", "shop/a", 0, 0),
        (2, "b", "pending", "shop/b", 1, 0),
        (3, "c", "pending", "shop/c", 1, 0),
        (4, "d", "pending", "shop/d", 2, 0),
    ]
    assert sorted(edges[task]) == [(1, 2), (1, 3), (2, 4), (3, 4)]
    assert stage.store.tasks.attempts(task) == []
    assert stage.store.tasks.transitions(task) == []


def test_an_unknown_task_is_not_found(stage: Stage) -> None:
    nobody = stage.ids.new()
    assert stage.store.tasks.find(nobody) is None
    assert stage.store.tasks.numbers([nobody]) == {}
    assert stage.store.tasks.existing([nobody]) == {}
    assert stage.store.tasks.states([7]) == {}
    assert stage.store.tasks.steps([7]) == ({7: []}, {7: []})


def test_many_tasks_are_written_in_one_call(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    tasks = stage.tasks(shape, 500)
    assert set(stage.store.tasks.states(tasks).values()) == {"steps_in_process"}
    assert len(tables(stage.store, "steps")["steps"]) == 2_000
    assert stage.store.tasks.newest({}, 10, 0)[1] == 500


def test_an_identity_that_exists_is_not_written_again(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    first = stage.new_task(shape, identity="same", context='{"n":1}')
    assert stage.create(first) == {first.id}
    before = tables(stage.store)

    assert stage.create(stage.new_task(shape, identity="same")) == set()
    assert tables(stage.store) == before
    existing = stage.store.tasks.existing(["same", "other"])
    assert set(existing) == {"same"}
    assert (existing["same"].id, existing["same"].context) == (first.id, '{"n":1}')


def test_the_same_task_again_is_not_written_again(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    task = stage.new_task(shape)
    assert stage.create(task) == {task.id}
    before = tables(stage.store)
    stage.clock.advance(1)
    assert stage.create(task) == set()
    assert tables(stage.store) == before


def test_an_id_that_another_task_has_is_not_written(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    task = stage.new_task(shape)
    stage.create(task)
    before = tables(stage.store)
    assert stage.create(stage.new_task(shape, id=task.id, context='{"other":1}')) == set()
    assert tables(stage.store) == before


@pytest.mark.parametrize("position", [0, 1, 2])
def test_all_or_none_writes_none_when_one_exists(stage: Stage, position: int) -> None:
    shape = stage.template(DIAMOND)
    stage.task(shape, identity="taken")
    before = tables(stage.store)
    batch = [stage.new_task(shape) for _ in range(2)]
    batch.insert(position, stage.new_task(shape, identity="taken"))

    assert stage.create(*batch) == set()
    assert tables(stage.store) == before


def test_without_all_or_none_the_others_are_written_whole(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    stage.task(shape, identity="taken")
    one, taken, other = stage.new_task(shape), stage.new_task(shape, identity="taken"), stage.new_task(shape)

    assert stage.create(one, taken, other, all_or_none=False) == {one.id, other.id}
    assert stage.store.tasks.find(taken.id) is None
    for task in (one, other):
        number = stage.store.tasks.numbers([task.id])[task.id]
        assert stage.steps(number) == {"a": "enqueued", "b": "pending", "c": "pending", "d": "pending"}
    assert set(orphans(stage.store).values()) == {0}


def test_a_content_that_is_no_longer_current_makes_no_task(stage: Stage) -> None:
    old = stage.template(DIAMOND)
    stage.template({"a": [], "b": ["a"]})
    assert stage.create(stage.new_task(old)) == set()
    assert set(orphans(stage.store).values()) == {0}


def test_a_refused_value_leaves_nothing_behind(stage: Stage) -> None:
    shape = stage.template(DIAMOND)
    before = tables(stage.store)
    with pytest.raises(StoreDataError):
        stage.create(stage.new_task(shape), stage.new_task(shape, initiator=None))
    assert tables(stage.store) == before
    stage.task(shape)


def test_racing_creators_of_the_same_tasks_write_each_once(
    stage: Stage, another_store: Callable[[], Store]
) -> None:  # fmt: skip
    shape = stage.template(DIAMOND)
    stages = [Stage(another_store()) for _ in range(3)]

    def create(one: Stage) -> list[set[str]]:
        batches = [[one.new_task(shape, identity=f"{n}-{m}") for m in range(5)] for n in range(20)]
        return [one.create(*(batch[:: -1 if one is stages[0] else 1])) for batch in batches]

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(create, stages))

    for n in range(20):
        assert sorted(len(answer[n]) for answer in answers) == [0, 0, 5], "all of a batch by one, none by the others"
    assert stage.store.tasks.newest({}, 1, 0)[1] == 100
    assert set(orphans(stage.store).values()) == {0}


def test_the_newest_tasks_come_first_page_by_page_and_filtered(stage: Stage) -> None:
    flow, other = stage.template(DIAMOND), stage.template({"a": []}, name="other")
    ids = []
    for n in range(6):
        ids.append(stage.task(other if n % 2 else flow))
        stage.clock.advance(1)
    newest = stage.store.tasks.newest

    rows, total = newest({}, 4, 0)
    assert ([row.id for row in rows], total) == (ids[:1:-1], 6)
    rows, total = newest({}, 4, 4)
    assert ([row.id for row in rows], total) == (ids[1::-1], 6)
    rows, total = newest({"name": "other"}, 10, 0)
    assert ([row.id for row in rows], total) == (ids[5::-2], 3)
    assert newest({"namespace": "elsewhere"}, 10, 0) == ([], 0)
    assert newest({"state": "complete"}, 10, 0) == ([], 0)
    assert newest({"namespace": "shop", "state": "steps_in_process", "name": "flow"}, 1, 2)[1] == 3
