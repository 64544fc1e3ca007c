"""A namespace is paused and goes on, on each database: what is created meanwhile waits, what runs goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.errors import NamespaceNotFoundError, TaskStateError
from tasker_core.rules.explanation import ReasonKind
from tasker_core.words import Settled, Word
from tests.support.flows import Hands, flow, ok, wish

ANN, BOB = Word("ann", "the bank is down"), Word("bob", "it is back")
ORDER = {"pay": [], "ship": ["pay"]}
RETURNS = {"fetch": [], "refund": ["fetch"]}


@pytest.fixture
def shops(engine: Engine) -> Engine:
    """Two namespaces, of which one's name begins with the other's."""
    engine.catalog.register(flow(ORDER), replace=False)
    engine.catalog.register(flow(RETURNS, name="returned", namespace="shop_returns"), replace=False)
    return engine


def create(engine: Engine, name: str = "order", namespace: str = "shop") -> str:
    context = {"of": engine.ids.new()}
    return engine.create([wish(engine, name=name, namespace=namespace, context=context)])[0].task


def test_nothing_of_it_begins_and_others_go_on(shops: Engine, hands: Hands, clock: ManualClock) -> None:
    before = create(shops)
    shops.namespaces.pause("shop", ANN)
    clock.advance(60)
    meanwhile = create(shops)
    create(shops, "returned", "shop_returns")
    assert shops.store.steps.look(["shop/pay", "shop_returns/fetch"]).waiting.keys() == {"shop_returns/fetch"}
    assert [lease.step for lease in hands.claim_all()] == ["fetch"]
    for task in (before, meanwhile):
        (why, _) = shops.explain(task).steps
        assert why.reason.kind is ReasonKind.NAMESPACE_PAUSED
        assert why.reason.text == ("held: namespace shop paused by ann since 2027-01-15 08:00:00 UTC: the bank is down")
        assert shops.explain(task).advice == ("let its namespace go on: tasker namespace resume shop",)
        paused = shops.views.task(task)["paused"]
        assert (paused["what"], paused["by"], paused["reason"]) == ("namespace", "ann", "the bank is down")
    listed = shops.views.tasks({"namespace": "shop"}, 10, 0)["tasks"]
    assert [task["paused"]["what"] for task in listed] == ["namespace", "namespace"]
    shops.namespaces.resume("shop", BOB)
    assert shops.views.task(before)["paused"] is None
    assert {lease.task_uuid for lease in hands.claim_all()} == {before, meanwhile}


def test_what_runs_goes_on_and_claims_nothing_along(shops: Engine, hands: Hands) -> None:
    task = create(shops)
    pay = hands.claim()["pay"]
    shops.namespaces.pause("shop", ANN)
    reply = hands.report(ok(pay), then=hands.request())
    assert reply.answers[pay.key] is Settled.APPLIED and not reply.leases
    assert shops.views.task(task)["completed_steps"] == 1
    shops.namespaces.resume("shop", BOB)
    assert hands.play() == ["ship"]


def test_a_task_that_is_paused_as_well_stays_so(shops: Engine, hands: Hands) -> None:
    task = create(shops)
    shops.operator.pause(task, BOB)
    shops.namespaces.pause("shop", ANN)
    assert shops.views.task(task)["paused"]["what"] == "task"
    shops.namespaces.resume("shop", ANN)
    assert hands.claim() == {}
    shops.operator.resume(task, BOB)
    assert hands.play() == ["pay", "ship"]


def test_who_said_what_of_it_is_kept(shops: Engine, clock: ManualClock) -> None:
    shops.namespaces.pause("shop", ANN)
    clock.advance(1)
    shops.namespaces.resume("shop", BOB)
    told = shops.namespaces.one("shop")
    assert told == {
        "namespace": "shop", "templates": 1, "paused": None, "history": [
            {"verb": "resume", "at": "2027-01-15T08:00:01.000000Z", "by": "bob", "reason": "it is back"},
            {"verb": "pause", "at": "2027-01-15T08:00:00.000000Z", "by": "ann", "reason": "the bank is down"},
        ],
    }  # fmt: skip
    shops.namespaces.pause("shop_returns", ANN)
    assert [(each["namespace"], each["paused"] and each["paused"]["by"]) for each in shops.namespaces.all()] == [
        ("shop", None), ("shop_returns", "ann"),
    ]  # fmt: skip


def test_what_cant_be_is_refused(shops: Engine) -> None:
    with pytest.raises(NamespaceNotFoundError, match=r"there is no namespace 'shpo': .*; did you mean 'shop'"):
        shops.namespaces.pause("shpo", ANN)
    with pytest.raises(TaskStateError, match="namespace shop isn't paused; there is nothing to resume"):
        shops.namespaces.resume("shop", ANN)
    shops.namespaces.pause("shop", ANN)
    with pytest.raises(TaskStateError, match=r"namespace shop is paused already, by ann since .*: the bank is down"):
        shops.namespaces.pause("shop", BOB)
    assert [word["by"] for word in shops.namespaces.one("shop")["history"]] == ["ann"]


def test_the_same_word_again_is_done_once(shops: Engine) -> None:
    word = Word("ann", "", stamp=4711)
    shops.namespaces.pause("shop", word)
    shops.namespaces.pause("shop", word)
    shops.namespaces.resume("shop", Word("ann", "", stamp=4712))
    shops.namespaces.pause("shop", word)
    assert shops.namespaces.one("shop")["paused"] is None


def test_another_process_that_is_told_nothing_claims_nothing(
    shops: Engine, another_engine: Callable[[], Engine]
) -> None:
    create(shops)
    other = Hands(another_engine())
    shops.namespaces.pause("shop", ANN)
    assert other.claim() == {}
    shops.namespaces.resume("shop", ANN)
    assert set(other.claim()) == {"pay"}


def test_the_doctor_tells_of_it_and_misses_no_worker(shops: Engine, clock: ManualClock) -> None:
    hands = Hands(shops)
    shops.store.workers.serve(hands.number, ["shop/pay", "shop/ship"])
    create(shops)
    shops.namespaces.pause("shop", ANN)
    clock.advance(600)
    shops.beat(hands.number, [])
    checks = shops.doctor().checks
    (pause,) = [check for check in checks if str(check.kind) == "pauses"]
    assert (pause.place, str(pause.level)) == ("namespace shop", "warning")
    assert pause.text.startswith("paused by ann since 2027-01-15 08:00:00 UTC: the bank is down")
    assert [check.text for check in checks if str(check.kind) == "queue"] == ["nothing waits"]
