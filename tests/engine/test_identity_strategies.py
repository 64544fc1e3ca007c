"""What a template says of sameness: by content, by a key of the caller's, not at all; for ever, or for a while."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine, TaskRequest
from tasker_core.engine.create import Created
from tasker_core.errors import DuplicateTaskError, InvalidRequestError
from tasker_core.rules.template import Template
from tests.support.flows import Hands, flow, wish
from tests.support.graphs import orphans, tables


def offer(engine: Engine, **said: Any) -> None:
    """Register ``shop/order`` with these keys."""
    engine.catalog.register(Template.from_content({**flow({"pay": []}).content(), **said}), replace=True)


def number_of_tasks(engine: Engine) -> int:
    return engine.store.tasks.newest({}, 1, 0)[1]


def test_caller_provided_wants_a_key_and_says_so(engine: Engine) -> None:
    offer(engine, identity_strategy="caller_provided")
    before = tables(engine.store)
    with pytest.raises(
        InvalidRequestError, match=r"shop/order 1\.0\.0 has identity_strategy caller_provided"
    ) as caught:
        engine.create([wish(engine, idempotency_key="a"), wish(engine)])
    assert caught.value.field == "idempotency_key"
    assert tables(engine.store) == before
    assert isinstance(engine.create_each([wish(engine)])[0], InvalidRequestError)


def test_caller_provided_goes_by_the_key_alone(engine: Engine) -> None:
    offer(engine, identity_strategy="caller_provided")
    (first,) = engine.create([wish(engine, context={"n": 1}, idempotency_key="a")])
    assert engine.create([wish(engine, context={"n": 1}, idempotency_key="b")])[0].new
    with pytest.raises(DuplicateTaskError, match="idempotency key 'a'") as caught:
        engine.create([wish(engine, context={"n": 2}, idempotency_key="a")])
    assert (caught.value.task_uuid, caught.value.same_context) == (first.task, False)


def test_always_unique_makes_a_task_of_every_request(engine: Engine) -> None:
    offer(engine, identity_strategy="always_unique")
    made = engine.create([wish(engine, context={"n": 1}) for _ in range(3)])
    each = engine.create_each([wish(engine, context={"n": 1}) for _ in range(2)])
    created = [answer for answer in (*made, *each) if isinstance(answer, Created)]
    assert len({answer.task for answer in created}) == number_of_tasks(engine) == 5


def test_always_unique_answers_a_repeated_request_with_its_task(engine: Engine) -> None:
    offer(engine, identity_strategy="always_unique")
    request = wish(engine, context={"n": 1})
    (first,), (again,) = engine.create([request]), engine.create([request])
    assert (again.task, first.new, again.new) == (first.task, True, False)
    with pytest.raises(InvalidRequestError, match="another task's already"):
        engine.create([wish(engine, task_uuid=first.task, context={"n": 2})])


@pytest.mark.parametrize("strategy", ["strict", "caller_provided", "always_unique"])
def test_a_key_overrides_whatever_the_template_says(engine: Engine, strategy: str) -> None:
    offer(engine, identity_strategy=strategy)
    (first,) = engine.create([wish(engine, context={"n": 1}, idempotency_key="a")])
    with pytest.raises(DuplicateTaskError) as caught:
        engine.create([wish(engine, context={"n": 2}, idempotency_key="a")])
    assert caught.value.task_uuid == first.task
    assert engine.create([wish(engine, context={"n": 1}, idempotency_key="b")])[0].new


@pytest.mark.parametrize("key", [None, "order-7"])
def test_a_window_bars_the_same_task_until_exactly_then(engine: Engine, clock: ManualClock, key: str | None) -> None:
    offer(engine, identity_window_seconds=1.5)
    same: dict[str, Any] = {"context": {"n": 1}, "idempotency_key": key}
    (first,) = engine.create([wish(engine, **same)])
    clock.advance(1.499_999)
    before = tables(engine.store)
    with pytest.raises(DuplicateTaskError, match=first.task):
        engine.create([wish(engine, **same)])
    assert tables(engine.store) == before
    clock.advance(0.000_001)
    (second,) = engine.create([wish(engine, **same)])
    assert second.new
    clock.advance(1.4)
    with pytest.raises(DuplicateTaskError, match=second.task):
        engine.create([wish(engine, **same)])
    clock.advance(10)
    assert engine.create([wish(engine, **same)], refuse_duplicates=False)[0].new, "each begins its own window"
    assert number_of_tasks(engine) == 3


def test_without_a_window_the_same_task_is_barred_for_ever(engine: Engine, clock: ManualClock, hands: Hands) -> None:
    offer(engine)
    (first,) = engine.create([wish(engine)])
    hands.play()
    clock.advance(10 * 365 * 86_400)
    with pytest.raises(DuplicateTaskError, match=first.task):
        engine.create([wish(engine)])


def test_a_request_repeated_after_its_window_is_answered_with_its_own_task(engine: Engine, clock: ManualClock) -> None:
    offer(engine, identity_window_seconds=60)
    request = wish(engine, context={"n": 1})
    engine.create([request])
    clock.advance(60)
    before = tables(engine.store)
    assert engine.create([request])[0].new is False, "nobody has taken its identity over yet"
    assert tables(engine.store) == before
    (second,) = engine.create([wish(engine, context={"n": 1})])
    for answer in (engine.create([request])[0], engine.create_each([request])[0]):
        assert isinstance(answer, Created)
        assert (answer.task, answer.new, answer.same_context) == (request.task_uuid, False, True)
    with pytest.raises(InvalidRequestError, match="another task's already"):
        engine.create([wish(engine, task_uuid=request.task_uuid, context={"n": 2})])
    with pytest.raises(DuplicateTaskError, match=second.task):
        engine.create([wish(engine, context={"n": 1})])


def test_a_task_whose_identity_was_taken_over_goes_on(engine: Engine, clock: ManualClock, hands: Hands) -> None:
    offer(engine, identity_window_seconds=60)
    (first,) = engine.create([wish(engine)])
    held = hands.claim()
    clock.advance(60)
    (second,) = engine.create([wish(engine)])
    assert second.new and set(held) == {"pay"}
    assert hands.play() == ["pay"]
    assert engine.views.task(second.task)["status"] == "complete"
    assert engine.views.task(first.task)["in_progress_steps"] == 1


def test_of_creates_in_one_call_each_window_counts_for_itself(engine: Engine, clock: ManualClock) -> None:
    offer(engine, identity_window_seconds=60)
    engine.create([wish(engine, context={"n": n}) for n in range(4)])
    clock.advance(30)
    (young,) = engine.create([wish(engine, context={"n": 9})])
    clock.advance(30)
    wishes = [wish(engine, context={"n": n}) for n in (3, 9, 0, 7)]
    before = tables(engine.store)
    with pytest.raises(DuplicateTaskError, match=young.task):
        engine.create(wishes)
    assert tables(engine.store) == before, "one of them is barred, so nothing was taken over"
    answers = engine.create(wishes, refuse_duplicates=False)
    assert [answer.new for answer in answers] == [True, False, True, True]


@pytest.mark.parametrize(("said", "wishes", "tasks"), [
    ({}, {}, 1),
    ({"identity_strategy": "caller_provided"}, {"idempotency_key": "a"}, 1),
    ({"identity_strategy": "always_unique"}, {}, 6),
    ({"identity_window_seconds": 60}, {}, 1),
    ({"identity_window_seconds": 60}, {"idempotency_key": "a"}, 1),
])  # fmt: skip
def test_creators_at_the_same_instant_make_as_many_tasks_as_the_strategy_says(
    engine: Engine,
    another_engine: Callable[[], Engine],
    clock: ManualClock,
    said: dict[str, Any],
    wishes: dict[str, Any],
    tasks: int,
) -> None:
    offer(engine, **said)
    engines = [another_engine() for _ in range(6)]
    for passed in range(4):
        # Each with an identity of its own but for the window, whose tasks take over from those before.
        context = {"n": 0 if "identity_window_seconds" in said else passed}
        key = {name: f"{value} {context}" for name, value in wishes.items()}
        requests = [wish(each, context=context, **key) for each in engines]
        start = Barrier(len(engines))

        def create(creator: Engine, request: TaskRequest, start: Barrier = start) -> str:
            start.wait()
            try:
                (made,) = creator.create([request])
            except DuplicateTaskError as duplicate:
                return str(duplicate.task_uuid)
            assert made.new
            return made.task

        with ThreadPoolExecutor(len(engines)) as pool:
            made = set(pool.map(create, engines, requests))
        assert len(made) == tasks, "all are told of the same task"
        assert number_of_tasks(engine) == tasks * (passed + 1)
        clock.advance(60)
    assert set(orphans(engine.store).values()) == {0}
