"""The reckoning finds what is wrong: each kind of damage, done by hand, is complained about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tests.support.flows import Hands, flow, wish
from tests.support.meddling import meddle
from tests.support.reckoning import Reckoning, effects_out_of_order

GRAPH = {"cart": [], "pay": ["cart"], "ship": ["pay"]}

REPEATED = """insert into {attempts} select task_id, no, fence + 1, stamp, attempt, ending, state, worker, enqueued_at,
  claimed_at, ended_at, reason, result, error from {attempts} where task_id = 1 and no = 2"""


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A store in which two tasks of three steps have run to their end."""
    database = open_database(sqlite_url)
    database.migrate()
    engine = Engine(Store(database), clock=ManualClock())
    engine.catalog.register(flow(GRAPH), replace=True)
    engine.create([wish(engine, idempotency_key=key) for key in ("one", "two")])
    Hands(engine).play()
    yield engine
    engine.close()


def test_what_ran_to_its_end_is_sound(engine: Engine, sqlite_url: str) -> None:
    with closing(Reckoning(sqlite_url)) as reckoning:
        assert reckoning.complaints(tasks=2, steps=6) == []


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (
            "update {tasks} set state = 'error' where id = 1",
            "tasks are {'complete': 1, 'error': 1}, not all 2 complete",
        ),
        ("delete from {steps} where task_id = 1 and no = 2", "steps are {'complete': 5}, not all 6 complete"),
        ("update {steps} set state = 'in_progress' where task_id = 1 and no = 2", "1 leases are left"),
        ("delete from {attempts} where task_id = 1 and no = 2", "1 steps weren't completed exactly once"),
        (REPEATED, "1 steps weren't completed exactly once"),
        ("update {attempts} set ending = 'failed' where task_id = 1 and no = 2", "attempts ended as ['failed']"),
        ("delete from {tasks} where id = 1", "3 rows of steps belong to no task"),
        ("update {steps} set waits = 1 where task_id = 1 and no = 2", "1 steps count parents that they don't wait for"),
        (
            "delete from {transitions} where task_id = 1 and to_state = 'complete'",
            "1 tasks didn't become complete exactly once",
        ),
    ],
)
def test_damage_is_found(engine: Engine, sqlite_url: str, damage: str, complaint: str) -> None:
    meddle(engine.store, damage)
    with closing(Reckoning(sqlite_url)) as reckoning:
        assert complaint in reckoning.complaints(tasks=2, steps=6)


def test_an_effect_before_the_one_that_it_depends_on_is_found() -> None:
    effects = [("one", "cart"), ("one", "ship"), ("one", "pay"), ("two", "cart")]
    assert effects_out_of_order(effects, GRAPH) == ["ship of one before pay"]
