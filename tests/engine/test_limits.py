"""Limits: no more of a handler, a namespace or a key run at once, and no more begin in a time, than they say."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tasker_core.clock import SECOND, ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.template import Template
from tasker_core.words import Lease, Report, Word
from tests.support.flows import Hands, failed, flow, ok, wish, yielded

ENDINGS: list[Callable[[Lease], Report]] = [ok, failed, yielded]
ONE: dict[str, list[str]] = {"pay": []}


def limited(*, graph: Mapping[str, list[str]] = ONE, **limits: Any) -> Template:
    return flow(graph, retry={"max_attempts": 9, "backoff": "none", "backoff_base_ms": 0}, **limits)


def customers(engine: Engine, *names: Any) -> None:
    engine.create([wish(engine, context={"customer": {"id": name}, "n": n}) for n, name in enumerate(names)])


def of(leases: list[Lease]) -> list[str]:
    """Whose steps these are."""
    return [lease.context.partition('"id":')[2].partition("}")[0].strip('"') for lease in leases]


def test_no_more_of_a_handler_run_than_its_limit(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(limited(concurrency=3), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(5)])
    first = hands.claim_all()
    assert (len(first), hands.claim_all()) == (3, [])
    reply = hands.report(ok(first[0]), then=hands.request())
    assert len(reply.leases) == 1, "the one that ended makes room for the next in the same transaction"
    hands.report(*map(ok, [*first[1:], *reply.leases]))
    assert len(hands.claim_all()) == 1


@pytest.mark.parametrize("end", ["ok", "failed for good", "retry", "yield", "hand back", "cancel", "lost"])
def test_every_ending_makes_room(engine: Engine, hands: Hands, end: str) -> None:
    engine.catalog.register(limited(concurrency=1), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(2)])
    (lease,) = hands.claim_all()
    assert hands.claim_all() == []
    match end:
        case "ok":
            hands.report(ok(lease))
        case "failed for good":
            hands.report(failed(lease, retryable=False))
        case "retry":
            hands.report(failed(lease, retry_after=60))
        case "yield":
            hands.report(yielded(lease))
        case "hand back":
            engine.give_back(hands.number, [lease.key], "stopping")
        case "cancel":
            engine.cancel(lease.task_uuid, actor="ann")
        case "lost":
            engine.store.workers.end(hands.number)
            engine.sweep()
            hands = Hands(engine)
    assert len(hands.claim_all()) == 1
    assert hands.claim_all() == []


def test_each_key_has_its_own_places(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(limited(concurrency={"per_key": 2, "key": "customer.id"}), replace=False)
    customers(engine, "a", "a", "a", "a", "b", "b", "b", 7, "7", None)
    first = hands.claim_all()
    assert Counter(of(first)) == Counter({"a": 2, "b": 2, "7": 2, "null": 1}), "a number is another key than a text"
    assert hands.claim_all() == []
    rest = hands.report(*map(ok, first), then=hands.request()).leases
    assert Counter(of(list(rest))) == Counter({"a": 2, "b": 1})


def test_who_has_no_key_shares_the_places_of_those_without(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(limited(concurrency={"key": "customer.id"}), replace=False)
    engine.create([wish(engine, context=context) for context in ({}, {"customer": None}, {"customer": {"id": None}})])
    assert len(hands.claim_all()) == 1


def test_steps_of_a_template_that_names_no_key_have_none(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(flow(ONE, name="other"), replace=False)
    engine.catalog.register(limited(concurrency={"key": "customer.id"}), replace=False)
    engine.create([wish(engine, name="other", context={"n": n}) for n in range(3)])
    customers(engine, "a", "a")
    assert len(hands.claim_all()) == 4


def test_those_of_one_key_go_in_order_and_hold_nobody_else_back(engine: Engine, hands: Hands) -> None:
    """A thousand of one customer stand before the only one of another."""
    engine.catalog.register(limited(concurrency={"key": "customer.id"}), replace=False)
    customers(engine, *["many"] * 1_000, "other")
    claimed: list[Lease] = []
    for _ in range(8):
        claimed += hands.claim_all(room=10)
    assert sorted(of(claimed)) == ["many", "other"]
    order = []
    (lease,) = (lease for lease in claimed if "many" in lease.context)
    for _ in range(20):
        order.append(lease.key.task)
        (lease,) = hands.report(ok(lease), then=hands.request(room=10)).leases
    assert order == sorted(order)


def test_a_task_that_gets_another_context_has_the_places_of_its_new_key(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(limited(concurrency={"key": "customer.id"}), replace=False)
    customers(engine, "a", "a")
    (running,) = hands.claim_all()
    assert hands.claim_all() == [], "the other one stands aside"
    (task,) = {row.uuid for row in engine.store.tasks.older({}, 5, None)} - {running.task_uuid}
    engine.operator.restart(task, "pay", Word("ann", "meant for another"), context={"customer": {"id": "b"}})
    (moved,) = hands.claim_all()
    assert moved.task_uuid == task
    customers(engine, "b", "c")
    assert of(hands.claim_all()) == ["c"], "the new key is full"
    hands.report(ok(moved))
    assert of(hands.claim_all()) == ["b"]


def test_a_full_key_hides_nobody_from_who_asks_for_one_step(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(limited(concurrency={"key": "customer.id"}), replace=False)
    customers(engine, "a", "a", "b", "c")
    assert [of(hands.claim_all(room=1)) for _ in range(4)] == [["a"], ["b"], ["c"], []]


def test_a_rate_counts_each_step_once_though_keys_hold_some_back(
    engine: Engine, hands: Hands, clock: ManualClock
) -> None:
    engine.catalog.register(limited(concurrency={"key": "customer.id"}, rate="20/s"), replace=False)
    clock.advance(60)
    customers(engine, *"aaaabcdef")
    assert sorted(of(hands.claim_all(room=7))) == [*"abcdef"], "also of those behind others of a full key"
    (standing,) = engine.store.gates.standings(clock.now())
    assert (standing.running, standing.used) == (6, 6)


def test_a_rate_is_never_overrun_in_any_stretch_of_its_period(engine: Engine, clock: ManualClock) -> None:
    engine.catalog.register(limited(rate="10/s"), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(100)])
    chance, crew = random.Random(7), [Hands(engine), Hands(engine)]
    begun: list[int] = []
    while len(begun) < 100:
        leases = chance.choice(crew).claim_all(room=chance.randint(1, 20))
        begun += [lease.claimed_at for lease in leases]
        clock.advance(chance.uniform(0, 0.12))
    for first in begun:
        assert sum(first <= at < first + SECOND for at in begun) <= 10
    assert begun[-1] - begun[0] < 14 * SECOND, "what may begin begins"


def test_a_rate_is_exact_to_the_microsecond(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    engine.catalog.register(limited(rate="1/s"), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(2)])
    clock.advance(0.000_5)
    assert len(hands.claim_all()) == 1
    clock.advance(0.999_9)
    assert hands.claim_all() == []
    clock.advance(0.002)
    assert len(hands.claim_all()) == 1


def test_the_smallest_number_of_several_templates_holds_and_the_newest_version_of_each(
    engine: Engine, hands: Hands
) -> None:
    def register(name: str, version: str, **limits: Any) -> None:
        engine.catalog.register(flow(ONE, name=name, version=version, **limits), replace=False)

    def room() -> int:
        engine.create([wish(engine, context={"n": n, "of": str(engine.ids.new())}) for n in range(9)])
        leases = hands.claim_all()
        hands.report(*map(ok, leases))
        while more := hands.claim_all():
            hands.report(*map(ok, more))
        return len(leases)

    register("order", "1.0.0", concurrency=5)
    assert room() == 5
    register("refund", "1.0.0", concurrency=2)
    assert room() == 2
    register("refund", "1.1.0", concurrency=4)
    register("refund", "1.0.5", concurrency=1)
    assert room() == 4, "an older version says nothing any more"
    register("refund", "2.0.0")
    assert room() == 5
    register("order", "3.0.0")
    assert room() == 9


def test_a_worker_that_does_not_know_of_a_new_limit_gets_nothing_before_it_has_read_it(
    engine: Engine, another_engine: Callable[[], Engine], hands: Hands
) -> None:
    engine.catalog.register(limited(), replace=False)
    engine.create([wish(engine, context={"n": n}) for n in range(9)])
    running = hands.claim_all(room=2)
    other = another_engine()
    other.catalog.register(flow(ONE, version="1.1.0", concurrency=3), replace=False)
    assert hands.claim_all() == []
    engine.look(hands.request().lanes)
    assert len(hands.claim_all()) == 1, "what ran before the limit came is counted"
    hands.report(*map(ok, running))
    assert len(hands.claim_all()) == 2


def test_random_histories_never_overrun_a_limit(
    engine: Engine, another_engine: Callable[[], Engine], clock: ManualClock
) -> None:
    """Two processes claim and report as they like; at every moment as many run as may, and in the end all have run."""
    chance = random.Random(20_261_125)
    engines = [engine, another_engine()]
    graph = {"a": [], "b": ["a"], "c": ["a"]}
    limits = {"limit": 7, "per_key": 2, "key": "customer.id"}
    engine.catalog.register(limited(graph=graph, concurrency=limits, rate="40/s"), replace=False)
    for each in engines:
        each.catalog.refresh()
    crew = [Hands(each) for each in engines for _ in range(2)]
    tasks = 60
    for n in range(tasks):
        engine.create([wish(engine, context={"customer": {"id": chance.choice("vwxyz")}, "n": n})])
    held: dict[Any, tuple[Hands, Lease]] = {}
    done = 0
    for _ in range(4_000):
        hands = chance.choice(crew)
        own = [lease for who, lease in held.values() if who is hands]
        if own and chance.random() < 0.6:
            ended = chance.sample(own, chance.randint(1, len(own)))
            for lease in ended:
                del held[lease.key]
            reports = [chance.choices(ENDINGS, [8, 1, 1])[0](lease) for lease in ended]
            done += sum(report.outcome.ending == "ok" for report in reports)
            then = hands.request(room=chance.randint(1, 12)) if chance.random() < 0.7 else None
            leases = hands.report(*reports, then=then).leases
        else:
            leases = hands.claim_all(room=chance.randint(1, 12))
        for lease in leases:
            held[lease.key] = (hands, lease)
        lanes = Counter(lease.lane for _, lease in held.values())
        keys = Counter((lease.lane, *of([lease])) for _, lease in held.values())
        assert max(lanes.values(), default=0) <= 7
        assert max(keys.values(), default=0) <= 2
        hands.engine.enqueue_due("somebody")
        clock.advance(chance.uniform(0, 0.1))
        if done == 3 * tasks:
            break
    assert done == 3 * tasks, "nothing is stuck"
    assert engine.store.gates.call_forward() == 0
