"""The confirmation, through real SMTP to the sink in a process of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.checkout.mailsink import mails_in
from examples.checkout.models import PlacedOrder, PricedCart, PricedLine
from examples.checkout.processes import LocalShop
from examples.checkout.services import pricing
from examples.checkout.services.mail import MailRefused, MailUnavailable, confirmation, send

pytestmark = pytest.mark.xdist_group("checkout-mail")
ORDER = PlacedOrder(order_number="T-000017", total_cents=4_034, currency="EUR", placed_at="2030-01-01T00:00:00+00:00")
KEY = "01980000-0000-7000-8000-000000000000:send_confirmation"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    with LocalShop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def address(shop: LocalShop) -> tuple[str, int]:
    host, _, port = shop.mail_address.rpartition(":")
    return host, int(port)


def cart() -> PricedCart:
    mugs = PricedLine(sku="MUG-01", name="Stoneware mug", quantity=2, unit_price_cents=1_450, total_cents=2_900)
    return pricing.price([mugs], "DE")


def test_the_mail_arrives(shop: LocalShop, address: tuple[str, int]) -> None:
    sent = send(confirmation(ORDER, cart(), "ada@example.com", KEY), *address)
    mail = shop.mails()[-1]
    assert sent.sent_to == mail["To"] == "ada@example.com"
    assert mail["Subject"] == "Your order T-000017"
    rows = re.findall(r"(\S.*?) {2,}(\S+) EUR", mail.get_content())
    assert rows == [("2 x Stoneware mug", "29.00"), ("Shipping", "4.90"), ("Tax", "6.44"), ("Total", "40.34")]


def test_a_mail_sent_again_can_be_known(shop: LocalShop, address: tuple[str, int]) -> None:
    first = send(confirmation(ORDER, cart(), "ada@example.com", KEY), *address)
    again = send(confirmation(ORDER, cart(), "ada@example.com", KEY), *address)
    other = send(confirmation(ORDER, cart(), "ada@example.com", "another key"), *address)
    assert first.message_id == again.message_id != other.message_id
    arrived = [mail["Message-ID"] for mail in shop.mails()[-3:]]
    assert arrived == [first.message_id, first.message_id, other.message_id]


def test_a_mailbox_that_does_not_exist_is_permanent(shop: LocalShop, address: tuple[str, int]) -> None:
    before = len(shop.mails())
    with pytest.raises(MailRefused, match="mail refused: 550 there is no such mailbox") as refused:
        send(confirmation(ORDER, cart(), "nobody@example.com", KEY), *address)
    assert (refused.value.retryable, refused.value.error_code) == (False, "smtp_550")
    assert len(shop.mails()) == before


def test_a_busy_mailbox_may_be_tried_again(address: tuple[str, int]) -> None:
    with pytest.raises(MailUnavailable, match="mail not taken yet: 451 the mailbox is busy") as busy:
        send(confirmation(ORDER, cart(), "later@example.com", KEY), *address)
    assert busy.value.retryable


def test_a_mail_server_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(MailUnavailable, match=f"127.0.0.1:{port} can't be reached"):
        send(confirmation(ORDER, cart(), "ada@example.com", KEY), "127.0.0.1", port)


def test_an_empty_sink_holds_no_mail(tmp_path: Path) -> None:
    assert mails_in(tmp_path) == []
