"""Whole orders, through a real store, real workers, a real gateway and real mail."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.checkout.account import Account, Expectation
from examples.checkout.demo import DECLINED, HAPPY, KILLED, SLOW, TOO_LATE
from examples.checkout.models import PricedLine
from examples.checkout.processes import CHECKOUT, HANDLERS, TEMPLATE, LocalShop
from examples.checkout.services import inventory
from examples.checkout.services.database import open_shop
from tasker_core import ClientStepResponse, DuplicateTaskError, TaskerClient

pytestmark = pytest.mark.xdist_group("checkout-orders")
TIMEOUT = 60


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    """A shop with one worker; every test here orders with a cart id and an address of its own."""
    with LocalShop(tmp_path_factory.mktemp("shop"), gateway_timeout=2.0) as shop:
        shop.start_worker("one")
        yield shop


@pytest.fixture
def quiet_shop(tmp_path: Path) -> Iterator[LocalShop]:
    """A shop whose workers the test starts and kills."""
    with LocalShop(tmp_path / "shop") as shop:
        yield shop


@pytest.fixture(scope="module")
def client(shop: LocalShop) -> Iterator[TaskerClient]:
    with TaskerClient(database_url=shop.store_url) as client:
        client.register_template(TEMPLATE)
        yield client


@pytest.fixture
def quiet_client(quiet_shop: LocalShop) -> Iterator[TaskerClient]:
    with TaskerClient(database_url=quiet_shop.store_url) as client:
        client.register_template(TEMPLATE)
        yield client


def order(name: str, **changes: Any) -> dict[str, Any]:
    context: dict[str, Any] = json.loads((CHECKOUT / "orders" / f"{name}.json").read_text(encoding="utf-8"))
    return context | changes


def submit(client: TaskerClient, context: dict[str, Any]) -> str:
    task = client.create_task(
        "ecommerce_order_processing", namespace="ecommerce", context=context, idempotency_key=context["cart_id"]
    )
    return task.task_uuid


def settle(shop: LocalShop, client: TaskerClient, context: dict[str, Any]) -> Account:
    task_uuid = submit(client, context)
    client.wait(task_uuid, timeout=TIMEOUT)
    return Account.of(task_uuid, shop, client)


def step(client: TaskerClient, task_uuid: str, name: str) -> ClientStepResponse:
    return next(step for step in client.list_task_steps(task_uuid) if step.name == name)


def error_of(client: TaskerClient, task_uuid: str, name: str) -> dict[str, Any]:
    failed = step(client, task_uuid, name)
    assert failed.current_state == "error"
    assert failed.results is not None
    error: dict[str, Any] = failed.results["error"]
    return error


def disappointments(expected: Expectation, account: Account) -> list[str]:
    return list(expected.disappointments(account))


def await_charge(shop: LocalShop, task_uuid: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not shop.charges(task_uuid):
        assert time.monotonic() < deadline, "the gateway was never asked"
        time.sleep(0.01)


def test_a_happy_order(shop: LocalShop, client: TaskerClient) -> None:
    account = settle(shop, client, order("happy"))
    assert disappointments(HAPPY.expected, account) == []
    assert account.results["validate_cart"] == account.results["validate_cart"] | {
        "subtotal_cents": 5_885,
        "shipping_cents": 0,
        "tax_cents": 1_118,
        "total_cents": 7_003,
        "currency": "EUR",
    }
    assert account.charged_cents == 7_003
    assert [line["sku"] for line in account.results["update_inventory"]["lines"]] == ["MUG-01", "TEA-ASSAM"]


def test_the_same_order_again_is_the_same_task(shop: LocalShop, client: TaskerClient) -> None:
    context = order("happy", cart_id="twice", customer_email="twice@example.com")
    task_uuid = submit(client, context)
    with pytest.raises(DuplicateTaskError) as duplicate:
        submit(client, context)
    assert (duplicate.value.task_uuid, duplicate.value.same_context) == (task_uuid, True)
    client.wait(task_uuid, timeout=TIMEOUT)
    assert disappointments(HAPPY.expected, Account.of(task_uuid, shop, client)) == []


def test_a_declined_card_stops_at_once(shop: LocalShop, client: TaskerClient) -> None:
    task_uuid = submit(client, order("declined"))
    client.wait(task_uuid, timeout=TIMEOUT)
    assert disappointments(DECLINED.expected, Account.of(task_uuid, shop, client)) == []
    error = error_of(client, task_uuid, "process_payment")
    assert error["message"] == "card declined: the bank declined the card"
    assert error["error_type"] == "permanent_error"


def test_a_gateway_that_hangs_once_costs_one_retry_and_charges_once(shop: LocalShop, client: TaskerClient) -> None:
    account = settle(shop, client, order("slow_gateway"))
    assert disappointments(SLOW.expected, account) == []
    assert account.results["process_payment"]["replayed"] is True
    assert [charge["calls"] for charge in account.charges] == [2]


def test_a_busy_gateway_is_asked_again_when_it_said(shop: LocalShop, client: TaskerClient) -> None:
    started = time.monotonic()
    account = settle(shop, client, order("busy_gateway"))
    assert disappointments(SLOW.expected, account) == []
    assert account.results["process_payment"]["replayed"] is False
    assert time.monotonic() - started >= 1.0


def test_a_gateway_that_never_works_blocks_the_order(shop: LocalShop, client: TaskerClient) -> None:
    task_uuid = submit(client, order("gateway_down"))
    client.wait(task_uuid, timeout=TIMEOUT)
    expected = Expectation("blocked_by_failures", (1, 3, 0, 0, 0))
    assert disappointments(expected, Account.of(task_uuid, shop, client)) == []
    assert "the gateway has a bad day" in error_of(client, task_uuid, "process_payment")["message"]


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("sold_out", ["SET-ASANOHA: 5 wanted, 3 left"]),
        (
            "refused",
            [
                "we don't ship to 'XX', only to AT, BE, DE, FR, IE, LU, NL",
                "MUG-01: the quantity is 0, it must be at least 1",
                "POT-01: shown to the customer at 34.90 EUR, it costs 38.90 EUR",
                "HAT-01: we don't sell this",
            ],
        ),
    ],
)
def test_a_refused_cart_moves_no_money(shop: LocalShop, client: TaskerClient, name: str, reasons: list[str]) -> None:
    task_uuid = submit(client, order(name))
    client.wait(task_uuid, timeout=TIMEOUT)
    expected = Expectation("blocked_by_failures", (1, 0, 0, 0, 0))
    assert disappointments(expected, Account.of(task_uuid, shop, client)) == []
    assert error_of(client, task_uuid, "validate_cart")["message"] == "cart refused: " + "; ".join(reasons)


def test_an_order_without_an_address_moves_no_money(shop: LocalShop, client: TaskerClient) -> None:
    task_uuid = submit(client, order("happy", cart_id="no address", customer_email="somewhere"))
    client.wait(task_uuid, timeout=TIMEOUT)
    expected = Expectation("blocked_by_failures", (1, 0, 0, 0, 0))
    assert disappointments(expected, Account.of(task_uuid, shop, client)) == []
    error = error_of(client, task_uuid, "validate_cart")
    assert error["error_type"] == "validation_error"
    assert "customer_email" in error["message"]


def test_a_mail_that_cannot_be_delivered_leaves_the_order_standing(shop: LocalShop, client: TaskerClient) -> None:
    task_uuid = submit(client, order("happy", cart_id="no mailbox", customer_email="nobody@example.com"))
    client.wait(task_uuid, timeout=TIMEOUT)
    account = Account.of(task_uuid, shop, client)
    assert (account.state, len(account.charges), len(account.orders)) == ("complete", 1, 1)
    assert (account.attempts["send_confirmation"], account.mails) == (1, 0)
    assert "550 there is no such mailbox" in account.results["send_confirmation"]["refused"]


def killed_after_the_charge(shop: LocalShop, client: TaskerClient, name: str = "killed") -> str:
    """Submit an order, and kill its worker while the gateway, which has charged, holds back its answer."""
    worker = shop.start_worker("first", gateway_timeout=30)
    task_uuid = submit(client, order(name))
    await_charge(shop, task_uuid)
    worker.kill()
    return task_uuid


def test_a_worker_killed_after_the_charge_costs_the_customer_nothing(
    quiet_shop: LocalShop, quiet_client: TaskerClient
) -> None:
    task_uuid = killed_after_the_charge(quiet_shop, quiet_client)
    assert step(quiet_client, task_uuid, "process_payment").current_state == "in_progress"
    quiet_shop.start_worker("second")
    quiet_client.wait(task_uuid, timeout=TIMEOUT)
    account = Account.of(task_uuid, quiet_shop, quiet_client)
    assert disappointments(KILLED.expected, account) == []
    assert account.results["process_payment"]["replayed"] is True


def test_goods_that_went_in_the_meantime_are_paid_back_once_though_a_worker_dies(
    quiet_shop: LocalShop, quiet_client: TaskerClient
) -> None:
    """The gateway gives the money back and holds back its answer; the worker that asked is killed meanwhile."""
    task_uuid = killed_after_the_charge(quiet_shop, quiet_client, "too_late")
    everything = PricedLine(sku="SET-ASANOHA", name="Tea set", quantity=3, unit_price_cents=1, total_cents=3)
    with open_shop(quiet_shop.database) as faster:
        inventory.reserve(faster, [everything], "a faster customer")
    worker = quiet_shop.start_worker("second", gateway_timeout=30)
    deadline = time.monotonic() + TIMEOUT
    while not any(charge["refunded"] for charge in quiet_shop.charges(task_uuid)):
        assert time.monotonic() < deadline, "the gateway was never asked to give the money back"
        time.sleep(0.01)
    worker.kill()
    assert step(quiet_client, task_uuid, "undo:process_payment").current_state == "in_progress"
    quiet_shop.start_worker("third")
    assert quiet_client.wait(task_uuid, timeout=TIMEOUT).compensated
    account = Account.of(task_uuid, quiet_shop, quiet_client)
    assert disappointments(TOO_LATE.expected, account) == []
    assert (account.attempts["undo:process_payment"], account.charged_cents) == (2, 0)
    assert account.results["undo:process_payment"]["replayed"] is True
    error = error_of(quiet_client, task_uuid, "update_inventory")
    assert error["message"] == "out of stock: SET-ASANOHA, 1 wanted, 0 left"


def tasker_run(shop: LocalShop, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = [str(TEMPLATE), "--input", str(CHECKOUT / "orders" / f"{name}.json"), "--handlers", HANDLERS, *more]
    return subprocess.run(
        [sys.executable, "-m", "tasker_core.cli", "run", *arguments],
        env=shop.environment(),
        cwd=CHECKOUT.parent.parent,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def test_one_order_from_the_command_line(quiet_shop: LocalShop) -> None:
    good = tasker_run(quiet_shop, "happy", "--json")
    assert good.returncode == 0, good.stdout + good.stderr
    assert '"complete"' in good.stdout
    refused = tasker_run(quiet_shop, "refused")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "HAT-01: we don't sell this" in " ".join(refused.stdout.split())
    assert len(quiet_shop.all_charges()) == 1
