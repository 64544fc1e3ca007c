"""Handlers as functions."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel

from tasker_core import BatchWorkerContext, PermanentError, RetryableError, StepContext, StepHandlerResult
from tasker_core.step_handler import (
    APIMixin,
    BatchConfig,
    Decision,
    FunctionalHandler,
    HandlerDecorator,
    api_handler,
    batch_analyzer,
    batch_worker,
    decision_handler,
    depends_on,
    inputs,
    step_handler,
)


class Cart(BaseModel):
    sku: str
    quantity: int = 1


class Total(BaseModel):
    cents: int


@step_handler("validate_cart", version="2.0.0")
@inputs(Cart)
def validate_cart(inputs: Cart) -> Total:
    if inputs.quantity < 1:
        raise PermanentError("order at least one", error_code="EMPTY", metadata={"quantity": inputs.quantity})
    return Total(cents=450 * inputs.quantity)


@step_handler("charge")
@depends_on(total=("validate_cart", Total), stock="check_stock")
@inputs("card", "currency")
async def charge(
    total: Total, stock: dict[str, Any] | None, card: str, currency: str | None, context: StepContext
) -> dict[str, object]:
    if context.is_last_retry() and stock is None:
        raise RetryableError("no stock yet", retry_after=1.5)
    context.heartbeat({"charged": total.cents})
    key: str = context.idempotency_key
    return {"cents": total.cents, "key": key, "card": card, "currency": currency, "attempt": context.attempt}


@decision_handler("route")
@depends_on(total="validate_cart")
def route(total: dict[str, int]) -> Decision:
    if total["cents"] > 10_000:
        return Decision.route(["review"], cents=total["cents"])
    return Decision.skip("small order")


@batch_analyzer("analyze", worker_template="process")
@inputs("rows")
def analyze(rows: int) -> BatchConfig:
    return BatchConfig(total_items=rows, batch_size=100, metadata={"kind": "csv"})


@batch_worker("process")
def process(batch_context: BatchWorkerContext | None) -> dict[str, int]:
    if batch_context is None:
        return {"items_processed": 0}
    return {"items_processed": batch_context.end_cursor - batch_context.start_cursor}


@api_handler("fetch_user", base_url="https://users.example.org", timeout=5.0, default_headers={"Accept": "text/json"})
@inputs("user")
def fetch_user(user: int, api: APIMixin) -> StepHandlerResult:
    response = api.get(f"/users/{user}", params={"full": 1})
    if response.ok:
        return api.api_success(response)
    seconds: int | None = response.retry_after
    return api.api_failure(response, message=f"again in {seconds}")


def call_them_directly() -> None:
    assert_type(validate_cart(inputs=Cart(sku="tea")), Total)
    assert_type(route(total={"cents": 1}), Decision)
    decorate: HandlerDecorator = step_handler("other")
    print(decorate, isinstance(validate_cart, FunctionalHandler))
