"""Claiming: what comes along with a lease, whether this process remembers it or has to read it."""

from __future__ import annotations

from collections.abc import Callable

from tasker_core.engine import Engine
from tasker_core.engine.memory import Memory, TaskMemory
from tasker_core.words import Word
from tests.support.flows import Hands, failed, flow, ok, results, wish

CHAIN = {"cart": [], "pay": ["cart"], "ship": ["pay"]}


def test_a_lease_carries_what_its_handler_reads(engine: Engine, hands: Hands) -> None:
    known = engine.catalog.register(flow(CHAIN), replace=False).known
    request = wish(engine, context={"z": 1, "a": 2}, correlation_id=engine.ids.new(), priority=3)
    engine.create([request])
    lease = hands.claim()["cart"]
    assert (lease.task_uuid, lease.step, lease.lane, lease.template) == (
        request.task_uuid,
        "cart",
        "shop/cart",
        known.id,
    )
    assert (lease.worker, lease.attempt, lease.crashes, lease.claimed_at) == (hands.number, 1, 0, engine.clock.now())
    assert (lease.context, lease.correlation_id) == ('{"z":1,"a":2}', request.correlation_id)
    assert lease.dependency_results == {}


def test_the_results_of_the_parents_come_along(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(flow({"a": [], "b": [], "join": ["b", "a"]}), replace=False)
    engine.create([wish(engine)])
    first = hands.claim()
    hands.report(ok(first["a"], {"n": 1}), ok(first["b"], [2**60, "\u0000"]))
    assert results(hands.claim()["join"]) == {"a": {"n": 1}, "b": [2**60, "\u0000"]}


def test_declared_ancestors_come_along_and_only_ancestors(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(flow({**CHAIN, "beside": []}), replace=False)
    engine.create([wish(engine)])
    first = hands.claim()
    hands.report(ok(first["cart"], "c"), ok(first["beside"], "b"))
    hands.report(ok(hands.claim()["pay"], "p"))
    wants = {"shop/ship": ("cart", "beside", "nonsense")}
    assert results(hands.claim(wants=wants)["ship"]) == {"pay": "p", "cart": "c"}


# I5. Seen to fail with the reading of what is missing taken out of Claimer.leases.
def test_results_made_by_another_process_are_fetched(engine: Engine, another_engine: Callable[[], Engine]) -> None:
    engine.catalog.register(flow({"a": [], "b": ["a"], "c": ["b", "a"]}), replace=False)
    mine, others = Hands(engine), Hands(another_engine())
    engine.create([wish(engine, context={"n": 1})])
    mine.report(ok(mine.claim()["a"], "from here"))
    lease = others.claim()["b"]
    assert lease.context == '{"n":1}' and results(lease) == {"a": "from here"}
    others.report(ok(lease, "from there"))
    assert results(mine.claim()["c"]) == {"a": "from here", "b": "from there"}


def test_a_result_is_read_when_asked_for(engine: Engine, hands: Hands, another_engine: Callable[[], Engine]) -> None:
    known = engine.catalog.register(flow(CHAIN), replace=False).known
    (created,) = engine.create([wish(engine)])
    number = engine.number(created.task)
    hands.report(ok(hands.claim()["cart"], {"total": 5}))
    other = another_engine()
    assert other.result_of(number, known.id, "cart") == '{"result":{"total":5},"metadata":{}}'
    assert other.result_of(number, known.id, "pay") is None, "it hasn't finished"
    assert other.result_of(number, known.id, "nonsense") is None
    pay = hands.claim()["pay"]
    hands.report(failed(pay, retryable=False))
    assert other.result_of(number, known.id, "pay") is None, "it has no result"


def test_a_step_that_ran_anew_hands_on_its_new_result(engine: Engine, another_engine: Callable[[], Engine]) -> None:
    """What an operator resets is forgotten wherever it was remembered: `epoch` tells the processes apart."""
    engine.catalog.register(flow({"a": [], "b": ["a"], "c": ["b"]}, retry={"max_attempts": 1}), replace=False)
    mine, others = Hands(engine), Hands(another_engine())
    (created,) = engine.create([wish(engine)])
    mine.report(ok(mine.claim()["a"], "a"))
    mine.report(failed(mine.claim()["b"]))
    others.engine.operator.reset(created.task, "b", Word("ann"))
    lease = others.claim()["b"]
    others.report(ok(lease, "second"))
    assert results(mine.claim()["c"]) == {"b": "second"}


def test_the_memory_is_bounded_and_forgets_the_least_recently_used() -> None:
    memory = Memory(largest=10_000)
    for task in range(50):
        memory.remember(task, TaskMemory(f"uuid {task}", "template", "x" * 500, "correlation"))
        memory.recall(0, 0)
    assert memory.recall(0, 0) is not None, "what is used stays"
    assert memory.recall(49, 0) is not None
    assert [memory.recall(task, 0) for task in range(1, 35)] == [None] * 34
    memory.learn(49, 1, "y" * 20_000)
    memory.remember(99, TaskMemory("uuid", "template", "", "correlation"))
    assert memory.recall(0, 0) is None, "results count as well"


def test_results_that_were_fetched_count_in_the_memory_too(
    engine: Engine, another_engine: Callable[[], Engine]
) -> None:
    engine.catalog.register(flow({"a": [], "b": ["a"]}), replace=False)
    mine, others = Hands(engine), Hands(another_engine())
    engine.create([wish(engine, context={"n": n}) for n in range(3)])
    others.report(*(ok(lease, "x" * 500_000) for lease in others.claim_all()))
    assert len(mine.claim_all()) == 3
    assert engine._memory._size > 1_500_000


def test_the_memory_of_another_epoch_is_not_used() -> None:
    memory = Memory()
    memory.remember(1, TaskMemory("uuid", "template", "{}", "correlation", epoch=0))
    assert memory.recall(1, 1) is None
    assert memory.recall(1, 0) is None, "it was dropped"


def test_a_finished_task_is_forgotten(engine: Engine, hands: Hands, another_engine: Callable[[], Engine]) -> None:
    engine.catalog.register(flow({"only": []}), replace=False)
    for n in range(3):
        engine.create([wish(engine, context={"n": n})])
    hands.play()
    assert engine.views.tasks({"state": "complete"}, 10, 0)["pagination"]["total_count"] == 3
    assert engine._memory._tasks == {}


def test_a_settlement_hands_over_the_next_steps(engine: Engine, hands: Hands) -> None:
    engine.catalog.register(flow({"a": [], "b": ["a"], "c": ["a"], "d": ["a"]}), replace=False)
    engine.create([wish(engine)])
    reply = hands.report(ok(hands.claim()["a"], 1), then=hands.request(room=2))
    assert len(reply.leases) == 2 and all(results(lease) == {"a": 1} for lease in reply.leases)
    (left,) = {"b", "c", "d"} - {lease.step for lease in reply.leases}
    assert set(hands.claim()) == {left}
