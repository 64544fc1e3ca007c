"""Prices: exact, rounded once, and the same however the cart is written down."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.checkout.models import PricedLine
from examples.checkout.services import money
from examples.checkout.services.pricing import FREE_SHIPPING_FROM, SHIPPING, TAX_RATES, price, shipping_for

COUNTRIES = st.sampled_from(sorted(TAX_RATES))
LINES = st.lists(
    st.builds(
        lambda number, quantity, unit: PricedLine(
            sku=f"SKU-{number}", name="Thing", quantity=quantity, unit_price_cents=unit, total_cents=quantity * unit
        ),
        st.integers(0, 999),
        st.integers(1, 99),
        st.integers(1, 500_000),
    ),
    min_size=1,
    max_size=20,
)


def line(total_cents: int) -> PricedLine:
    return PricedLine(sku="SKU", name="Thing", quantity=1, unit_price_cents=total_cents, total_cents=total_cents)


@given(LINES, COUNTRIES)
def test_the_parts_add_up_to_the_total(lines: list[PricedLine], country: str) -> None:
    cart = price(lines, country)
    assert cart.subtotal_cents == sum(line.total_cents for line in lines)
    assert cart.total_cents == cart.subtotal_cents + cart.shipping_cents + cart.tax_cents


@given(LINES, COUNTRIES)
def test_tax_is_the_exact_tax_to_half_a_cent(lines: list[PricedLine], country: str) -> None:
    cart = price(lines, country)
    exact = (cart.subtotal_cents + cart.shipping_cents) * Fraction(TAX_RATES[country])
    assert abs(cart.tax_cents - exact) <= Fraction(1, 2)


@given(LINES, COUNTRIES, st.randoms())
def test_the_order_of_lines_changes_nothing(lines: list[PricedLine], country: str, random: Random) -> None:
    shuffled = sorted(lines, key=lambda _: random.random())
    assert price(shuffled, country).total_cents == price(lines, country).total_cents


@given(LINES, COUNTRIES)
def test_shipping_is_free_from_the_threshold_on(lines: list[PricedLine], country: str) -> None:
    cart = price(lines, country)
    over = money.euros(cart.subtotal_cents) >= FREE_SHIPPING_FROM
    assert cart.shipping_cents == (0 if over else money.cents(SHIPPING))


@given(LINES, LINES, COUNTRIES)
def test_more_goods_never_cost_less_before_shipping(
    lines: list[PricedLine], more: list[PricedLine], country: str
) -> None:
    assert price(lines + more, country).subtotal_cents > price(lines, country).subtotal_cents


@given(st.integers(-(10**12), 10**12))
def test_cents_survive_the_way_through_decimals(cents: int) -> None:
    assert money.cents(money.euros(cents)) == cents


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_rounding_is_half_up(amount: Decimal) -> None:
    assert money.cents(amount) == int((amount * 100).to_integral_value(rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("subtotal_cents", "shipping_cents"), [(1, 490), (4_999, 490), (5_000, 0), (5_001, 0)], ids=str
)
def test_the_shipping_threshold_to_the_cent(subtotal_cents: int, shipping_cents: int) -> None:
    assert money.cents(shipping_for(money.euros(subtotal_cents))) == shipping_cents


@pytest.mark.parametrize(
    ("subtotal_cents", "country", "tax_cents"),
    [(10_000, "DE", 1_900), (10_000, "IE", 2_300), (5_050, "AT", 1_010), (5_010, "NL", 1_052), (5_050, "LU", 859)],
)
def test_tax_by_hand(subtotal_cents: int, country: str, tax_cents: int) -> None:
    # 50.50 at 17 % is 8.585: half a cent goes up.
    assert price([line(subtotal_cents)], country).tax_cents == tax_cents


def test_tax_is_due_on_shipping_too() -> None:
    cart = price([line(1_000)], "DE")
    assert (cart.shipping_cents, cart.tax_cents, cart.total_cents) == (490, 283, 1_773)


def test_amounts_for_people() -> None:
    assert [money.shown(cents) for cents in (0, 5, 123_456)] == ["0.00 EUR", "0.05 EUR", "1,234.56 EUR"]
