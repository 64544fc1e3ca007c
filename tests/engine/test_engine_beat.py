"""The beat: what a worker believes it holds, compared with what is recorded to it."""

from __future__ import annotations

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.words import Lease, LeaseKey
from tests.support.flows import Hands, flow, ok, wish


@pytest.fixture
def leases(engine: Engine, hands: Hands) -> list[Lease]:
    """Four claimed steps, of a task each."""
    engine.catalog.register(flow({"pay": []}), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(4)])
    return hands.claim_all()


def test_a_worker_that_is_right_hears_nothing(engine: Engine, hands: Hands, leases: list[Lease]) -> None:
    heard = engine.beat(hands.number, [lease.key for lease in leases])
    assert (heard.known, heard.lost, heard.cancelled, dict(heard.unknown)) == (True, frozenset(), frozenset(), {})


def test_an_idle_worker_hears_nothing(engine: Engine, hands: Hands) -> None:
    heard = engine.beat(hands.number, [])
    assert (heard.known, heard.lost, heard.cancelled, dict(heard.unknown)) == (True, frozenset(), frozenset(), {})


# I6. Seen to fail with `unknown` always empty: a claim whose answer was lost stayed in progress for ever.
def test_leases_that_it_does_not_know_of_are_named_with_the_time_of_their_claim(
    engine: Engine, hands: Hands, leases: list[Lease], clock: ManualClock
) -> None:  # fmt: skip
    claimed_at = clock.now()
    clock.advance(5)
    heard = engine.beat(hands.number, [leases[0].key, leases[2].key])
    assert heard.unknown == {leases[1].key: claimed_at, leases[3].key: claimed_at}
    engine.give_back(hands.number, heard.unknown, "the worker doesn't know of this lease")
    again = hands.claim_all()
    assert sorted(lease.task_uuid for lease in again) == sorted(leases[n].task_uuid for n in (1, 3))
    assert {(lease.attempt, lease.key.fence) for lease in again} == {(1, 2)}


def test_leases_that_are_no_longer_its_own_are_lost(engine: Engine, hands: Hands, leases: list[Lease]) -> None:
    mine = [lease.key for lease in leases]
    engine.give_back(hands.number, [mine[0]], "stopping")
    Hands(engine).claim_all()
    hands.report(ok(leases[1]))
    never = LeaseKey(mine[2].task, 1, 77)
    heard = engine.beat(hands.number, [*mine, never])
    assert heard.known
    assert heard.lost == {mine[0], mine[1], never}
    assert heard.cancelled == frozenset() and dict(heard.unknown) == {}


def test_leases_of_cancelled_tasks_are_told_apart(engine: Engine, hands: Hands, leases: list[Lease]) -> None:
    engine.cancel(leases[0].task_uuid, actor="ann")
    engine.give_back(hands.number, [leases[1].key], "stopping")
    heard = engine.beat(hands.number, [lease.key for lease in leases])
    assert heard.cancelled == {leases[0].key}
    assert heard.lost == {leases[1].key}


def test_a_worker_that_was_given_up_has_lost_everything(engine: Engine, hands: Hands, leases: list[Lease]) -> None:
    engine.store.workers.end(hands.number)
    heard = engine.beat(hands.number, [lease.key for lease in leases])
    assert not heard.known and heard.lost == {lease.key for lease in leases}
    assert not engine.beat(999, []).known


def test_a_beat_is_written_down(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    clock.advance(7)
    engine.beat(hands.number, [])
    (row,) = engine.store.workers.live()
    assert row.beat_at == clock.now()
