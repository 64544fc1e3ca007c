"""Declarations and results whose types must come out as written."""

from __future__ import annotations

from pydantic import BaseModel

from tasker_core.step_handler import Decision, StepHandler, decision_handler, depends_on, inputs, step_handler
from tasker_core.types import StepContext, StepHandlerResult


class Cart(BaseModel):
    total: int


@step_handler("charge")
@depends_on(cart=("validate_cart", Cart))
@inputs("email")
def charge(cart: Cart, email: str, context: StepContext) -> dict[str, object]:
    return {"charged": cart.total, "to": email, "key": context.idempotency_key}


@step_handler("later")
async def later() -> int:
    return 1


@decision_handler("choose")
def choose() -> Decision:
    return Decision.route(["a"], why="b")


class Ship(StepHandler):
    handler_name = "ship"

    async def call(self, context: StepContext) -> StepHandlerResult:
        return self.success({"shipped": True})


class Pack(StepHandler):
    handler_name = "pack"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.failure("no box", "no_box", retryable=False)


route: Decision = choose()


def handle(context: StepContext) -> StepHandlerResult:
    result = StepHandlerResult.success({"total": 1})
    ok: bool = result.success
    return result if ok else StepHandlerResult.failure(f"no {context.attempt}", retryable=False)


made = StepHandlerResult(success=True, result={})
reveal: dict[str, object] | None = made.result
