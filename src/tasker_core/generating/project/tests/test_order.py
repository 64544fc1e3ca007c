"""The workflow, in a store of each test's own, on a clock that leaps over every wait."""

from __future__ import annotations

import pytest
from PACKAGE import services

from tasker_core import RetryableError
from tasker_core.testing import Rehearsal


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch) -> services.Gateway:
    """A gateway that nobody has charged anything at yet."""
    fresh = services.Gateway()
    monkeypatch.setattr(services, "gateway", fresh)
    return fresh


def order(card: str = "tok_visa", sku: str = "teapot") -> dict[str, object]:
    return {"sku": sku, "quantity": 2, "card": card}


def test_an_order_is_charged_once_and_sent(tasker: Rehearsal, gateway: services.Gateway) -> None:
    run = tasker.run("order", order(), namespace="PACKAGE").assert_complete()
    assert run.result("send_parcel")["tracking"].startswith("parcel-")
    assert list(gateway.charges.values()) == [4900]


def test_a_declined_card_ends_it_after_one_attempt(tasker: Rehearsal, gateway: services.Gateway) -> None:
    run = tasker.run("order", order("tok_declined"), namespace="PACKAGE").assert_state("blocked_by_failures")
    assert run.step("charge_card").attempts == 1
    assert gateway.charges == {}


def test_a_gateway_that_is_down_is_asked_again(tasker: Rehearsal) -> None:
    down = RetryableError("no answer")
    tasker.replace("charge_card", [down, down, {"charge_id": "ch_1", "cents": 4900}])
    run = tasker.run("order", order(), namespace="PACKAGE").assert_complete()
    assert run.step("charge_card").attempts == 3


def test_what_isnt_for_sale_is_refused(tasker: Rehearsal) -> None:
    run = tasker.run("order", order(sku="anvil"), namespace="PACKAGE")
    assert run.step("price_order").error == "there is no anvil in this shop"
