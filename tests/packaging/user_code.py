"""What a user writes: typed handlers, a worker beside a client. Checked by mypy and run, far from the sources."""

from __future__ import annotations

from typing import assert_type

from pydantic import BaseModel

from tasker_core import PermanentError, StepContext, StepHandler, StepHandlerResult, TaskerClient, Worker
from tasker_core.step_handler import depends_on, inputs, step_handler


class Order(BaseModel):
    sku: str
    quantity: int
    price_cents: int = 250


class Total(BaseModel):
    cents: int


@step_handler("shop_price_order")
@inputs(Order)
def price_order(inputs: Order) -> Total:
    if inputs.quantity < 1:
        raise PermanentError(f"quantity is {inputs.quantity}: order at least one", error_code="EMPTY_ORDER")
    return Total(cents=inputs.quantity * inputs.price_cents)


@step_handler("shop_charge")
@depends_on(total=("price_order", Total))
async def charge(total: Total, context: StepContext) -> dict[str, object]:
    return {"charged_cents": total.cents, "key": context.idempotency_key, "attempt": context.attempt}


class Thank(StepHandler):
    handler_name = "shop_thank"

    def call(self, context: StepContext) -> StepHandlerResult:
        charged = context.get_dependency_field("charge", "charged_cents")
        return self.success({"message": f"Thank you for {charged} cents"})


TEMPLATE = {
    "name": "order",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "price_order", "handler": {"callable": "shop_price_order"}},
        {"name": "charge", "handler": {"callable": "shop_charge"}, "dependencies": ["price_order"]},
        {"name": "thank", "handler": {"callable": "shop_thank"}, "dependencies": ["charge"]},
    ],
}


def main() -> None:
    # A decorated function keeps its type, so a test of the user's calls it as it is written.
    assert_type(price_order(inputs=Order(sku="tea", quantity=2)), Total)

    client = TaskerClient()
    client.register_template(TEMPLATE)
    with Worker.start(handler_packages=["user_code"]):
        task = client.create_task("order", namespace="shop", context={"sku": "tea", "quantity": 2})
        done = client.wait(task.task_uuid, timeout=30)
        assert_type(done.status, str)
        results = {step.name: step.results for step in client.list_task_steps(task.task_uuid)}
    assert done.status == "complete", done
    thanks = results["thank"]
    assert thanks is not None
    assert thanks["result"] == {"message": "Thank you for 500 cents"}, thanks
    print(done.status)
