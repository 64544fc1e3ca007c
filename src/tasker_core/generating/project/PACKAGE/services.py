"""What the shop does."""

from __future__ import annotations

import hashlib

PRICES = {"teapot": 2450, "cup": 900}


class NotForSale(Exception):
    """The shop doesn't have it."""


class CardDeclined(Exception):
    """The bank says no, and will say so again."""


class GatewayDown(Exception):
    """The payment gateway doesn't answer now."""


def price(sku: str, quantity: int) -> int:
    """What this many cost, in cents. Raises NotForSale."""
    if sku not in PRICES:
        raise NotForSale(f"there is no {sku} in this shop")
    return PRICES[sku] * quantity


class Gateway:
    """Stands for the payment gateway. It knows a repeated charge by its key, as real ones do."""

    def __init__(self) -> None:
        self.charges: dict[str, int] = {}

    def charge(self, card: str, cents: int, key: str) -> str:
        """Charge a card once for each key; the charge's id. Raises CardDeclined, GatewayDown."""
        if card == "tok_declined":
            raise CardDeclined("the card was declined")
        if card == "tok_timeout":
            raise GatewayDown("the gateway didn't answer in time")
        self.charges.setdefault(key, cents)
        return "ch_" + hashlib.sha256(key.encode()).hexdigest()[:12]


gateway = Gateway()


def send(charge_id: str) -> str:
    """Hand the parcel over; its tracking number."""
    return charge_id.replace("ch_", "parcel-")
