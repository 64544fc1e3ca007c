"""Money: exact decimals while it is reckoned with, whole cents where it is written down."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "EUR"
_CENT = Decimal("0.01")


def euros(cents: int) -> Decimal:
    """
    >>> euros(1450)
    Decimal('14.50')
    """
    return Decimal(cents).scaleb(-2)


def cents(amount: Decimal) -> int:
    """Round to the cent, halves away from zero as on a till.

    >>> cents(Decimal("0.125"))
    13
    """
    return int(amount.quantize(_CENT, rounding=ROUND_HALF_UP).scaleb(2))


def shown(amount_cents: int, currency: str = CURRENCY) -> str:
    """
    >>> shown(123456)
    '1,234.56 EUR'
    """
    return f"{euros(amount_cents):,.2f} {currency}"
