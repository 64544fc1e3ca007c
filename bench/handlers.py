"""The checkout's five steps with nothing in them: what is left is Tasker."""

from __future__ import annotations

from typing import Any

from bench.payload import RESULT
from tasker_core.step_handler import BatchConfig, batch_analyzer, depends_on, inputs, step_handler


@step_handler("bench_validate_cart")
@inputs("cart")
def validate_cart(cart: Any) -> dict[str, Any]:
    return RESULT


@step_handler("bench_process_payment")
@depends_on(cart="validate_cart")
def process_payment(cart: Any) -> dict[str, Any]:
    return RESULT


@step_handler("bench_update_inventory")
@depends_on(payment="process_payment")
def update_inventory(payment: Any) -> dict[str, Any]:
    return RESULT


@step_handler("bench_create_order")
@depends_on(stock="update_inventory")
def create_order(stock: Any) -> dict[str, Any]:
    return RESULT


@step_handler("bench_send_confirmation")
@depends_on(order="create_order")
def send_confirmation(order: Any) -> dict[str, Any]:
    return RESULT


@step_handler("bench_fan")
def fan() -> dict[str, Any]:
    return RESULT


@batch_analyzer("bench_cut", worker_template="part")
@inputs("pieces")
def cut(pieces: int) -> BatchConfig:
    return BatchConfig(total_items=pieces, batch_size=1)
