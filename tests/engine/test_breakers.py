"""Breakers: a handler that fails again and again is left alone for a while, then one step tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.breaker import BreakerPolicy
from tasker_core.store import Store, open_database
from tasker_core.words import Lease, Report, Word
from tests.support.flows import Hands, failed, flow, ok, wish

LANE = "shop/pay"
ANN = Word("ann", "the gateway is down")


@pytest.fixture
def another_engine(store_url: str, clock: ManualClock) -> Iterator[Callable[[], Engine]]:
    """Opens one more engine, whose breakers open after three failures for 30 s."""
    opened: list[Engine] = []

    def open_one() -> Engine:
        database = open_database(store_url)
        database.migrate()
        policy = BreakerPolicy(3, 30_000_000)
        opened.append(Engine(Store(database), clock=clock, roll=lambda: 0.5, breakers=policy))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture(autouse=True)
def tasks(engine: Engine) -> None:
    engine.catalog.register(flow({"pay": []}, retry={"max_attempts": 9, "backoff": "none"}), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(20)])


def one(hands: Hands) -> Lease:
    (lease,) = hands.claim_all(room=1)
    return lease


def state(engine: Engine) -> str:
    return {each["handler"]: str(each["state"]) for each in engine.limits.breakers()}.get(LANE, "closed")


def break_it(hands: Hands) -> None:
    for _ in range(3):
        hands.report(failed(one(hands)))


def test_three_retryable_failures_in_a_row_open_it(engine: Engine, hands: Hands) -> None:
    break_it(hands)
    assert (state(engine), hands.claim_all()) == ("open", [])


@pytest.mark.parametrize("good", [ok, lambda lease: failed(lease, retryable=False)])
def test_a_good_end_between_them_begins_the_count_anew(
    engine: Engine, hands: Hands, good: Callable[[Lease], Report]
) -> None:
    ends: list[Callable[[Lease], Report]] = [failed, failed, good, failed, failed]
    for end in ends:
        hands.report(end(one(hands)))
    assert state(engine) == "closed"
    hands.report(failed(one(hands)))
    assert state(engine) == "open"


def test_what_one_batch_of_reports_says_counts_in_its_order(engine: Engine, hands: Hands) -> None:
    leases = hands.claim_all(room=8)
    ends: list[Callable[[Lease], Report]] = [failed, failed, ok, failed, failed]
    hands.report(*(end(lease) for end, lease in zip(ends, leases, strict=False)))
    assert state(engine) == "closed"
    hands.report(failed(leases[5]))
    assert state(engine) == "open"


def test_the_same_report_again_counts_once(engine: Engine, hands: Hands) -> None:
    report = failed(one(hands))
    for _ in range(5):
        hands.report(report)
    assert state(engine) == "closed"


def test_failures_of_two_processes_are_one_row(
    engine: Engine, another_engine: Callable[[], Engine], hands: Hands
) -> None:
    others = Hands(another_engine())
    for who in (hands, others, hands):
        who.report(failed(one(who)))
    assert state(engine) == "open"
    assert others.claim_all() == [], "also where nobody has read yet that it opened"
    others.engine.look([LANE])
    assert others.claim_all() == []


def test_after_a_while_exactly_one_step_tries_and_its_success_closes_it(
    engine: Engine, another_engine: Callable[[], Engine], hands: Hands, clock: ManualClock
) -> None:
    others = Hands(another_engine())
    straggler = one(hands)
    break_it(hands)
    others.engine.look([LANE])
    clock.advance(29.9)
    assert hands.claim_all() == others.claim_all() == []
    clock.advance(0.2)
    (probe,) = hands.claim_all()
    assert state(engine) == "half_open"
    others.engine.look([LANE])
    assert hands.claim_all() == others.claim_all() == []
    hands.report(ok(straggler))
    assert (state(engine), others.claim_all()) == ("half_open", []), "what began before says nothing about now"
    hands.report(ok(probe))
    assert state(engine) == "closed"
    others.engine.look([LANE])
    assert len(others.claim_all(room=5)) == 5


def test_a_probe_that_fails_opens_it_for_another_while(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    break_it(hands)
    clock.advance(31)
    hands.report(failed(one(hands)))
    assert (state(engine), hands.claim_all()) == ("open", [])
    clock.advance(31)
    hands.report(ok(one(hands)))
    assert state(engine) == "closed"


@pytest.mark.parametrize("lost", [True, False])
def test_a_probe_that_is_lost_or_handed_back_makes_room_for_another(
    engine: Engine, hands: Hands, clock: ManualClock, lost: bool
) -> None:
    break_it(hands)
    clock.advance(31)
    probe = one(hands)
    if lost:
        engine.store.workers.end(hands.number)
        engine.sweep()
        hands = Hands(engine)
    else:
        engine.give_back(hands.number, [probe.key], "stopping")
    again = one(hands)
    assert hands.claim_all() == []
    hands.report(ok(again))
    assert state(engine) == "closed"


def test_an_operator_opens_and_closes_it(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.limits.set_breaker(LANE, "open", ANN)
    clock.advance(100_000)
    assert (state(engine), hands.claim_all()) == ("open", [])
    engine.limits.set_breaker(LANE, "closed", Word("bob", "it is up again"))
    assert len(hands.claim_all(room=3)) == 3
    said = [(name, actor, reason, what) for name, _, actor, reason, what in engine.store.gates.words(10)]
    assert sorted(said) == [
        (LANE, "ann", "the gateway is down", "open"),
        (LANE, "bob", "it is up again", "closed"),
    ]
