"""Explain names the limit or the breaker that holds a step back, with its numbers."""

from __future__ import annotations

from typing import Any

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.rules.explanation import Explanation, Reason, ReasonKind
from tasker_core.words import Word
from tests.support.flows import Hands, flow, wish

ONE: dict[str, list[str]] = {"pay": []}


def tasks(engine: Engine, **limits: Any) -> list[str]:
    """Three tasks under these limits."""
    engine.catalog.register(flow(ONE, **limits), replace=False)
    requests = [wish(engine, context={"customer": "ann", "n": n}) for n in range(3)]
    return [made.task for made in engine.create(requests)]


def held(engine: Engine, tasks: list[str]) -> Explanation:
    """What is said of one of those that wait."""
    return next(why for why in map(engine.explain, tasks) if why.steps[0].state == "enqueued")


def reason(engine: Engine, tasks: list[str]) -> Reason:
    return held(engine, tasks).steps[0].reason


def test_a_handlers_limit(engine: Engine, hands: Hands) -> None:
    made = tasks(engine, concurrency=2)
    hands.claim_all()
    why = reason(engine, made)
    assert why.kind is ReasonKind.LIMIT_REACHED
    assert why.text == "limit reached: 2 steps of handler shop/pay run, 2 may at once"
    assert held(engine, made).advice == ("if more may run at once: tasker limits set shop/pay",)
    assert "1 held back by a limit" in held(engine, made).text


def test_a_namespaces_limit(engine: Engine, hands: Hands) -> None:
    made = tasks(engine)
    engine.limits.limit("shop", {"concurrency": 1}, Word("ann"))
    assert len(hands.claim_all()) == 1
    assert reason(engine, made).text == "limit reached: 1 step of namespace shop run, 1 may at once"


def test_a_keys_limit(engine: Engine, hands: Hands) -> None:
    made = tasks(engine, concurrency={"key": "customer"})
    hands.claim_all()
    why = reason(engine, made)
    assert why.kind is ReasonKind.LIMIT_REACHED
    assert why.text == 'limit reached: 1 step of handler shop/pay may run at once for key "ann"'


def test_a_rate(engine: Engine, hands: Hands) -> None:
    made = tasks(engine, rate="2/min")
    hands.claim_all()
    assert reason(engine, made).text == "limit reached: handler shop/pay may begin 2/min, and as many have"


def test_a_breaker_that_a_person_opened(engine: Engine, hands: Hands, clock: ManualClock) -> None:
    made = tasks(engine)
    engine.limits.set_breaker("shop/pay", "open", Word("client ann", "down"))
    assert hands.claim_all() == []
    clock.advance(5)
    why = reason(engine, made)
    assert why.kind is ReasonKind.BREAKER_OPEN
    assert why.text == (
        "the breaker of handler shop/pay is open since 2027-01-15 08:00:00 UTC, by client ann: until somebody closes it"
    )
    assert held(engine, made).advice == ("if the handler works again: tasker breakers close shop/pay",)


def test_what_nothing_holds_back_waits_for_a_worker_as_ever(engine: Engine, hands: Hands) -> None:
    made = tasks(engine, concurrency=5)
    hands.claim_all(room=1)
    assert reason(engine, made).kind is ReasonKind.NO_WORKER, "this worker has told nobody what it serves"
