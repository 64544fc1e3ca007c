"""The shapes that are measured, and what a task of each is given: about 1 KB."""

from __future__ import annotations

from typing import Any

CHECKOUT = ["validate_cart", "process_payment", "update_inventory", "create_order", "send_confirmation"]


def checkout() -> dict[str, Any]:
    """Five steps, one after the other."""
    return _template(
        "bench_checkout",
        [
            {"name": name, "handler": {"callable": f"bench_{name}"}, "dependencies": CHECKOUT[max(no - 1, 0) : no]}
            for no, name in enumerate(CHECKOUT)
        ],
    )


def fan(width: int) -> dict[str, Any]:
    """One step, then ``width`` at once, then one that joins them."""
    middle = [f"part_{no}" for no in range(width)]
    steps = [
        {"name": "first", "dependencies": []},
        *({"name": name, "dependencies": ["first"]} for name in middle),
        {"name": "last", "dependencies": middle},
    ]
    return _template(f"bench_fan_{width}", [{**step, "handler": {"callable": "bench_fan"}} for step in steps])


def context(no: int) -> dict[str, Any]:
    lines = [{"sku": f"sku-{line:04}", "quantity": line % 3 + 1, "price_cents": 100 * line} for line in range(16)]
    return {"order": no, "email": "ann@example.org", "cart": lines}


def _template(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "namespace_name": "bench", "version": "1.0.0", "steps": steps}
