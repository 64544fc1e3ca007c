"""What waits, counted: by lane, by state, and since when."""

from __future__ import annotations

import pytest

from tasker_core.rules.rank import rank
from tasker_core.store import gauges
from tests.support.graphs import Stage, complete, fail


def test_an_empty_store_has_nothing_waiting(stage: Stage) -> None:
    standing = stage.store.gauges.read()
    assert standing == gauges.Standing({}, 0, 0, {}, {"live": 1}, 0)


def test_each_lane_has_its_depth_and_its_age(stage: Stage) -> None:
    pay, ship = stage.template({"pay": [], "ship": ["pay"]}), stage.template({"ship": []}, name="parcel")
    first = stage.clock.now()
    stage.tasks(pay, 3)
    stage.clock.advance(60)
    second = stage.clock.now()
    stage.tasks(ship, 2)
    standing = stage.store.gauges.read()
    assert standing.queues == {"shop/pay": gauges.Queue(3, first), "shop/ship": gauges.Queue(2, second)}
    assert standing.tasks == {"steps_in_process": 5}


def test_one_that_starves_behind_higher_priorities_is_the_oldest(stage: Stage) -> None:
    shape = stage.template({"pay": []})
    long_ago = stage.clock.now()
    stage.tasks(shape, 2, priority=-5, rank=rank(-5, long_ago))
    stage.clock.advance(3_600)
    for urgency in (9, 3):
        stage.tasks(shape, 2, priority=urgency, rank=rank(urgency, stage.clock.now()))
    assert stage.store.gauges.read().queues == {"shop/pay": gauges.Queue(6, long_ago)}


def test_steps_and_tasks_are_counted_where_they_stand(stage: Stage) -> None:
    shape = stage.template({"pay": []})
    stage.tasks(shape, 5)
    done, broken, retried, running = stage.claim("shop/pay", room=4)
    stage.settle(complete(done), fail(broken), stage.retry(retried, seconds=60))
    standing = stage.store.gauges.read()
    assert (standing.in_progress, standing.waiting_for_retry) == (1, 1)
    assert standing.tasks == {"steps_in_process": 2, "waiting_for_retry": 1, "blocked_by_failures": 1}
    assert stage.cancel(broken.row.task_id) and stage.cancel(running.row.task_id)
    standing = stage.store.gauges.read()
    assert standing.tasks == {"steps_in_process": 1, "waiting_for_retry": 1}


def test_nothing_is_counted_beyond_the_most(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "MOST", 10)
    stage.tasks(stage.template({"pay": []}), 25)
    standing = stage.store.gauges.read()
    assert standing.queues["shop/pay"].depth == 10
    assert standing.tasks == {"steps_in_process": 10}
