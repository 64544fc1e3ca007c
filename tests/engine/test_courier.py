"""Delivery to one subscription: at least once, in order, and one process at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasker_core.clock import SECOND, ManualClock
from tasker_core.engine import Engine
from tasker_core.engine.courier import HOLD, Answer, Courier, Patience
from tasker_core.engine.events import Told
from tasker_core.store.subscriptions import SubscriptionRow
from tests.support.events import event, paying
from tests.support.flows import Hands, ok, wish

GIVEN_UP = Patience(SECOND, 8 * SECOND, 20 * SECOND)


@pytest.fixture
def subscription(engine: Engine, hands: Hands) -> str:
    """One that wants pay.*, with three events that it hasn't been given, numbers 1, 3 and 5, and others between."""
    engine.catalog.register(paying([event("pay.done"), event("other.done")]), replace=False)
    made = engine.subscriptions.subscribe("clerk", ["pay.*"])
    for n in range(3):
        engine.create([wish(engine, context={"n": n})])
        hands.report(ok(hands.claim()["pay"]))
    return made


class Post:
    """Couriers, and what they delivered."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.delivered: list[int] = []
        self.meanwhile: Callable[[int], object] = lambda _: None
        self.answers: list[Answer] = []

    def courier(self, engine: Engine) -> Courier:
        return Courier(engine.store, engine.events, self.clock, engine.ids, to="test", patience=GIVEN_UP)

    def deliver(self, _: SubscriptionRow, told: Told) -> Answer:
        self.delivered.append(told.number)
        self.meanwhile(told.number)
        return self.answers.pop(0) if self.answers else Answer()


@pytest.fixture
def post(clock: ManualClock) -> Post:
    return Post(clock)


def standing(engine: Engine, subscription: str) -> SubscriptionRow:
    found = engine.store.subscriptions.find(subscription)
    assert found is not None
    return found


def test_events_are_delivered_in_order_and_once(engine: Engine, subscription: str, post: Post) -> None:
    courier = post.courier(engine)
    assert courier.turn(subscription, post.deliver)
    assert not courier.turn(subscription, post.deliver)
    row = standing(engine, subscription)
    assert (post.delivered, row.position, row.delivered, row.holder) == ([1, 3, 5], 6, 3, "")


def test_one_at_a_time_delivers(
    engine: Engine, another_engine: Callable[[], Engine], subscription: str, post: Post
) -> None:
    other, turns = another_engine(), list[bool]()

    def meanwhile(_: int) -> None:
        turns.append(post.courier(other).turn(subscription, post.deliver))

    post.meanwhile = meanwhile
    post.courier(engine).turn(subscription, post.deliver)
    assert (post.delivered, turns) == ([1, 3, 5], [False] * 3)


def test_who_is_silent_for_too_long_is_replaced_and_changes_nothing_any_more(
    engine: Engine, another_engine: Callable[[], Engine], subscription: str, post: Post, clock: ManualClock
) -> None:
    other = another_engine()

    def asleep(number: int) -> None:
        if number == 3:
            post.meanwhile = lambda _: None
            clock.advance(HOLD / SECOND + 1)
            post.courier(other).turn(subscription, post.deliver)

    post.meanwhile = asleep
    assert not post.courier(engine).turn(subscription, post.deliver)
    assert post.delivered == [1, 3, 3, 5], "what was under way is delivered again, nothing is passed over"
    assert standing(engine, subscription).position == 6


def test_who_says_that_it_works_goes_on_holding(
    engine: Engine, another_engine: Callable[[], Engine], subscription: str, post: Post, clock: ManualClock
) -> None:
    other, courier, turns = another_engine(), post.courier(engine), list[bool]()

    def slowly(_: int) -> None:
        for _ in range(4):
            clock.advance(HOLD / SECOND / 2)
            courier.renew()
        turns.append(post.courier(other).turn(subscription, post.deliver))

    post.meanwhile = slowly
    courier.turn(subscription, post.deliver)
    assert (post.delivered, turns) == ([1, 3, 5], [False] * 3)


def test_an_operators_word_meanwhile_stands(engine: Engine, subscription: str, post: Post) -> None:
    def back(number: int) -> None:
        if number == 3:
            post.meanwhile = lambda _: None
            engine.subscriptions.change(subscription, "subscriber", {"position": 0})

    post.meanwhile = back
    courier = post.courier(engine)
    assert not courier.turn(subscription, post.deliver)
    assert standing(engine, subscription).position == 0
    courier.turn(subscription, post.deliver)
    assert post.delivered == [1, 3, 1, 3, 5]


def test_a_failure_waits_longer_each_time_and_ends_in_the_end(
    engine: Engine, subscription: str, post: Post, clock: ManualClock
) -> None:
    courier, waits = post.courier(engine), []
    post.answers = [Answer(), *[Answer("no")] * 10]
    while standing(engine, subscription).state == "active":
        assert not courier.turn(subscription, post.deliver)
        row = standing(engine, subscription)
        waits.append((row.next_at - clock.now()) // SECOND)
        assert (row.position, row.error) == (1, "no")
        clock.advance(waits[-1] - 0.5)
        assert not courier.turn(subscription, post.deliver), "not before its time"
        clock.advance(0.5)
    assert waits == [1, 2, 4, 8, 8, 8]
    assert post.delivered == [1] + [3] * 6
    clock.advance(1_000)
    assert not courier.turn(subscription, post.deliver)
    engine.subscriptions.change(subscription, "subscriber", {"state": "active"})
    post.answers = []
    courier.turn(subscription, post.deliver)
    assert post.delivered[-2:] == [3, 5]


def test_a_process_that_dies_amid_a_delivery_delivers_it_again(engine: Engine, subscription: str, post: Post) -> None:
    class DeathError(BaseException):
        """Nothing that a courier would catch."""

    def die(number: int) -> None:
        if number == 3:
            post.meanwhile = lambda _: None
            raise DeathError

    post.meanwhile = die
    with pytest.raises(DeathError):
        post.courier(engine).turn(subscription, post.deliver)
    post.courier(engine).turn(subscription, post.deliver)
    assert post.delivered == [1, 3, 3, 5]
