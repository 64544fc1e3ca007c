"""What handlers pass their contexts to."""

from __future__ import annotations

from typing import Any

from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.step_handler import ApiHandler


def read_all(context: StepContext) -> dict[str, Any]:
    return {"all": context.get_dependency_result("first")}


class Sender(ApiHandler):
    """Sends; who derives from it says with which headers."""

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.api_success(self.post("/orders", json=self.body(context), headers=self.headers(context)))

    def body(self, context: StepContext) -> dict[str, Any]:
        return {}

    def headers(self, context: StepContext) -> dict[str, str]:
        return {}


class Piece(StepHandler):
    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success(self.work(context))

    def work(self, context: StepContext) -> dict[str, Any]:
        return {}
