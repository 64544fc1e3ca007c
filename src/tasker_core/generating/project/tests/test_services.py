"""What the shop does, without Tasker; and a handler, called as the function it is."""

from __future__ import annotations

import pytest
from PACKAGE import services
from PACKAGE.handlers import price_order
from PACKAGE.models import Order, Price


def test_a_price() -> None:
    assert services.price("cup", 3) == 2700
    with pytest.raises(services.NotForSale):
        services.price("anvil", 1)


def test_a_handler_is_a_function() -> None:
    assert price_order(inputs=Order(sku="cup", quantity=3, card="tok_visa")) == Price(cents=2700)
