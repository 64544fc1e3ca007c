"""What every system is given and gives back: about 1 KB in, 300 bytes out. Peers import it too."""

from __future__ import annotations

from typing import Any

RESULT: dict[str, Any] = {"note": "x" * 270, "total": 4_200}
CHECKOUT = ["validate_cart", "process_payment", "update_inventory", "create_order", "send_confirmation"]
"""The five steps, one after the other."""


def context(no: int) -> dict[str, Any]:
    lines = [{"sku": f"sku-{line:04}", "quantity": line % 3 + 1, "price_cents": 100 * line} for line in range(16)]
    return {"order": no, "email": "ann@example.org", "cart": lines}
