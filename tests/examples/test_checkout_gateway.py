"""The payment gateway over real HTTP, and the shop's client of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from examples.checkout.gateway import Gateway
from examples.checkout.ledger import Ledger
from examples.checkout.services.payments import CardDeclined, GatewayUnavailable, PaymentGateway, PaymentRefused


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(0, Ledger(tmp_path / "ledger.db")) as gateway:
        thread = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield gateway
        gateway.shutdown()
        thread.join()


@pytest.fixture
def payments(gateway: Gateway) -> PaymentGateway:
    return PaymentGateway(gateway.url, timeout=0.3)


def test_a_key_is_charged_once(gateway: Gateway, payments: PaymentGateway) -> None:
    first = payments.charge(4_034, "EUR", "tok_visa", "key")
    again = payments.charge(4_034, "EUR", "tok_visa", "key")
    other = payments.charge(4_034, "EUR", "tok_visa", "other key")
    assert (first.amount_cents, first.currency, first.replayed) == (4_034, "EUR", False)
    assert again == first.model_copy(update={"replayed": True})
    assert other.charge_id != first.charge_id
    assert [(charge["charge_id"], charge["calls"]) for charge in gateway.ledger.charges()] == [
        (first.charge_id, 2),
        (other.charge_id, 1),
    ]


@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [
        ("tok_declined", "card_declined", "the bank declined the card"),
        ("tok_insufficient_funds", "insufficient_funds", "the account doesn't hold that much"),
        ("tok_expired_card", "expired_card", "the card has expired"),
    ],
)
def test_a_declined_card_is_permanent(
    gateway: Gateway, payments: PaymentGateway, token: str, code: str, reason: str
) -> None:
    with pytest.raises(CardDeclined, match=f"card declined: {reason}") as declined:
        payments.charge(100, "EUR", token, "key")
    assert (declined.value.retryable, declined.value.error_code) == (False, code)
    assert gateway.ledger.charges() == []


def test_a_gateway_that_hangs_has_charged_all_the_same(gateway: Gateway, payments: PaymentGateway) -> None:
    with pytest.raises(GatewayUnavailable, match=r"gave no answer in 0\.3 s") as hung:
        payments.charge(100, "EUR", "tok_slow_once", "key")
    assert hung.value.retryable
    (charge,) = gateway.ledger.charges()
    receipt = payments.charge(100, "EUR", "tok_slow_once", "key")
    assert (receipt.charge_id, receipt.replayed) == (charge["charge_id"], True)
    assert len(gateway.ledger.charges()) == 1


def test_a_busy_gateway_says_when_to_come_back(gateway: Gateway, payments: PaymentGateway) -> None:
    with pytest.raises(GatewayUnavailable, match="answered 503: too much going on") as busy:
        payments.charge(100, "EUR", "tok_error_once", "key")
    assert (busy.value.retry_after, busy.value.error_code) == (1, "overloaded")
    assert gateway.ledger.charges() == []
    assert not payments.charge(100, "EUR", "tok_error_once", "key").replayed


def test_a_failing_gateway_may_be_tried_again(payments: PaymentGateway) -> None:
    for _ in range(2):
        with pytest.raises(GatewayUnavailable, match="answered 500: the gateway has a bad day"):
            payments.charge(100, "EUR", "tok_fail", "key")


def test_a_gateway_that_is_away() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    with pytest.raises(GatewayUnavailable, match="can't be reached"):
        PaymentGateway(f"http://127.0.0.1:{port}", timeout=1).charge(100, "EUR", "tok_visa", "key")


@pytest.mark.parametrize(
    ("pay", "message"),
    [
        (lambda p: p.charge(100, "EUR", "tok_nonsense", "key"), r"\(400\): no card stands behind 'tok_nonsense'"),
        (lambda p: p.charge(0, "EUR", "tok_visa", "key"), r"\(400\): amount_cents: .* greater than 0"),
        (lambda p: p.charge(100, "euro", "tok_visa", "key"), r"\(400\): currency"),
        (lambda p: p.charge(100, "EUR", "tok_visa", ""), r"\(400\): send an Idempotency-Key header"),
        (lambda p: p.refund("ch_none"), r"\(404\): there is no charge ch_none"),
    ],
)
def test_a_wrong_request_is_permanent(
    payments: PaymentGateway, pay: Callable[[PaymentGateway], object], message: str
) -> None:
    with pytest.raises(PaymentRefused, match=message) as refused:
        pay(payments)
    assert not refused.value.retryable


def test_a_key_serves_one_payment(gateway: Gateway, payments: PaymentGateway) -> None:
    payments.charge(100, "EUR", "tok_visa", "key")
    with pytest.raises(PaymentRefused, match=r"\(422\): this Idempotency-Key belongs to a payment with another body"):
        payments.charge(101, "EUR", "tok_visa", "key")
    assert [charge["amount_cents"] for charge in gateway.ledger.charges()] == [100]


def test_a_refund_happens_once(gateway: Gateway, payments: PaymentGateway) -> None:
    charge = payments.charge(100, "EUR", "tok_visa", "key")
    assert not payments.refund(charge.charge_id).replayed
    assert payments.refund(charge.charge_id).replayed
    assert [charge["refunded"] for charge in gateway.ledger.charges()] == [1]


def test_the_ledger_can_be_read(gateway: Gateway, payments: PaymentGateway) -> None:
    payments.charge(100, "EUR", "tok_visa", "a:b c&d")
    payments.charge(200, "EUR", "tok_visa", "other")
    everything = httpx.get(f"{gateway.url}/charges").json()["charges"]
    (one,) = httpx.get(f"{gateway.url}/charges", params={"idempotency_key": "a:b c&d"}).json()["charges"]
    assert [charge["amount_cents"] for charge in everything] == [100, 200]
    assert (one["amount_cents"], one["token"]) == (100, "tok_visa")


def test_an_unknown_address(gateway: Gateway) -> None:
    for answer in (httpx.get(f"{gateway.url}/nothing"), httpx.post(f"{gateway.url}/nothing")):
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "there is no /nothing"


def test_many_calls_with_one_key_at_once_charge_once(gateway: Gateway) -> None:
    patient = PaymentGateway(gateway.url, timeout=10)
    threads = [threading.Thread(target=patient.charge, args=(100, "EUR", "tok_mastercard", "key")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (charge,) = gateway.ledger.charges()
    assert charge["calls"] == 8
